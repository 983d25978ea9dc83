"""What kind of training data lies somewhere: shards, GOT-10k, YouTube-VIS, or plain videos."""

from pathlib import Path

from kineograph.core.errors import DataError
from kineograph.data.files import find_videos
from kineograph.data.folders import VideoFolder
from kineograph.data.got10k import Got10k
from kineograph.data.sampling import Strides
from kineograph.data.shards import Shards
from kineograph.data.source import ClipSource
from kineograph.data.ytvis import YouTubeVis

SPLITS = ("train", "val", "valid", "test")
"""Folders in which the two data sets keep their splits."""


def find_source(where: Path | str, *, frames: int, strides: Strides = (1, 1)) -> ClipSource:
    """The clips at a place, windows of so many frames.

    Shards (`.tar`) are looked for first; then GOT-10k's layout and YouTube-VIS's, whose training
    split is taken (or the split's folder itself is named); then videos.

    Raises:
        DataError: there is nothing of these, or it cannot be used.
    """
    where = Path(where)
    if not where.exists():
        raise DataError(f"there is no training data at {where}; check the name")
    if where.suffix == ".tar" or (where.is_dir() and next(where.rglob("*.tar"), None)):
        return Shards(where, frames=frames, strides=strides)
    for root, split in ((where, "train"), (where.parent, where.name)):
        if split not in SPLITS:
            continue
        if (root / split / "instances.json").is_file():
            return YouTubeVis(root, split=split, frames=frames, strides=strides)
        if next((root / split).glob("GOT-10k_*"), None) is not None:
            return Got10k(root, split=split, frames=frames, strides=strides)
    try:
        find_videos(where)
    except DataError as error:
        raise DataError(
            f"there is no training data at {where}; give shards (.tar), videos, or the root of "
            "GOT-10k or YouTube-VIS"
        ) from error
    return VideoFolder(where, frames=frames, strides=strides)
