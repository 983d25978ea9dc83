"""Conditioning: tracks and boxes become the tensors that a network reads."""
