"""From the times at which a file shows its pictures to a constant number of frames a second.

Cameras, phones, screen recorders and GIFs do not keep a constant rate; everything in Kineograph
does. So a constant rate is chosen for a file, and each frame shows the picture that the file shows
then: the times stay right, and pictures are repeated or dropped where need be.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
from jaxtyping import Float64

T = TypeVar("T")

MAX_COMMON_RATE = 60
"""The fastest rate at which every picture of an irregular file is given a frame of its own."""

MAX_RATE = 240
"""The fastest rate chosen for a file whose times follow no rule."""


@dataclass(frozen=True)
class Cadence:
    """A constant rate for one file: `fps`, the number of `frames`, and the time of the first."""

    fps: Fraction
    frames: int
    start: float = 0.0

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return float(self.frames / self.fps)

    def resample(self, pictures: Iterable[tuple[float, T]]) -> Iterator[T]:
        """Turn (seconds, picture) in order of time into exactly `frames` pictures.

        Frame i shows the last picture that begins not later than i / fps, half a frame of
        tolerance granted, since containers round their times.
        """
        shown: T | None = None
        done = 0
        for time, picture in pictures:
            if shown is not None:
                due = min(self._frames_before(time), self.frames)
                yield from (shown for _ in range(done, due))
                done = max(done, due)
            shown = picture
        if shown is not None:
            yield from (shown for _ in range(done, self.frames))

    def _frames_before(self, time: float) -> int:
        """How many frames are over and done with when a picture begins at `time`."""
        return int(np.ceil((time - self.start) * float(self.fps) - 0.5))


def cadence(
    starts: Float64[np.ndarray, " pictures"],
    end: float,
    tick: float,
    declared: Iterable[Fraction | None] = (),
) -> Cadence:
    """Choose a constant rate for pictures that begin at `starts` (seconds).

    Args:
        starts: when each picture begins, at least one.
        end: when the last picture ends; not later than its beginning means unknown.
        tick: the step to which the file rounds its times, in seconds.
        declared: rates that the file claims for itself, the most trusted first.

    A rate that explains the times (no picture is a quarter of a frame off) is taken as it is;
    failing that, the lowest rate up to 60 at which every picture begins with a frame; failing
    that, the rate of the median step.
    """
    starts = np.unique(starts)
    claims = [rate for rate in declared if rate is not None and 0 < rate <= 1000]
    if len(starts) > 1:
        fps = _regular_rate(starts, tick, claims) or _common_rate(starts, tick, claims)
        fps = fps or _nice(min(MAX_RATE, 1.0 / float(np.median(np.diff(starts)))))
    else:
        length = end - float(starts[0])
        fps = claims[0] if claims else _nice(1.0 / length if length > 0 else 1.0)
    start, last = float(starts[0]), float(starts[-1])
    # The last picture has a frame, however short the file says it lasts.
    frames = max(round((end - start) * float(fps)), round((last - start) * float(fps)) + 1)
    return Cadence(fps, frames, start)


def _regular_rate(
    starts: Float64[np.ndarray, " pictures"], tick: float, claims: list[Fraction]
) -> Fraction | None:
    mean = (len(starts) - 1) / float(starts[-1] - starts[0])
    rates = [*claims, *([Fraction(round(mean))] if mean >= 1 else []), _nice(mean)]
    misses = [_worst_miss(starts, rate) for rate in rates]
    # Rounded times are explained by several rates about equally well: then a claim wins, and a
    # whole rate over the mean.
    good = [1.01 * tick] * len(claims) + [0.0] * (len(rates) - len(claims))
    best = min(misses) + tick / 4
    chosen = next(index for index, miss in enumerate(misses) if miss <= max(best, good[index]))
    return rates[chosen] if misses[chosen] * float(rates[chosen]) < 0.25 else None


def _worst_miss(starts: Float64[np.ndarray, " pictures"], rate: Fraction) -> float:
    """By how many seconds the times differ at most from an exact rate."""
    ideal = np.arange(len(starts)) / float(rate)
    return float(np.abs(starts - starts[0] - ideal).max())


def _common_rate(
    starts: Float64[np.ndarray, " pictures"], tick: float, claims: list[Fraction]
) -> Fraction | None:
    """A rate at which every picture begins with a frame: a claimed one, else the lowest to 60.

    Times that are exact are explained exactly if that can be; else as rounded to the tick.
    """
    times = starts - starts[0]
    rates = [rate for rate in claims if rate <= MAX_COMMON_RATE]
    rates += [Fraction(rate) for rate in range(1, MAX_COMMON_RATE + 1)]
    for slack in (0.02 * tick, 0.6 * tick, 1.1 * tick):
        for rate in rates:
            step = 1 / float(rate)
            miss = np.abs(times - np.rint(times / step) * step).max()
            if miss <= slack and slack <= step / 5:
                return rate
    return None


def _nice(rate: float) -> Fraction:
    """A measured rate as the fraction that was probably meant: whole, NTSC, or as it is."""
    for whole in (Fraction(round(rate)), Fraction(round(rate) * 1000, 1001)):
        if whole and abs(float(whole) - rate) < 2e-4 * rate:
            return whole
    return Fraction(rate).limit_denominator(1001)
