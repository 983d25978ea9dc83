"""How documents are written and read: strict fields, clear complaints, readable files."""
