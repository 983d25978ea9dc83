"""Learned networks that metrics look through: LPIPS's, Inception, I3D, CLIP, DINO."""
