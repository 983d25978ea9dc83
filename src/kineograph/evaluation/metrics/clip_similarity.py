"""CLIP similarities: of frames to the text, to the picture, to each other and to the truth."""

import numpy as np

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.metrics.likeness import (
    consecutive,
    of_picture,
    of_text,
    of_truth,
    of_video,
    to_each,
    to_one,
)

SCORE_WEIGHT = 2.5
"""CLIPScore's w (Hessel et al. 2021, arXiv 2104.08718, equation 1)."""


def clip_sim(look: Look) -> float:
    """CLIP-SIM: the cosine of each frame to the text, mean over all frames, times 100.

    Range -100 to 100 (real videos are about 30), higher is better. As in SMCD's and Boximator's
    tables (CLIPSIM there is not multiplied: 0.2948 is our 29.48), after Wu et al. 2021 (GODIVA,
    arXiv 2104.14806). Which CLIP is meant differs between papers; the usual one is ViT-B/32.
    """
    return float(100 * to_one(of_video(look, "clip"), of_text(look)).mean())


def first_frame_clip(look: Look) -> float:
    """FFF_CLIP, first frame fidelity: the cosine of each frame to the picture, mean over frames.

    Range -1 to 1, higher is better; a still picture has 1. The first frame is counted, for an
    engine need not keep it. SMCD (arXiv 2403.10179) names it and gives no code.
    """
    return float(to_one(of_video(look, "clip"), of_picture(look, "clip")).mean())


def image_alignment(look: Look) -> float:
    """Animate Bench's image alignment: the cosine of each frame to the picture, mean, times 100.

    Range -100 to 100, higher is better; a still picture has 100 (99.29 in MotiF's table, after
    video coding). PIA (arXiv 2312.13964) names it, no code is public, its CLIP is unknown.
    """
    return 100 * first_frame_clip(look)


def text_alignment(look: Look) -> float:
    """Animate Bench's text alignment: CLIPScore of each frame, mean over frames, times 100.

    CLIPScore is 2.5 max(cosine, 0); so the range is 0 to 250, higher is better, and tables say
    about 66. That it is CLIPScore follows from the scale of the published figures, no code being
    public. Text goes in as it is, without CLIPScore's "A photo depicts".
    """
    cosines = to_one(of_video(look, "clip"), of_text(look))
    return float(100 * SCORE_WEIGHT * np.maximum(cosines, 0).mean())


def clip_smooth(look: Look) -> float:
    """AnimateDiff's smoothness: the cosine of consecutive frames, mean, times 100.

    Range -100 to 100, higher is better; a still picture has 100, so read it beside that row.
    arXiv 2307.04725, Table 1. NaN for a single frame.
    """
    pairs = consecutive(of_video(look, "clip"))
    return float(100 * pairs.mean()) if len(pairs) else float("nan")


def clip_domain(look: Look) -> float:
    """AnimateDiff's domain similarity: the cosine of every frame to every reference, mean, x100.

    Range -100 to 100, higher is better. arXiv 2307.04725, Table 1: there the references are
    pictures of the personalised text-to-image model; here they are the frames of the true video,
    into which a suite can put such pictures.
    """
    return float(100 * to_each(of_video(look, "clip"), of_truth(look, "clip")).mean())


_COSINE = (-1.0, 1.0)
_HUNDRED = (-100.0, 100.0)
_TEXT, _PICTURE = frozenset({"text"}), frozenset({"picture"})

METRICS: tuple[Metric, ...] = (
    Metric(
        name="clip-sim",
        title="CLIP-SIM",
        what="cosine of CLIP's features of each frame and of the text, mean over frames, times 100",
        measure=clip_sim,
        better="higher",
        range=_HUNDRED,
        needs=_TEXT,
        backbones=("clip",),
        source="SMCD (arXiv 2403.10179); Boximator (arXiv 2402.01566) without the factor 100",
    ),
    Metric(
        name="fff-clip",
        title="FFF-CLIP",
        what="first frame fidelity: cosine of CLIP's features of each frame and of the picture, "
        "mean over frames",
        measure=first_frame_clip,
        better="higher",
        range=_COSINE,
        needs=_PICTURE,
        backbones=("clip",),
        source="SMCD (arXiv 2403.10179)",
    ),
    Metric(
        name="image-alignment",
        title="Image alignment",
        what="cosine of CLIP's features of each frame and of the picture, mean, times 100",
        measure=image_alignment,
        better="higher",
        range=_HUNDRED,
        needs=_PICTURE,
        backbones=("clip",),
        source="Animate Bench, PIA (arXiv 2312.13964); scale inferred from MotiF's Table 2",
    ),
    Metric(
        name="text-alignment",
        title="Text alignment",
        what="CLIPScore, 2.5 max(cosine, 0), of each frame and the text, mean, times 100",
        measure=text_alignment,
        better="higher",
        range=(0.0, 250.0),
        needs=_TEXT,
        backbones=("clip",),
        source="Animate Bench, PIA (arXiv 2312.13964); CLIPScore (arXiv 2104.08718), inferred",
    ),
    Metric(
        name="clip-smooth",
        title="CLIP smooth",
        what="cosine of CLIP's features of consecutive frames, mean, times 100",
        measure=clip_smooth,
        better="higher",
        range=_HUNDRED,
        backbones=("clip",),
        source="AnimateDiff (arXiv 2307.04725), Table 1",
    ),
    Metric(
        name="clip-domain",
        title="CLIP domain",
        what="cosine of CLIP's features of every frame and every true frame, mean, times 100",
        measure=clip_domain,
        better="higher",
        range=_HUNDRED,
        needs=frozenset({"truth"}),
        backbones=("clip",),
        source="AnimateDiff (arXiv 2307.04725), Table 1, with the true frames as references",
    ),
)
"""Similarities through CLIP."""
