"""ControlNets for video: a trainable copy of the base's encoder that speaks to its decoder."""
