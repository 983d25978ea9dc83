"""Strengths of several systems from pairwise choices, after Bradley and Terry."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64
from scipy.sparse.csgraph import connected_components

from kineograph.evaluation.study.votes import Vote

STEPS, CLOSE = 10_000, 1e-12


def strengths_of(votes: Sequence[Vote]) -> Mapping[str, float]:
    """Strengths by which one system is preferred to another with probability p / (p + q).

    Bradley and Terry 1952, fitted by Hunter 2004's ascent ("MM algorithms for generalized
    Bradley-Terry models"); they add up to 1.

    Args:
        votes: choices, each of one of its two systems.

    Returns:
        System to strength. Empty for fewer than three systems, and where they are not defined: if
        the systems can be parted so that none of the one part ever beat one of the other.
    """
    names = sorted({name for vote in votes for name in vote.systems})
    place = {name: index for index, name in enumerate(names)}
    beats = np.zeros((len(names), len(names)))
    for vote in votes:
        one, other = vote.systems
        loser = other if vote.chosen[0] == one else one
        beats[place[vote.chosen[0]], place[loser]] += 1
    parts = connected_components(beats > 0, connection="strong", return_labels=False)
    if len(names) < 3 or parts > 1:
        return {}
    return dict(zip(names, map(float, _fitted(beats)), strict=True))


def _fitted(beats: Float64[np.ndarray, "systems systems"]) -> Float64[np.ndarray, " systems"]:
    both, wins = beats + beats.T, beats.sum(axis=1)
    found = np.full(len(beats), 1 / len(beats))
    for _ in range(STEPS):
        better = wins / (both / (found[:, None] + found[None])).sum(axis=1)
        better /= better.sum()
        if np.abs(better - found).max() < CLOSE:
            return np.asarray(better)
        found = better
    return np.asarray(found)
