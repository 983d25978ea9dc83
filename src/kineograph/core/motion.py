"""Motion: what gestures expand to."""

from collections.abc import Iterable
from dataclasses import dataclass

from kineograph.core.boxes import Boxes
from kineograph.core.checks import check_alike, checked_size
from kineograph.core.tracks import Tracks


@dataclass(frozen=True, eq=False)
class Motion:
    """Tracks and boxes of one clip, either of which may be missing.

    Raises:
        TracksError: tracks and boxes differ in frames, size or fps.
    """

    tracks: Tracks | None = None
    boxes: Boxes | None = None

    def __post_init__(self) -> None:
        if self.tracks is not None and self.boxes is not None:
            check_alike("the tracks and boxes of a motion", (self.tracks, self.boxes))

    def merge(*motions: "Motion") -> "Motion":
        """All tracks and all boxes of several motions, in order; of none, nothing.

        Raises:
            TracksError: frames, sizes or fps differ.
        """
        tracks = [motion.tracks for motion in motions if motion.tracks is not None]
        boxes = [motion.boxes for motion in motions if motion.boxes is not None]
        return Motion(
            tracks=Tracks.merge(*tracks) if tracks else None,
            boxes=Boxes.merge(*boxes) if boxes else None,
        )

    def resize(self, size: Iterable[int]) -> "Motion":
        """The same motion on a picture resized to `size` (width, height).

        Raises:
            TracksError: `size` is not two positive whole numbers.
        """
        size = checked_size(size)
        return Motion(
            tracks=None if self.tracks is None else self.tracks.resize(size),
            boxes=None if self.boxes is None else self.boxes.resize(size),
        )
