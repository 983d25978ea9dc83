"""Image conditioning: the ways in which the four systems give a network its first frame."""
