"""Scheduled sampling: boxes act in the first steps, the base alone in the last."""

import math
from collections.abc import Sequence

from kineograph.core.errors import ModelError

GLIGEN_STAGES = (0.3, 0.0, 0.7)
"""GLIGEN's own choice: boxes for the first 30 percent of the steps."""


def scheduled_strength(
    step: int, steps: int, stages: Sequence[float | int] = GLIGEN_STAGES
) -> float:
    """The strength of grounding at one sampling step (GLIGEN, 2301.07093, equation 9).

    The steps are parted into three stages: strength 1, then falling linearly to 0, then 0. As in
    the published code a stage's steps are rounded down, the last stage takes what is left, and the
    falling stage of n steps takes the values (n - 1) / n, ..., 1 / n, 0.

    Args:
        step: from 0, the noisiest, to `steps` - 1.
        steps: how many there are.
        stages: the three stages' parts of all steps; GLIGEN calls them `alpha_type`.

    Returns:
        0 to 1.

    Raises:
        ModelError: the step is not one of the steps, or the parts do not add up to 1.
    """
    if not 0 <= step < steps:
        raise ModelError(f"step {step} of {steps} was given; steps are counted from 0")
    if len(stages) != 3 or min(stages) < 0 or not math.isclose(sum(stages), 1.0):
        raise ModelError(
            f"the stages {tuple(stages)} of grounding were given; give three parts of all steps "
            "that add up to 1: at full strength, falling and without, as (0.3, 0, 0.7)"
        )
    full, falling = (_whole(part * steps) for part in stages[:2])
    if step < full:
        return 1.0
    if step < full + falling:
        return (full + falling - 1 - step) / falling
    return 0.0


def _whole(count: float | int) -> int:
    """Rounded down, but for what binary fractions lack."""
    return math.floor(count + 1e-9)
