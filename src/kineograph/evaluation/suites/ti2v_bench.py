"""TI2V-Bench: 88 pictures with 3 to 5 prompts each, of MotiF (arXiv:2412.16153)."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.suites.picture_suite import Pair, PictureSuite
from kineograph.evaluation.suites.reading import check_there, rows_of, within

FOLDER = "TI2V-Bench"
"""Of the pictures, beside the list."""

HEADS = ("image", "path", "prompt", "text", "caption")
"""Words in the head of the list, if it has one."""


class Ti2vBench(PictureSuite):
    """320 pairs. MotiF shows raters 16 frames of 320x512, brought to 320x320.

    The list names a picture and a prompt a row; which column is the picture's is seen from its
    ending. Pictures lie where the list says, from the data's own folder or from `TI2V-Bench` in it.
    MotiF's figures are shares of raters' votes (see `kineograph study`) and no metric's, so none is
    shown beside ours.
    """

    name = "ti2v-bench"
    title = "TI2V-Bench"
    source = "MotiF (arXiv:2412.16153), section 4"
    layout = (
        f"prompt.csv (picture,prompt a row) and {FOLDER}/... with the pictures "
        "(hf download wang-sj16/TI2V-Bench --repo-type dataset)"
    )
    metrics: ClassVar[tuple[str, ...]] = (
        "image-alignment",
        "text-alignment",
        "fff-dino",
        "dynamic-degree-flow",
        "temporal-flickering",
    )
    usual_size = (512, 320)

    def pairs(self) -> Sequence[Pair]:
        """See `PictureSuite`."""
        assert self.data is not None
        rows = rows_of(self.data / "prompt.csv", "pictures and prompts", self.layout)
        found = [self._pair(row, number) for number, row in enumerate(rows) if not _is_head(row)]
        check_there((pair.picture for pair in found), "pictures", self.layout)
        return found

    def _pair(self, row: list[str], number: int) -> Pair:
        assert self.data is not None
        pictures = [cell.strip() for cell in row if _is_picture(cell)]
        texts = [cell.strip() for cell in row if cell.strip() and not _is_picture(cell)]
        if len(pictures) != 1 or not texts:
            raise EvaluationError(
                f"row {number + 1} of {self.data / 'prompt.csv'} is {','.join(row)!r}; a row is a "
                "picture and a prompt"
            )
        text = max(texts, key=len)
        beside, inside = (within(self.data / top, pictures[0]) for top in ("", FOLDER))
        picture = inside if inside.exists() and not beside.exists() else beside
        return Pair(f"{Path(pictures[0]).stem}_{text}", picture, text)


def _is_picture(cell: str) -> bool:
    return Path(cell.strip()).suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")


def _is_head(row: list[str]) -> bool:
    """A row that names no picture and whose words are heads of columns."""
    named = any(_is_picture(cell) for cell in row)
    return not named and all(any(h in cell.lower() for h in HEADS) or not cell for cell in row)
