"""Batches of a stream's clips, read ahead by other processes, resumable to the exact clip."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from kineograph.core.errors import DataError, KineographError
from kineograph.data.batch import MAX_OBJECTS, Batch, Heatmaps, collate
from kineograph.data.skipped import Skipped, SkipReport
from kineograph.data.stream import ClipStream, Share


@dataclass(frozen=True, eq=False)
class _Delivery:
    """A batch from a worker, and what the worker's stream was after it; or why there is none."""

    batch: Batch | None
    worker: int
    taken: int
    skipped: tuple[Skipped, ...]
    fault: str | None = None

    def pin_memory(self) -> "_Delivery":
        return self if self.batch is None else replace(self, batch=self.batch.pin_memory())


class BatchLoader:
    """Endless batches of a stream's clips.

    Workers read ahead of what is trained on, yet the state is that of the batches handed out: a
    new loader given it begins with the next one. Iterating twice goes on, it does not begin anew.

    Args:
        stream: the clips of this process; its share says how many make a batch.
        workers: processes that read; 0 reads in this one.
        max_objects: see `collate`.
        heatmaps: see `collate`.
        prefetch: batches each worker reads ahead.
        device: where the batches are to be; to a GPU they come by way of pinned memory.
    """

    def __init__(
        self,
        stream: ClipStream,
        *,
        workers: int = 0,
        max_objects: int | None = MAX_OBJECTS,
        heatmaps: Heatmaps | Literal["masks"] | None = None,
        prefetch: int = 2,
        device: torch.device | str | None = None,
    ) -> None:
        if workers < 0:
            raise DataError(f"{workers} workers were asked for; give 0 or more")
        self.stream, self.workers, self.prefetch = stream, workers, prefetch
        self.max_objects, self.heatmaps, self.device = max_objects, heatmaps, device
        self.report: SkipReport = stream.report
        self._taken = [0] * max(1, workers)
        self._batches = 0
        self._running: Iterator[_Delivery] | None = None

    def __iter__(self) -> "BatchLoader":
        return self

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            DataError: too many clips had to be left out, or clips do not make a batch.
        """
        if self._running is None:
            self._running = self._start()
        given = next(self._running)
        self._taken[given.worker] = given.taken
        self.report.add(given.skipped)
        if given.batch is None:
            raise DataError(given.fault or "a worker stopped")
        self._batches += 1
        return given.batch.to(self.device)

    def close(self) -> None:
        """Let the workers go; the next batch starts new ones."""
        self._running = None

    @property
    def epoch(self) -> int:
        """Which epoch the next batch begins in, counted from 0."""
        worker = self._batches % len(self._taken)
        return self._share(worker).place(self._taken[worker]) // len(self.stream.source)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on with the next batch; plain values."""
        return self.stream.state_dict() | {
            "batches": self._batches,
            "readers": list(self._taken),
            "skipped": dict(self.report.reasons),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the batch after those that the loader of this state handed out.

        The number of workers may be another, unless clips had to be left out: then it has to be
        the same, and each process needs its own state.

        Raises:
            DataError: the data, their order or their shares are others.
        """
        held = [int(taken) for taken in state["readers"]]
        batches = int(state["batches"])
        smooth = held == self._smooth(batches, len(held))
        same = len(held) == len(self._taken) and state["rank"] == self.stream.share.rank
        if not smooth and not same:
            raise DataError(
                f"cannot resume the data: {len(state['skipped'])} clips were left out by process "
                f"{state['rank']} with {len(held)} readers; resume with as many workers and each "
                "process with its own state, or begin anew"
            )
        if smooth:
            state = state | {"rank": self.stream.share.rank}
        self.close()
        self.stream.load_state_dict(state)
        self._batches = batches
        self._taken = self._smooth(batches, len(self._taken)) if smooth else held

    def _smooth(self, batches: int, readers: int) -> list[int]:
        """How many clips each reader has taken after so many batches if none was left out."""
        return [
            (batches - reader + readers - 1) // readers * self.stream.share.batch
            for reader in range(readers)
        ]

    def _share(self, worker: int) -> Share:
        return replace(self.stream.share, worker=worker, workers=len(self._taken))

    def _start(self) -> Iterator[_Delivery]:
        pinned = torch.device(self.device or "cpu").type == "cuda"
        return iter(
            DataLoader(
                _Deliveries(self),
                batch_size=None,
                num_workers=self.workers,
                prefetch_factor=self.prefetch if self.workers else None,
                pin_memory=pinned,
                generator=torch.Generator(),  # or it would draw from the one training draws from
            )
        )

    def _reader(self, turn: int) -> tuple[int, ClipStream]:
        """Whose turn it is as the `turn`-th from now, and that reader's stream where it stands."""
        worker = (self._batches + turn) % len(self._taken)
        mine = self.stream
        stream = ClipStream(
            mine.source,
            seed=mine.seed,
            transform=mine.transform,
            share=self._share(worker),
            buffer=mine.buffer,
            captions=mine.captions,
            limit=mine.report.limit,
        )
        stream.taken = self._taken[worker]
        stream.report.reasons = dict(self.report.reasons)
        return worker, stream


class _Deliveries(IterableDataset[_Delivery]):
    """What one worker of a loader delivers."""

    def __init__(self, loader: BatchLoader) -> None:
        self._readers = [loader._reader(turn) for turn in range(len(loader._taken))]
        self._max_objects, self._heatmaps = loader.max_objects, loader.heatmaps

    def __iter__(self) -> Iterator[_Delivery]:
        info = get_worker_info()
        worker, stream = self._readers[0 if info is None else info.id]
        if info is not None:
            cv2.setNumThreads(0)  # as many processes as were asked for, and no threads beside them
        told = len(stream.report)
        batch: Batch | None
        fault: str | None
        while True:
            try:
                clips = [next(stream) for _ in range(stream.share.batch)]
                batch = collate(clips, max_objects=self._max_objects, heatmaps=self._heatmaps)
                fault = None
            except KineographError as error:  # as a value: the loader would make a trace of it
                batch, fault = None, " ".join(str(error).splitlines())
            items = list(stream.report.reasons.items())
            new = tuple(Skipped(*item) for item in items[told:])
            told = len(items)
            yield _Delivery(batch, worker, stream.taken, new, fault)
            if fault is not None:
                return
