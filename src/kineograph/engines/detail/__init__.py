"""Detail: the photograph carried along a generated motion, generated content where it ends."""
