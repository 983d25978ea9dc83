"""Weights from folders, the hub and single files, read without running anything in them."""
