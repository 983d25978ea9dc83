"""Engine `warp`: the picture itself, moved along the tracks. No weights, any size, at once."""

from collections.abc import Iterator

import numpy as np

from kineograph.core.tracks import Tracks
from kineograph.engines.base import Capabilities, Engine, Frame, Request
from kineograph.render.warp import Warp


class WarpEngine(Engine):
    """Layered splatting of the picture along the completed tracks, with filled holes.

    An instant preview at full resolution, and the baseline that a generating engine has to beat:
    it follows tracks exactly and invents nothing but what stands behind. It reads no text and
    draws nothing by chance, so the seed changes nothing.
    """

    name = "warp"
    capabilities = Capabilities(
        reads=frozenset({"picture", "tracks"}), needs=frozenset({"picture"})
    )

    def generate(self, request: Request) -> Iterator[Frame]:
        """Yield the frames; each knows which of its pixels came from the picture."""
        assert request.picture is not None, "lowering has checked what the engine needs"
        tracks = request.tracks if request.tracks is not None else _no_tracks(request)
        for frame in Warp(request.picture, tracks):
            yield Frame(frame.image, frame.known)


def _no_tracks(request: Request) -> Tracks:
    return Tracks.of(np.zeros((0, request.frames, 2)), size=request.size, fps=request.fps)
