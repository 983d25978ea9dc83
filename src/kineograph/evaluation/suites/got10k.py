"""GOT-10k's validation split, as SMCD is measured on it (arXiv:2403.10179)."""

from pathlib import Path
from typing import ClassVar

from kineograph.data.got10k import Got10k
from kineograph.data.source import ClipSource
from kineograph.evaluation.suites.box_suite import BoxSuite
from kineograph.evaluation.suites.reading import check_there
from kineograph.evaluation.suites.suite import Published

_NOTE = "its windows, FVD features, CLIP and tracker (ARTrack) are not ours"
_SOURCE = "SMCD (arXiv:2403.10179), section 4"


class Got10kBoxes(BoxSuite):
    """180 videos, one boxed object each; the caption is "A {class} that is {motion}." (its code).

    See `BoxSuite`.
    """

    name = "got10k"
    title = "GOT-10k val, boxes"
    source = _SOURCE
    layout = (
        "val/list.txt and val/GOT-10k_Val_000001/ with 00000001.jpg ..., groundtruth.txt (x,y,w,h "
        "a line), meta_info.ini, absence.label, cover.label"
    )
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            "SMCD, two stages",
            "",
            {"fvd": 335, "clip-sim": 29.16, "fff-dino": 0.85, "sr50": 0.78},
            _SOURCE,
            _NOTE,
        ),
        Published(
            "SMCD, trained jointly",
            "",
            {"fvd": 385, "clip-sim": 28.71, "fff-dino": 0.83, "sr50": 0.69},
            _SOURCE,
            _NOTE,
        ),
    )

    def source_of(self, root: Path, frames: int) -> ClipSource:
        """See `BoxSuite`."""
        check_there([root / "val"], "the split", self.layout)
        found = Got10k(root, split="val", frames=frames, evaluation=True)
        check_there((root / "val" / name for name in found.names), "sequences", self.layout)
        return found
