"""Windows of 16 frames cut from real videos, for measuring `mini` on what it was not made for.

The folder that `KINEOGRAPH_CLIPS` names is read; nothing of it comes into the repository.
"""

from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np

from kineograph.core.errors import EvaluationError
from kineograph.core.video import open_video
from kineograph.core.video_writer import VideoWriter
from kineograph.data.files import find_videos
from kineograph.evaluation.suites.reading import fitted

FRAMES = 16
RATE = 16
"""Frames a second that a window is brought near to by leaving frames out; mini learned at this."""

PLACES = (0.35, 0.65, 0.1, 0.9)
"""Where in a video its windows begin, as a share of what there is, in the order they are taken."""

CUT = 0.5
"""Neighbouring frames whose small grey pictures agree less (correlation) belong to two shots."""

CHANGE, PART = 12, 0.04
"""Something moves if this part of a 64 x 64 picture changes by so many of 255 grey levels, beside
what changes everywhere: in a window in which nothing moves the still picture is the right answer.
"""


def cut_windows(videos: Path, out: Path, *, each: int, side: int) -> Path:
    """Cut windows out of every video of a folder, middle square, and keep them losslessly.

    Args:
        videos: the folder.
        out: where the windows go, `NAME-PLACE.mkv`; those that are there are kept.
        each: at most so many of a video.
        side: pixels of a window's side.

    Returns:
        The folder of the windows.

    Raises:
        EvaluationError: no window can be cut.
    """
    folder = out / f"{side}px-{each}-each"
    for path in find_videos(videos):
        wanted = [folder / f"{path.stem}-{index}.mkv" for index in range(each)]
        if wanted[0].is_file():
            continue
        for place, (frames, fps) in zip(wanted, windows(path, side), strict=False):
            _write(place, frames, fps)
    if not any(folder.glob("*.mkv")):
        raise EvaluationError(f"{videos} gives no window of {FRAMES} frames; name another folder")
    return folder


def windows(path: Path, side: int) -> Iterator[tuple[np.ndarray, float]]:
    """Windows (16, side, side, 3) of a video with their frames a second; none across a cut."""
    with open_video(path) as reader:
        step = max(1, round(reader.fps / RATE))
        span, fps, count = (FRAMES - 1) * step + 1, reader.fps / step, len(reader)
    if count < span:
        return
    for place in PLACES:
        begin = round((count - span) * place)
        with open_video(path) as reader:
            frames = fitted(islice(reader, begin, begin + span, step), (side, side))
        if len(frames) == FRAMES and one_shot(frames) and moves(frames):
            yield frames, fps


def one_shot(frames: np.ndarray) -> bool:
    """Whether no two neighbouring frames are of different shots."""
    small = [cv2.resize(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), (32, 32)).ravel() for x in frames]
    return all(np.corrcoef(one, other)[0, 1] > CUT for one, other in pairwise(small))


def moves(frames: np.ndarray) -> bool:
    """Whether something moves, beside noise and a change of the light."""
    small = np.stack([_small(frame) for frame in frames])
    change = small - small[:1]
    change -= np.median(change, axis=(1, 2), keepdims=True)
    return float((np.abs(change).max(axis=0) > CHANGE).mean()) > PART


def _small(frame: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float64)


def _write(place: Path, frames: np.ndarray, fps: float) -> None:
    height, width = frames.shape[1:3]
    place.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(place, (width, height), fps, lossless=True) as writer:
        for frame in frames:
            writer.write(frame)
