"""LPIPS: how unlike pictures look to a network (Zhang et al. 2018, arXiv 1801.03924)."""

import numpy as np

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.by_frame import Values, readings


def frame_lpips(look: Look, backbone: str) -> Values:
    """(T,) the distance of each frame and the true one; NaN if the network cannot see so little.

    The trunk's features of both, each divided by its length, squared differences weighted by
    channel, averaged over places and summed over layers (equation 1). 0 and up, seldom above 1,
    lower is better; pictures are not resized, and the value depends on their size.

    Args:
        look: with a true video.
        backbone: "lpips-alex" or "lpips-vgg".
    """
    network, frames = look.backbones.get(backbone), look.sample.frames
    if min(frames.shape[1:3]) < network.least:
        return np.full(len(frames), np.nan)
    distances: Values = network.distances(frames, look.truth.video)
    return distances


def _readings(name: str, title: str, backbone: str, trunk: str) -> tuple[Metric, Metric, Metric]:
    return readings(
        name,
        title,
        f"learned perceptual distance of a frame and the true one (version 0.1, {trunk})",
        lambda look: frame_lpips(look, backbone),
        better="lower",
        backbones=(backbone,),
        source="Zhang et al. 2018 (arXiv 1801.03924), equation 1",
    )


METRICS = (
    *_readings("lpips", "LPIPS", "lpips-alex", "AlexNet"),
    *_readings("lpips-vgg", "LPIPS (VGG)", "lpips-vgg", "VGG16"),
)
