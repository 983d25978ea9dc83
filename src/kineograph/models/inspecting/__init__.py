"""What weights are, told by the heads of their files."""
