"""VBench-I2V's formulas through DINO and CLIP (arXiv 2311.17982, 2411.13503), in percent.

Its own scores are 0 to 1 and stand in tables times 100, as here. VBench weighs every frame of all
videos alike, a benchmark here every video: the same where all have one length.
"""

import numpy as np
from jaxtyping import Float

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.likeness import (
    Features,
    consecutive,
    of_picture,
    of_video,
    to_one,
)

MOST, MEAN, LEAST = 0.4, 0.3, 0.3
"""Weights of the best frame, and of the mean and the worst consecutive pair."""


def subject_consistency(look: Look) -> float:
    """The cosines of each frame to the first and to the one before, halved, mean over frames.

    DINO (ViT-B/16 in VBench) on whole frames, negative cosines count 0, from the second frame on.
    0 to 100, higher is better; a still picture has 100. NaN for a single frame.
    """
    return consistency(of_video(look, "dino", "whole"))


def background_consistency(look: Look) -> float:
    """The same through CLIP (ViT-B/32 in VBench), on middle squares.

    0 to 100, higher is better; a still picture has 100. NaN for a single frame.
    """
    return consistency(of_video(look, "clip", "vbench"))


def i2v_subject(look: Look) -> float:
    """How far the picture's subject stays: 0.4 of the best frame's cosine to the picture, 0.3 of
    the mean cosine of consecutive frames, 0.3 of the least of them.

    DINO (ViT-B/16 in VBench) on middle squares, negative cosines count 0. 0 to 100, higher is
    better; a still picture has 100. VBench compares with the picture's file; here, as everywhere,
    it is the picture that the engine was given. NaN for a single frame.
    """
    return fidelity(of_video(look, "dino"), of_picture(look, "dino"))


def i2v_dinov2(look: Look) -> float:
    """`i2v_subject`'s formula through DINOv2: 0 to 100, higher is better.

    Not VBench's i2v background, which is this formula through DreamSim, a set of three networks
    that transformers does not read; figures of the two cannot be compared.
    """
    return fidelity(of_video(look, "dinov2"), of_picture(look, "dinov2"))


def consistency(features: Features) -> float:
    """VBench's consistency of a video's unit features, 0 to 100; NaN for a single frame."""
    if len(features) < 2:
        return float("nan")
    first = np.maximum(to_one(features[1:], features[0]), 0)
    before = np.maximum(consecutive(features), 0)
    return float(100 * ((first + before) / 2).mean())


def fidelity(features: Features, picture: Float[np.ndarray, " size"]) -> float:
    """VBench-I2V's fidelity of a video's unit features, 0 to 100; NaN for a single frame."""
    if len(features) < 2:
        return float("nan")
    given = np.maximum(to_one(features, picture), 0)
    pairs = np.maximum(consecutive(features), 0)
    return float(100 * (MOST * given.max() + MEAN * pairs.mean() + LEAST * pairs.min()))


_PERCENT = (0.0, 100.0)
_SOURCE = "VBench (arXiv 2311.17982) and its public code"
_I2V_SOURCE = "VBench++ (arXiv 2411.13503), VBench-I2V, and its public code"

METRICS: tuple[Metric, ...] = (
    Metric(
        name="subject-consistency",
        title="Subject consistency",
        what="cosine of DINO's features of each frame to the first and to the one before, mean",
        measure=subject_consistency,
        better="higher",
        unit="%",
        range=_PERCENT,
        backbones=("dino",),
        source=_SOURCE,
    ),
    Metric(
        name="background-consistency",
        title="Background consistency",
        what="cosine of CLIP's features of each frame to the first and to the one before, mean",
        measure=background_consistency,
        better="higher",
        unit="%",
        range=_PERCENT,
        backbones=("clip",),
        source=_SOURCE,
    ),
    Metric(
        name="i2v-subject",
        title="I2V subject",
        what="0.4 largest cosine of a frame's DINO features to the picture's + 0.3 mean and 0.3 "
        "least cosine of consecutive frames",
        measure=i2v_subject,
        better="higher",
        unit="%",
        range=_PERCENT,
        needs=frozenset({"picture"}),
        backbones=("dino",),
        source=_I2V_SOURCE,
    ),
    Metric(
        name="i2v-dinov2",
        title="I2V formula, DINOv2",
        what="the formula of I2V subject, with the picture and DINOv2; not VBench's I2V background "
        "(DreamSim)",
        measure=i2v_dinov2,
        better="higher",
        unit="%",
        range=_PERCENT,
        needs=frozenset({"picture"}),
        backbones=("dinov2",),
        source="Kineograph; the formula is VBench-I2V's",
    ),
)
"""VBench-I2V's scores through learned features."""
