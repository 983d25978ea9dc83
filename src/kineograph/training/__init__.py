"""Training: stages, recipes, objectives, the loop, probes and checkpoints."""
