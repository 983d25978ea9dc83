"""VBench's formulas that need no learned features: flicker, smoothness, dynamic degree."""

from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.sample import Frames
from kineograph.vision.flow import OpticalFlow

Picture = UInt8[np.ndarray, "height width 3"]
Field = Float32[np.ndarray, "height width 2"]

SEEN_FPS = 8
"""Dynamic degree looks at about so many frames a second."""

FAST = 6.0
"""A pair of frames moves if its fastest pixels go farther than so many pixels of 256."""

FASTEST = 0.05
"""The share of pixels that are the fastest."""

MOVING = 4 / 16
"""A video moves if the pairs that move are at least so many a frame."""


def flickering(look: Look) -> float:
    """VBench's temporal flickering: 100 less the mean difference of consecutive frames, in percent.

    (255 - mean absolute difference) / 255, of all pixels, colours and pairs, times 100. 0 to 100,
    higher is better; a still picture has 100. VBench asks it only of videos whose prompt and flow
    are static; of others it measures motion. NaN for a single frame.
    """
    frames = look.sample.frames
    if len(frames) < 2:
        return float("nan")
    return _closeness([_difference(a, b) for a, b in pairwise(frames)])


def smoothness_flow(look: Look) -> float:
    """How well every odd frame is told by its neighbours, in percent.

    The formula of VBench's motion smoothness, (255 - mean absolute difference) / 255 times 100,
    but the frame between two is made by the report's optical flow (see `between`), where VBench
    has the network AMT-S: figures cannot be compared. 0 to 100, higher is better; a still picture
    has 100. NaN for fewer than 3 frames.
    """
    frames = look.sample.frames
    inner = range(1, len(frames) - 1, 2)
    if not inner:
        return float("nan")
    return _closeness(
        [_difference(frames[t], between(frames[t - 1], frames[t + 1], look.flow)) for t in inner]
    )


def dynamic_degree(look: Look) -> float:
    """VBench's dynamic degree with the report's optical flow: 100 if the video moves, else 0.

    Of every round(fps / 8)-th frame, as many pairs as a quarter of the frames (rounded) have to
    move: their 5 % fastest pixels, on average, by more than 6 pixels where the shorter side has
    256. Its mean over videos is the share that moves; neither high nor low is good. VBench has RAFT
    for the flow. At least one pair has to move, where VBench asks none of two frames. NaN for a
    single frame.
    """
    step = max(1, round(look.sample.fps / SEEN_FPS))
    frames = look.sample.frames[::step]
    if len(frames) < 2:
        return float("nan")
    least = FAST * min(frames.shape[1:3]) / 256
    moving = int((speeds(frames, look.flow) > least).sum())
    return 100.0 if moving >= max(1, round(MOVING * len(frames))) else 0.0


def speeds(frames: Frames, flow: OpticalFlow) -> Float64[np.ndarray, " pairs"]:
    """Of each pair of consecutive frames, the mean length of the 5 % longest flow vectors."""
    found = []
    for one, other in pairwise(frames):
        lengths = np.linalg.norm(flow(one, other), axis=2).ravel()
        count = max(1, int(FASTEST * len(lengths)))
        found.append(float(np.partition(lengths, -count)[-count:].mean()))
    return np.array(found)


def between(one: Picture, other: Picture, flow: OpticalFlow) -> Picture:
    """The frame half-way between two, by flow both ways.

    The flow from the middle to either end is a quarter of the difference of the flows between the
    ends (Jiang et al. 2018, Super SloMo, equation 4 at t = 1/2); both ends are fetched along it and
    averaged, bilinear, edges repeated.
    """
    if np.array_equal(one, other):
        return one
    half = (flow(one, other) - flow(other, one)) / 4
    ends = _fetched(one, -half).astype(np.float32) + _fetched(other, half)
    return np.rint(ends / 2).astype(np.uint8)


def _fetched(picture: Picture, field: Field) -> Picture:
    """What is at each pixel's place plus its vector."""
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        picture,
        x + field[..., 0],
        y + field[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _difference(one: Picture, other: Picture) -> float:
    return float(cv2.absdiff(one, other).mean())


def _closeness(differences: list[float]) -> float:
    return 100 * (255 - float(np.mean(differences))) / 255


METRICS: tuple[Metric, ...] = (
    Metric(
        name="temporal-flickering",
        title="Temporal flickering",
        what="(255 - mean absolute difference of consecutive frames) / 255; of static videos, else "
        "it measures motion",
        measure=flickering,
        better="higher",
        unit="%",
        range=(0.0, 100.0),
        source="VBench (arXiv 2311.17982) and its public code",
    ),
    Metric(
        name="smoothness-flow",
        title="Smoothness (flow)",
        what="(255 - mean absolute difference) / 255 of every odd frame to what optical flow makes "
        "of its neighbours; not VBench's, which has the network AMT-S",
        measure=smoothness_flow,
        better="higher",
        unit="%",
        range=(0.0, 100.0),
        motion=True,
        source="Kineograph; the formula is VBench's motion smoothness",
    ),
    Metric(
        name="dynamic-degree-flow",
        title="Dynamic degree (flow)",
        what="share of videos that move: fastest 5 % of pixels above 6 px of 256 in a quarter of "
        "the frames at 8 fps, by the report's optical flow (VBench: RAFT)",
        measure=dynamic_degree,
        better="neither",
        unit="%",
        range=(0.0, 100.0),
        motion=True,
        source="VBench (arXiv 2311.17982) and its public code, with the flow that the report names",
    ),
)
"""VBench's scores of motion that need no network."""
