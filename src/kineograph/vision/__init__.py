"""Measuring pictures: where points go, how deep things are, what belongs together."""
