"""The size, length and rate that the videos of a case are brought to, as far as one allows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kineograph.core.errors import StudyError
from kineograph.core.video import open_video
from kineograph.evaluation.align import Alignment

TOLD = 2
"""How many cases a message describes."""


@dataclass(frozen=True)
class Format:
    """What a video is: (width, height) in pixels, frames, and frames a second."""

    size: tuple[int, int]
    frames: int
    fps: float | int

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.frames / self.fps

    def __str__(self) -> str:
        return f"{self.size[0]}x{self.size[1]}, {self.frames} frames at {self.fps:g} fps"


@dataclass(frozen=True)
class Wish:
    """What the user wants videos to be; None is what they have in common.

    Args:
        size: (width, height).
        frames: how many.
        fps: how many a second.
        how: what may be done to those that are otherwise.
    """

    size: tuple[int, int] | None = None
    frames: int | None = None
    fps: float | int | None = None
    how: Alignment = field(default_factory=Alignment)


def format_of(path: Path) -> Format:
    """What a video is, without reading its frames.

    Raises:
        VideoError: it cannot be read.
    """
    with open_video(path) as reader:
        return Format(reader.size, reader.frames, reader.fps)


def formats(
    videos: Mapping[str, Mapping[str, Path]], cases: Iterable[str], wish: Wish
) -> dict[str, Format]:
    """The format that every case is brought to.

    Args:
        videos: system to case to file.
        cases: those that are shown.
        wish: what the user said.

    Raises:
        StudyError: videos differ in something of which nobody said what to do about it.
    """
    found, differing = {}, []
    lacking: set[str] = set()
    for case in cases:
        held = {system: format_of(files[case]) for system, files in videos.items()}
        lacks = _lacks(held.values(), wish)
        if lacks:
            lacking |= lacks
            told = "; ".join(f"{system} {one}" for system, one in held.items())
            differing.append(f"{case} ({told})")
        else:
            found[case] = _common(list(held.values()), wish)
    if differing:
        more = f" and {len(differing) - TOLD} more cases" if len(differing) > TOLD else ""
        advice = ", ".join(_ADVICE[name] for name in _ADVICE if name in lacking)
        raise StudyError(
            f"the videos of a case have to be of one size, length and rate{_wanted(wish)}, and "
            f"these are not: {', '.join(differing[:TOLD])}{more}; say what to do: {advice}"
        )
    _check_even(found)
    return found


def _wanted(wish: Wish) -> str:
    """What the user asked for, in words."""
    size = f"{wish.size[0]}x{wish.size[1]}" if wish.size else ""
    frames = f"{wish.frames} frames" if wish.frames else ""
    fps = f"{wish.fps:g} fps" if wish.fps else ""
    told = ", ".join(part for part in (size, frames, fps) if part)
    return f" ({told} asked for)" if told else ""


_ADVICE = {
    "size": "--size WxH and --align size=stretch or size=crop",
    "length": "--align length=cut or length=resample",
    "rate": "--align rate=ignore, which changes their speed, or length=resample",
}


def _lacks(held: Iterable[Format], wish: Wish) -> set[str]:
    """In what they differ from each other, or from the wish, although nobody allowed it."""
    held = list(held)
    sizes = {one.size for one in held} | ({wish.size} if wish.size else set())
    counts = {one.frames for one in held} | ({wish.frames} if wish.frames else set())
    rates = {round(one.fps, 3) for one in held} | ({round(wish.fps, 3)} if wish.fps else set())
    how, lacking = wish.how, set()
    if len(sizes) > 1 and (how.size == "refuse" or wish.size is None):
        lacking.add("size")
    too_short = wish.frames is not None and min(one.frames for one in held) < wish.frames
    if len(counts) > 1 and (how.length == "refuse" or (how.length == "cut" and too_short)):
        lacking.add("length")
    if len(rates) > 1 and how.rate == "refuse" and how.length != "resample":
        lacking.add("rate")
    return lacking


def _common(held: list[Format], wish: Wish) -> Format:
    return Format(
        wish.size or held[0].size,
        wish.frames or min(one.frames for one in held),
        wish.fps or min(one.fps for one in held),
    )


def _check_even(found: Mapping[str, Format]) -> None:
    """Browsers do not play H.264 of odd sizes everywhere."""
    for case, held in found.items():
        if held.size[0] % 2 or held.size[1] % 2:
            width, height = (side + side % 2 for side in held.size)
            raise StudyError(
                f"{case} is {held.size[0]}x{held.size[1]}, and not every phone plays odd sizes; "
                f"give --size {width}x{height} --align size=stretch"
            )
