"""The order of an epoch: a number says it, so that a run can go on exactly where it stopped."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int64

from kineograph.core.errors import DataError

BUFFER = 10_000
"""Clips a shuffle buffer holds if nobody says; only their numbers, so this costs nothing."""


def epoch_order(
    sizes: Sequence[int], seed: int, epoch: int, buffer: int | None = BUFFER
) -> Int64[np.ndarray, " clips"]:
    """The numbers of all clips in the order of one epoch, each once.

    Shards come in random order and their clips pass through a shuffle buffer, as in WebDataset:
    what is read together lies together on the disk. It depends on the arguments alone.

    Args:
        sizes: how many clips each shard holds.
        seed: of the run.
        epoch: counted from 0.
        buffer: how many clips the buffer holds; 0 leaves everything as it lies, None shuffles all
            clips with one another.

    Raises:
        DataError: the buffer is negative.
    """
    if buffer is not None and buffer < 0:
        raise DataError(f"a shuffle buffer of {buffer} clips was asked for; give 0 or more")
    return _ordered(tuple(sizes), seed, epoch, buffer)


@lru_cache(maxsize=4)
def _ordered(
    sizes: tuple[int, ...], seed: int, epoch: int, buffer: int | None
) -> Int64[np.ndarray, " clips"]:
    rng = np.random.default_rng([seed, epoch])
    total = sum(sizes)
    if buffer == 0:
        return _frozen(np.arange(total))
    if buffer is None or buffer >= total:
        return _frozen(rng.permutation(total))
    ends = np.cumsum(sizes)
    shards = [np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    coming = np.concatenate([shards[i] for i in rng.permutation(len(sizes))])
    return _frozen(_buffered(coming, buffer, rng))


def _buffered(
    coming: Int64[np.ndarray, " clips"], buffer: int, rng: np.random.Generator
) -> Int64[np.ndarray, " clips"]:
    """What leaves a buffer that gives a random one of its clips for each that comes."""
    held = coming[:buffer].tolist()
    places = rng.integers(0, buffer, len(coming) - buffer).tolist()
    given = []
    for place, new in zip(places, coming[buffer:].tolist(), strict=True):
        given.append(held[place])
        held[place] = new
    return np.concatenate([np.array(given, np.int64), rng.permutation(held)]).astype(np.int64)


def _frozen(order: np.ndarray) -> Int64[np.ndarray, " clips"]:
    order = order.astype(np.int64)
    order.flags.writeable = False  # it is shared by all who ask for it
    return order
