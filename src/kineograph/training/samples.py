"""Sample videos: what was asked, beside what the networks make of it, clip by clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kineograph.core.video_writer import VideoWriter
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.bench.preview import Asked, enlarged
from kineograph.render.contact_sheet import FAINT_INK, INK, PAPER
from kineograph.render.lettering import text_size, write_text

FOLDER = "samples"
"""The folder of sample videos, in that of the stage."""

CELL = 224
"""Smaller videos are shown with a longer side of about so many pixels, larger ones as they are."""

TEXT, MARGIN = 15, 10
"""Height of the captions and space around the videos, in pixels."""

LEAST_FPS, HOLD = 6, 3
"""Slower clips are played at this rate; the last frame stays for so many frames."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One clip of a probe.

    Args:
        clip: the true one.
        request: what of it was told.
        made: the generated frames, of the same size.
        said: a few words under it, such as what was measured.
    """

    clip: Clip
    request: Request
    made: UInt8[np.ndarray, "frames height width 3"]
    said: str = ""


def write_samples(path: Path, samples: Sequence[Sample], *, columns: int = 2) -> None:
    """Write a video of samples side by side: each the true clip, then what was made.

    What was asked (tracks, boxes) is drawn over both, with the caption and what is said below.

    Args:
        path: a video's name.
        samples: of clips of one size and length.
        columns: samples in a row.

    Raises:
        OutputError: it cannot be written.
    """
    first = samples[0].clip
    factor = max(1, round(CELL / max(first.size)))
    size = (first.size[0] * factor, first.size[1] * factor)
    layout = _Layout(size, len(samples), min(columns, len(samples)))
    shown = [_Shown(sample, size) for sample in samples]
    with VideoWriter(path, layout.whole, max(first.fps, LEAST_FPS)) as writer:
        for index in [*range(first.frames), *[first.frames - 1] * HOLD]:
            page = np.full((layout.whole[1], layout.whole[0], 3), PAPER, np.uint8)
            for place, sample in enumerate(shown):
                layout.put(page, place, sample.at(index), sample.texts)
            writer.write(page)


class _Shown:
    """A sample at the size that it is shown in."""

    def __init__(self, sample: Sample, size: tuple[int, int]) -> None:
        self.asked, self.size = Asked(sample.request, size), size
        self.videos = (sample.clip.video, sample.made)
        self.texts = (sample.clip.caption or sample.clip.name, sample.said)

    def at(self, index: int) -> list[np.ndarray]:
        """The true and the made frame, with what was asked drawn over both."""
        frames = (video[min(index, len(video) - 1)] for video in self.videos)
        return [self.asked.over(enlarged(frame, self.size), index) for frame in frames]


class _Layout:
    """Where samples stand on a page."""

    def __init__(self, size: tuple[int, int], count: int, columns: int) -> None:
        self.size, self.columns = size, columns
        self.step = (2 * size[0] + 3 * MARGIN, size[1] + 2 * (TEXT + 4) + 2 * MARGIN)
        rows = ceil(count / columns)
        width, height = columns * self.step[0] + MARGIN, rows * self.step[1] + MARGIN
        self.whole = (width + width % 2, height + height % 2)

    def put(
        self, page: np.ndarray, place: int, images: Sequence[np.ndarray], texts: tuple[str, str]
    ) -> None:
        """A sample's two frames with their lines of text."""
        row, column = divmod(place, self.columns)
        left, top = MARGIN + column * self.step[0], MARGIN + row * self.step[1]
        width, height = self.size
        for index, image in enumerate(images):
            start = left + index * (width + MARGIN)
            page[top : top + height, start : start + width] = image
        for line, (text, colour) in enumerate(zip(texts, (INK, FAINT_INK), strict=True)):
            at = (left, top + height + 4 + line * (TEXT + 4))
            write_text(page, _cut(text, 2 * width + MARGIN), at, TEXT, colour)


def _cut(text: str, width: int) -> str:
    """As many words as there is room for."""
    words, shown = text.split(), " ".join(text.split())
    while words and text_size(shown, TEXT)[0] > width:
        words.pop()
        shown = " ".join(words) + " ..."
    return shown
