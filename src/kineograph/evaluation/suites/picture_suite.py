"""Suites of pictures with texts: there is no true video."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from kineograph.data.sampling import Fitting
from kineograph.engines.base import Request
from kineograph.evaluation.suites.naming import plain_names, seed_of
from kineograph.evaluation.suites.reading import pictures_at
from kineograph.evaluation.suites.suite import Case, Loaded, Suite


@dataclass(frozen=True)
class Pair:
    """A picture and what is to become of it.

    Args:
        name: of it, any text; the same in all variants.
        picture: the file.
        text: the prompt.
        variant: of the suite.
    """

    name: str
    picture: Path
    text: str
    variant: str = ""


class PictureSuite(Suite):
    """A picture and a text each, at one size."""

    usual_size: ClassVar[tuple[int, int]]
    usual_frames: ClassVar[int] = 16
    usual_fps: ClassVar[float] = 8.0
    fitting: ClassVar[Fitting] = "crop"
    """How a picture of another aspect gets the size."""

    def __init__(
        self,
        data: Path | None = None,
        *,
        size: tuple[int, int] | None = None,
        frames: int | None = None,
        count: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(data, size=size, frames=frames, count=count, seed=seed)
        self.size, self.frames = size or self.usual_size, frames or self.usual_frames

    @abstractmethod
    def pairs(self) -> Sequence[Pair]:
        """All pairs, in order.

        Raises:
            EvaluationError: the data is not laid out as it has to be; says what is missing.
        """

    def cases(self) -> Sequence[Case]:
        """See `Suite`."""
        names = list(dict.fromkeys(name for name, _ in self._pairs))[: self.count]
        chosen = frozenset(names)
        return [
            Case(name, variant, seed_of(self.seed, name) % 2**31)
            for name, variant in self._pairs
            if name in chosen
        ]

    def load(self, case: Case) -> Loaded:
        """See `Suite`."""
        pair = self._pairs[case.name, case.variant]
        assert self.size is not None and self.frames is not None
        picture = pictures_at([pair.picture], self.size, self.fitting)[0]
        request = Request(
            size=self.size,
            frames=self.frames,
            fps=self.usual_fps,
            picture=picture,
            text=pair.text,
            seed=case.seed,
        )
        return Loaded(request)

    @cached_property
    def _pairs(self) -> dict[tuple[str, str], Pair]:
        """Name and variant to pair, in order."""
        pairs = self.pairs()
        told = list(dict.fromkeys(pair.name for pair in pairs))
        plain = dict(zip(told, plain_names(told), strict=True))
        return {(plain[pair.name], pair.variant): pair for pair in pairs}
