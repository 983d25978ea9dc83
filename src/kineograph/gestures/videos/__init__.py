"""What gestures take from another video: its motion, aligned, smoothed or enlarged."""
