"""DINO similarities: how far the picture's subject is kept."""

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.likeness import of_picture, of_video, to_one


def first_frame_dino(look: Look) -> float:
    """FFF_DINO, first frame fidelity: the cosine of each frame to the picture, mean over frames.

    Range -1 to 1, higher is better; a still picture has 1. Features are DINO's class token. The
    first frame is counted, for an engine need not keep it. SMCD (arXiv 2403.10179) names it and
    gives neither code nor which DINO.
    """
    return float(to_one(of_video(look, "dino"), of_picture(look, "dino")).mean())


def first_frame_dinov2(look: Look) -> float:
    """`first_frame_dino` through DINOv2: -1 to 1, higher is better. Of no paper."""
    return float(to_one(of_video(look, "dinov2"), of_picture(look, "dinov2")).mean())


METRICS: tuple[Metric, ...] = (
    Metric(
        name="fff-dino",
        title="FFF-DINO",
        what="first frame fidelity: cosine of DINO's features of each frame and of the picture, "
        "mean over frames",
        measure=first_frame_dino,
        better="higher",
        range=(-1.0, 1.0),
        needs=frozenset({"picture"}),
        backbones=("dino",),
        source="SMCD (arXiv 2403.10179)",
    ),
    Metric(
        name="fff-dinov2",
        title="FFF-DINOv2",
        what="first frame fidelity through DINOv2: cosine of each frame and the picture, mean",
        measure=first_frame_dinov2,
        better="higher",
        range=(-1.0, 1.0),
        needs=frozenset({"picture"}),
        backbones=("dinov2",),
        source="Kineograph; SMCD's with DINOv2 (arXiv 2304.07193)",
    ),
)
"""Similarities through DINO."""
