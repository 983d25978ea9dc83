"""Data: what networks are trained on, procedural scenes with exact truth and real videos."""
