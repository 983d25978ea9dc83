"""What the pose gesture is made of: skeletons, limbs, and poses taken from elsewhere."""
