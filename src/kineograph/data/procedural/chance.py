"""Chance: draws from a numpy generator that is passed in."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Thing = TypeVar("Thing")


def between(rng: np.random.Generator, low: float | int, high: float | int) -> float:
    """A number from `low` to `high`, all ratios alike likely (log-uniform)."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def signed(rng: np.random.Generator, low: float | int, high: float | int) -> float:
    """A number of size `low` to `high`, log-uniform, of either sign."""
    return between(rng, low, high) * (1 if rng.random() < 0.5 else -1)


def either(rng: np.random.Generator, things: Sequence[Thing]) -> Thing:
    """One of some things, all alike likely."""
    return things[int(rng.integers(len(things)))]
