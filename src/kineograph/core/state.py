"""The three states of a tracked point at one instant."""

from enum import IntEnum


class State(IntEnum):
    """What is known of a point at one frame.

    Two values are not enough: a drag that was let go is not an occlusion.
    """

    UNSPECIFIED = 0
    """Nobody says where the point is; a model is free."""
    VISIBLE = 1
    """The point is at the given position and can be seen."""
    OCCLUDED = 2
    """The point is at the given position but hidden, behind something or outside the picture."""
