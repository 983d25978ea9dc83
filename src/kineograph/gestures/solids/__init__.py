"""What the solid gesture is made of: its fields, its shapes and how they turn."""
