"""The moving camera: its moves and poses, the scene it sees, and what it makes of motion."""
