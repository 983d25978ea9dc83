"""Adapters that read tracks at the input."""
