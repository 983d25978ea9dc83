"""A drag completed to the part under it: where the part is, and how it moves as a whole."""
