"""Pictures drawn without a network: the warp along tracks, overlays and contact sheets."""
