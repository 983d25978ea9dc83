"""Gestures in a line of text, as the command line takes them."""
