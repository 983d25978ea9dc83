"""The gesture magnify: a video's own small motions, made larger, on its first frame."""

from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from kineograph.core.motion import Motion
from kineograph.core.points import to_pixel_centres
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.gestures.base import check_amount
from kineograph.gestures.scene import Scene
from kineograph.gestures.videos.magnified import Magnified
from kineograph.gestures.videos.magnifier import Magnifier
from kineograph.gestures.videos.source import SourceVideo
from kineograph.render.sampling import read_at
from kineograph.vision.small_motion import small_motion
from kineograph.vision.tracker import grid_queries

ACROSS = 48
"""Tracks along the longer side, where a tracker says where to look."""


class Magnify(SourceVideo, Magnifier):
    """Let the picture, a video's first frame, move as the video does, only more.

    Each place is registered to the frames directly, far below a pixel, so that nothing drifts;
    its motion is blurred over space and time and then scaled (Motion Prompting, Geng et al. 2024,
    appendix E). Without a tracker named, motion of up to a tenth of the picture is followed.
    """

    kind: Literal["magnify"] = "magnify"
    """A video's own small motions, made larger, on its first frame."""

    def expand(self, scene: Scene) -> Motion:
        """A grid of tracks over the first frame, or its region, that move `factor` times as far.

        Raises:
            DocumentError: nothing moves, the band does not fit, or the source is shorter than
                asked.
            VideoError, VisionError: the source cannot be read or tracked.
        """
        self.check(scene)
        check_amount(self.count, scene, "ask for a smaller count")
        video = self.video(scene)
        measured = small_motion(video, tracks=self._followed(video))
        tracks = magnified_tracks(self.motion(measured), self.seeds(scene.size, scene), scene.size)
        return Motion(tracks=self.fitted(tracks, scene))

    def _followed(self, video: Video) -> Tracks | None:
        if self.tracker is None:
            return None
        from kineograph.vision.eyes import eye

        tracker: Any = eye("tracker", self.tracker, self.weights)
        return tracker(video, grid_queries(video.size, ACROSS))


def magnified_tracks(
    magnified: Magnified, places: Float32[np.ndarray, "tracks 2"], size: tuple[int, int]
) -> Tracks:
    """Tracks of the enlarged motion; each begins at its place in the first frame.

    Args:
        magnified: the motion.
        places: (N, 2) where tracks begin, in pixels of a picture of `size`.
        size: (width, height) of the picture, over which the video is stretched.
    """
    moves = magnified.moves_of_first()
    columns_rows = np.array(moves.shape[2:0:-1], np.float32)
    at = to_pixel_centres((places / np.array(size, np.float32) * columns_rows).astype(np.float32))
    sampled = [read_at(move, at[:, None])[:, 0] for move in moves]
    scale = np.array(size) / np.array(magnified.measured.size)
    points = places[:, None] + np.stack(sampled, axis=1) * scale
    return Tracks.of(points, size=size, fps=magnified.measured.fps).hide_outside()
