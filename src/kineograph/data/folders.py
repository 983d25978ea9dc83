"""Plain folders of videos: captions, tracks and boxes lie beside each by name."""

from pathlib import Path
from typing import TypeVar

import numpy as np

from kineograph.core.boxes import Boxes
from kineograph.core.errors import DataError, TracksError
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip
from kineograph.data.files import caption_of, find_videos, fingerprint, read_window
from kineograph.data.sampling import Strides, taken
from kineograph.data.skipped import Skipped

Kind = TypeVar("Kind", Tracks, Boxes)


class VideoFolder:
    """Windows of the videos in a folder. A `ClipSource`.

    Beside `name.mp4` may lie `name.txt` (its caption; or `captions.json` in the folder holds those
    of all), `name.tracks.npz` and `name.boxes.npz` (`Tracks` and `Boxes` of the whole video, as
    `kineograph track` writes them). A window is decoded from the video's beginning; for long
    videos, or many epochs, prepare shards.

    Args:
        where: the folder, searched with the folders in it; or one video.
        frames: of each window.
        strides: smallest and largest distance of the frames taken, as likely each.

    Raises:
        DataError: there are no videos.
    """

    def __init__(self, where: Path | str, *, frames: int, strides: Strides = (1, 1)) -> None:
        self.folder = Path(where) if Path(where).is_dir() else Path(where).parent
        self.videos = find_videos(where)
        self.frames, self.strides = frames, strides
        self.sizes = (len(self.videos),)
        self.broken: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.videos)

    @property
    def fingerprint(self) -> str:
        """The same for videos of the same names and sizes, read the same way."""
        held = [(self.name(i), path.stat().st_size) for i, path in enumerate(self.videos)]
        return fingerprint([self.frames, self.strides, *held])

    def name(self, number: int) -> str:
        """The video's path in the folder."""
        return self.videos[number].relative_to(self.folder).as_posix()

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        """A window of the video of this number.

        Raises:
            DataError: it is too short, or its tracks or boxes do not fit it.
            VideoError: it cannot be read.
        """
        path = self.videos[number]
        video, fps, chosen, total = read_window(path, self.frames, self.strides, rng)
        whole = (total, (video.shape[2], video.shape[1]), fps)
        rate = fps / chosen.stride
        return Clip(
            video,
            rate,
            caption_of(path, self.folder),
            name=self.name(number),
            tracks=taken("tracks", beside(path, "tracks", Tracks, whole), chosen, rate),
            boxes=taken("boxes", beside(path, "boxes", Boxes, whole), chosen, rate),
        )


def beside(
    video: Path, what: str, kind: type[Kind], whole: tuple[int, tuple[int, int], float]
) -> Kind | None:
    """The tracks or boxes in a file beside a video; None if there is none.

    Args:
        video: `name.mp4`, beside which `name.tracks.npz` or `name.boxes.npz` may lie.
        what: "tracks" or "boxes".
        kind: `Tracks` or `Boxes`.
        whole: the video's frames, size and frames a second, which they have to fit.

    Raises:
        DataError: it cannot be read, or does not fit.
    """
    path = video.with_suffix(f".{what}.npz")
    if not path.is_file():
        return None
    try:
        held = kind.load(path)
    except TracksError as error:
        raise DataError(str(error)) from error
    frames, size, fps = whole
    if held.frames != frames or held.size != size or abs(held.fps - fps) > 1e-3 * fps:
        raise DataError(
            f"{path.name} does not fit {video.name}: it is of {held.frames} frames of "
            f"{held.size[0]}x{held.size[1]} at {held.fps:g} fps, the video of {frames} of "
            f"{size[0]}x{size[1]} at {fps:g}"
        )
    return held
