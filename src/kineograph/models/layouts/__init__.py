"""Public layouts of weights files, one file each: `detect`, `read` into our names, `write` back."""
