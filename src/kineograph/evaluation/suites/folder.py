"""A plain folder of clips, measured as DAVIS is by Motion Prompting."""

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

from kineograph.core.errors import DataError, EvaluationError
from kineograph.core.video import open_video
from kineograph.core.video_reader import VIDEO_ENDINGS
from kineograph.data.clip import Clip
from kineograph.data.files import caption_of, find_videos
from kineograph.evaluation.suites.naming import plain_names
from kineograph.evaluation.suites.reading import fitted
from kineograph.evaluation.suites.track_suite import TrackSuite


class Folder(TrackSuite):
    """The videos of a folder and the folders in it, with captions beside them where there are.

    The middle square at 256x256 (another aspect with `size`), the first 80 frames or all there are,
    at the video's own rate. See `TrackSuite`.
    """

    name = "folder"
    title = "A folder of clips, N tracks"
    source = "as Motion Prompting on DAVIS (arXiv:2412.02700, section 5.1)"
    layout = (
        f"videos ({' '.join(VIDEO_ENDINGS)}) in any folders, each with a NAME.txt beside it, or "
        "one captions.json for all"
    )

    def names(self) -> Sequence[str]:
        """See `TrackSuite`."""
        return list(self._paths)

    def clip(self, name: str) -> Clip:
        """See `TrackSuite`."""
        assert self.data is not None and self.size is not None
        path = self._paths[name]
        with open_video(path) as reader:
            video, fps = fitted(islice(reader, self.frames), self.size), reader.fps
        return Clip(video, fps, caption=caption_of(path, self.data), name=name)

    @cached_property
    def _paths(self) -> dict[str, Path]:
        assert self.data is not None
        try:
            found = find_videos(self.data)
        except DataError as error:
            raise EvaluationError(f"{error}; wanted: {self.layout}") from error
        told = [path.relative_to(self.data).with_suffix("").as_posix() for path in found]
        return dict(zip(plain_names(told), found, strict=True))
