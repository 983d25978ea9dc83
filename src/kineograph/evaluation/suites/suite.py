"""A suite: cases to generate and measure, by the protocol of one paper."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from kineograph.core.errors import EvaluationError
from kineograph.data.clip import Clip
from kineograph.engines.base import Request


@dataclass(frozen=True)
class Case:
    """One thing to generate.

    Args:
        name: of the clip it is made from, with letters, digits, ".", "_" and "-" only; the same in
            all variants, and the unit that intervals are drawn over.
        variant: which of the suite's variants it is: "16" tracks; empty where there is one.
        seed: of everything drawn for it.
    """

    name: str
    variant: str = ""
    seed: int = 0

    @property
    def key(self) -> str:
        """Its folder's name in a report."""
        return f"{self.name}@{self.variant}" if self.variant else self.name


@dataclass(frozen=True, eq=False)
class Loaded:
    """A case with its pictures: what engines are asked, and the truth if there is one."""

    request: Request
    truth: Clip | None = None


@dataclass(frozen=True)
class Published:
    """One row of a paper's table, marked as such wherever it is shown.

    Args:
        system: whose figures they are.
        variant: the suite's variant they belong to; empty where there is one.
        values: metric name to value, in our units and scale.
        source: paper and table.
        note: why it may not be comparable: other tracker, resolution, clips.
    """

    system: str
    variant: str
    values: Mapping[str, float | int]
    source: str
    note: str = ""


class Suite(ABC):
    """Cases, made from data in a public layout or from nothing.

    Args:
        data: the folder of the data; None where the suite needs none.
        size: (width, height) to generate at; the protocol's own if None.
        frames: of each clip; the protocol's own if None.
        count: at most so many clips, the first ones; all if None.
        seed: of everything that is drawn.

    Raises:
        EvaluationError: the data is missing or is not laid out as `layout` says.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    """Paper and section whose protocol it is."""
    layout: ClassVar[str] = ""
    """The folders and files it reads, in a few lines; empty where it needs no data."""
    metrics: ClassVar[tuple[str, ...]]
    """What is measured unless others are named, in the table's order."""
    axis: ClassVar[str] = ""
    """What its variants count: "tracks"; empty where there is one variant."""
    variants: ClassVar[tuple[str, ...]] = ("",)
    published: ClassVar[tuple[Published, ...]] = ()

    def __init__(
        self,
        data: Path | None = None,
        *,
        size: tuple[int, int] | None = None,
        frames: int | None = None,
        count: int | None = None,
        seed: int = 0,
    ) -> None:
        if self.layout and data is None:
            raise EvaluationError(f"suite {self.name} needs its data (--data): {self.layout}")
        if data is not None and not data.is_dir():
            raise EvaluationError(
                f"there is no folder {data}; suite {self.name} reads {self.layout}"
            )
        self.data, self.size, self.frames = data, size, frames
        self.count, self.seed = count, seed

    @property
    def said(self) -> Mapping[str, str]:
        """What a report has to say of how the cases were made, beside size, frames and seed."""
        return {}

    @abstractmethod
    def cases(self) -> Sequence[Case]:
        """All cases, variant by variant of each clip; cheap, no video is read.

        Raises:
            EvaluationError: the data is not laid out as it has to be; says what is missing.
        """

    @abstractmethod
    def load(self, case: Case) -> Loaded:
        """The pictures of a case; the same every time.

        Raises:
            KineographError: its files are missing or broken.
        """
