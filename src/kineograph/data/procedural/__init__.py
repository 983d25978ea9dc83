"""Procedural scenes: layered worlds that move, rendered with exact truth for every frame."""
