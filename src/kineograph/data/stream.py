"""An endless stream of clips: shuffled, split among processes, resumable to the exact clip."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kineograph.core.errors import DataError, KineographError
from kineograph.data.clip import Clip
from kineograph.data.order import BUFFER, epoch_order
from kineograph.data.skipped import LIMIT, Skipped, SkipReport
from kineograph.data.source import ClipSource

Captions = Literal["empty", "refuse"]
"""What is made of a clip without a caption: it has an empty one, or it is left out."""

Transform = Callable[[Clip, np.random.Generator], Clip]
"""What is done to each clip: sampling, cropping, choosing tracks."""


@dataclass(frozen=True)
class Share:
    """Which part of all clips is somebody's.

    The epochs follow one another in one endless list. Process `rank` of `world` has every
    world-th of it. Of these, each `batch` in turn belong to the next of `workers`, so that the
    batches are the same however many workers there are (as long as no clip is left out).

    Args:
        rank: of this process, counted from 0.
        world: how many processes train together.
        worker: of this reader in its process, counted from 0.
        workers: how many readers a process has.
        batch: clips a batch of one process.

    Raises:
        DataError: a number is out of its range.
    """

    rank: int = 0
    world: int = 1
    worker: int = 0
    workers: int = 1
    batch: int = 1

    def __post_init__(self) -> None:
        if not (0 <= self.rank < self.world and 0 <= self.worker < self.workers and self.batch > 0):
            raise DataError(
                f"process {self.rank} of {self.world}, worker {self.worker} of {self.workers}, "
                f"batches of {self.batch} clips: count both from 0, and batch 1 or more"
            )

    def place(self, taken: int) -> int:
        """Where in the endless list the next clip is, after so many have been taken."""
        turn, rest = divmod(taken, self.batch)
        own = (turn * self.workers + self.worker) * self.batch + rest
        return own * self.world + self.rank


class ClipStream:
    """Clips without end, in the order of a seed; what cannot be read is left out and noted.

    What a clip is like (its window, its crop, its tracks) is drawn by a generator of its own, from
    the seed, the epoch and its number: nothing depends on who reads it or when.

    Args:
        source: where the clips are.
        seed: decides order and chance.
        transform: done to each clip; a `KineographError` it raises leaves the clip out.
        share: which clips are this stream's.
        buffer: of the shuffling; see `epoch_order`.
        captions: what becomes of clips without a caption.
        limit: how many clips and shards may be left out; None is any number.

    Raises:
        DataError: the source is empty, or more of it was found broken than the limit allows.
    """

    def __init__(
        self,
        source: ClipSource,
        *,
        seed: int = 0,
        transform: Transform | None = None,
        share: Share | None = None,
        buffer: int | None = BUFFER,
        captions: Captions = "empty",
        limit: int | None = LIMIT,
    ) -> None:
        if len(source) == 0:
            raise DataError("there are no clips to train on; give shards or videos")
        self.source, self.seed, self.transform = source, seed, transform
        self.share = Share() if share is None else share
        self.buffer, self.captions = buffer, captions
        self.taken = 0
        """How many of its clips have been read, those left out included: its whole state."""
        self.report = SkipReport(limit)
        self.report.add(source.broken)

    def __iter__(self) -> Iterator[Clip]:
        return self

    def __next__(self) -> Clip:
        """The next clip that can be used.

        Raises:
            DataError: more have been left out than allowed, or none of a whole epoch is usable.
        """
        for _ in range(max(len(self.source), 1)):
            try:
                return self._next()
            except KineographError as error:
                self._leave_out(error)
        raise DataError(
            f"none of {len(self.source)} clips in turn could be used; the last: "
            f"{self.report.lines()[-1]}"
        )

    @property
    def epoch(self) -> int:
        """Which epoch the next clip is of, counted from 0."""
        return self.share.place(self.taken) // len(self.source)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on exactly here with `load_state_dict`; plain values."""
        return self._told() | {"taken": self.taken, "skipped": dict(self.report.reasons)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the stream of this state stood.

        Raises:
            DataError: it was a stream of other clips, another order or another share.
        """
        for name, mine in self._told().items():
            if state.get(name) != mine:
                raise DataError(
                    f"cannot resume the data: its {name} was {state.get(name)} and is {mine} now; "
                    "resume with the same data and settings, or begin anew"
                )
        self.taken = int(state["taken"])
        self.report.reasons = dict(state["skipped"])

    def _told(self) -> dict[str, Any]:
        """What has to be the same for the state to mean the same."""
        return {
            "source": self.source.fingerprint,
            "seed": self.seed,
            "buffer": self.buffer,
            **vars(self.share),
        }

    def _next(self) -> Clip:
        epoch, place = divmod(self.share.place(self.taken), len(self.source))
        self.taken += 1
        self._number = int(epoch_order(self.source.sizes, self.seed, epoch, self.buffer)[place])
        rng = np.random.default_rng([self.seed, epoch, self._number])
        clip = self.source.read(self._number, rng)
        if self.captions == "refuse" and not clip.caption.strip():
            raise DataError("it has no caption")
        return clip if self.transform is None else self.transform(clip, rng)

    def _leave_out(self, error: Exception) -> None:
        line = " ".join(str(error).splitlines()) or type(error).__name__
        self.report.add([Skipped(self.source.name(self._number), line)])
