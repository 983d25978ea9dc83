"""FID: how unlike the frames of videos are to those of true ones, as a set."""

import numpy as np
from jaxtyping import UInt8

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric, Part
from kineograph.evaluation.metrics.frechet import frechet
from kineograph.evaluation.sample import Frames

MOST = 16
"""Frames of a clip that are counted at most, evenly spaced."""


def counted(frames: Frames) -> UInt8[np.ndarray, "counted height width 3"]:
    """The frames that are counted: those after the first, which is the given picture; `MOST` of
    them, evenly from the second to the last, if there are more.
    """
    later = frames[1:]
    if len(later) <= MOST:
        return later
    return np.asarray(later[np.linspace(0, len(later) - 1, MOST).round().astype(int)])


def fid(look: Look) -> Part | None:
    """The Inception features of a clip's frames and of the true ones; None for a single frame.

    Their Fréchet distance is 0 and up, lower is better (Heusel et al. 2017, arXiv 1706.08500). The
    weights, pooling and resizing are those of pytorch-fid. Usual FIDs take at least 10,000
    pictures, and more than the 2,048 features in any case.
    """
    network = look.backbones.get("inception")
    mine, its = (counted(video) for video in (look.sample.frames, look.truth.video))
    if not len(mine):
        return None
    return Part(network.features(mine), network.features(its))


METRICS = (
    Metric(
        name="fid",
        title="FID",
        what="Fréchet distance of Inception v3 features of frames after the first and of the true "
        f"videos' (at most {MOST} of a clip)",
        measure=fid,
        better="lower",
        needs=frozenset({"truth"}),
        backbones=("inception",),
        kind="set",
        settle=frechet,
        least=137,  # of 15 frames after the first: more items than features
        source="Heusel et al. 2017 (arXiv 1706.08500), equation 6",
    ),
)
