"""A tiny real engine: the whole picture slides with the mean of the tracks."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from kineograph.engines.base import Capabilities, Engine, Frame, Request, Settings


class SlideSettings(Settings):
    """What can be set."""

    times: float = Field(default=1.0, gt=0, description="How many times as far.")


class Slide(Engine):
    """Slides the picture in whole pixels; what comes in at the border is its other side."""

    name = "slide"
    capabilities = Capabilities(
        reads=frozenset({"picture", "tracks"}), needs=frozenset({"picture"}), size_step=2
    )
    settings = SlideSettings

    def generate(self, request: Request) -> Iterator[Frame]:
        times = self.settings_of(request).times
        assert request.picture is not None
        for frame in range(request.frames):
            x, y = times * self._shift(request, frame)
            moved = np.roll(request.picture, (round(y), round(x)), axis=(0, 1))
            yield Frame(moved, np.full(moved.shape[:2], 255, np.uint8))

    def _shift(self, request: Request, frame: int) -> np.ndarray:
        if request.tracks is None:
            return np.zeros(2)
        return request.tracks.displacements()[:, frame].mean(axis=0)


class Short(Slide):
    """Breaks its promise: one frame too few."""

    name = "short"

    def generate(self, request: Request) -> Iterator[Frame]:
        frames = super().generate(request)
        for _ in range(request.frames - 1):
            yield next(frames)


class Large(Slide):
    """Breaks its promise: frames of another size."""

    name = "large"

    def generate(self, request: Request) -> Iterator[Frame]:
        for frame in super().generate(request):
            yield Frame(np.repeat(frame.image, 2, axis=0))
