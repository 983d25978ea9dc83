"""Tests of what measures and shows `mini`."""
