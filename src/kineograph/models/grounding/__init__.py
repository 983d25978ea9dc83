"""Grounding: boxes, and what is in them, made known to a base's spatial blocks."""
