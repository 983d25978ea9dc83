"""Chance of a training step, which is given by where the step is and by nothing before it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_of(*place: int) -> int:
    """A seed below 2^63 that is given by some whole numbers of 0 or more, in their order."""
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> 1)


def chance_of(*, seed: int, process: int, step: int, part: int) -> torch.Generator:
    """The generator of a part of a step; torch's own chance is set to the same seed.

    A run that is resumed draws what it would have drawn, because nothing is carried on from one
    step to the next. It draws on the CPU, which is the same everywhere and lets no GPU wait.

    Args:
        seed: of the stage.
        process: of how many there are, so that each draws its own.
        step: counted from 1.
        part: of the batches that are accumulated.
    """
    drawn = seed_of(seed, process, step, part)
    torch.manual_seed(drawn)
    return torch.Generator().manual_seed(drawn)


@contextmanager
def chance_kept() -> Iterator[None]:
    """Afterwards torch's own chance goes on as if nothing had been drawn inside."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        yield
