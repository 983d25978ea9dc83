"""YouTube-VIS as SMCD is measured on it (arXiv:2403.10179): videos of its training split."""

from pathlib import Path
from typing import ClassVar

from kineograph.data.source import ClipSource
from kineograph.data.ytvis import YouTubeVis
from kineograph.evaluation.suites.box_suite import BoxSuite
from kineograph.evaluation.suites.reading import check_there
from kineograph.evaluation.suites.suite import Published


class YouTubeVisBoxes(BoxSuite):
    """The first 180 videos of the training split, several boxed objects each.

    The paper's own training does not leave these out (its code), so its figure flatters;
    Kineograph's does. Captions are those of TrackDiffusion where there are, else the classes.
    See `BoxSuite`.
    """

    name = "ytvis"
    title = "YouTube-VIS, boxes"
    source = "SMCD (arXiv:2403.10179), section 4"
    layout = (
        "train/instances.json, train/JPEGImages/0043f083b5/00000.jpg ..., and caption.json (a "
        "caption a video; without it videos are called by their objects)"
    )
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            "SMCD, two stages",
            "",
            {"fvd": 329},
            "SMCD (arXiv:2403.10179), section 4",
            "measured on videos that it was trained on; its windows and FVD features are not ours",
        ),
    )

    def source_of(self, root: Path, frames: int) -> ClipSource:
        """See `BoxSuite`."""
        needed = [root / "train" / name for name in ("instances.json", "JPEGImages")]
        check_there(needed, "parts of it", self.layout)
        return YouTubeVis(root, split="train", frames=frames, evaluation=True)
