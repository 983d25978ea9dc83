"""Measuring: what was asked for against what is there."""
