"""Weights from one layout into another, and back."""
