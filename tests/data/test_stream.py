"""Streams give every clip once an epoch to one reader, and go on exactly where they stopped."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from made_clips import made_clip

from kineograph.core.errors import DataError
from kineograph.data.batch import Heatmaps
from kineograph.data.clip import Clip
from kineograph.data.loader import BatchLoader
from kineograph.data.order import epoch_order
from kineograph.data.shards import Shards, write_shard
from kineograph.data.skipped import Skipped, SkipReport
from kineograph.data.source import ClipSource
from kineograph.data.stream import ClipStream, Share


class Numbered:
    """Clips of one frame that are told by their names; some cannot be read. A `ClipSource`."""

    fingerprint = "numbered"
    broken: tuple[Skipped, ...] = ()

    def __init__(self, sizes: tuple[int, ...] = (5, 1, 7), bad: frozenset[int] = frozenset()):
        self.sizes, self.bad = sizes, bad

    def __len__(self) -> int:
        return sum(self.sizes)

    def name(self, number: int) -> str:
        return f"clip {number}"

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        if number in self.bad:
            raise DataError("it is\nbroken")
        pixel = rng.integers(0, 256, (1, 8, 8, 3)).astype(np.uint8)
        return Clip(pixel, 8, "" if number == 3 else f"number {number}", name=str(number))


def names(stream: ClipStream, count: int) -> list[int]:
    return [int(clip.name) for clip in islice(stream, count)]


def batch_names(loader: BatchLoader, count: int) -> list[tuple[int, ...]]:
    return [tuple(map(int, batch.names)) for batch in islice(loader, count)]


def test_the_sources_fit_the_protocol(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [made_clip()])
    assert isinstance(Shards(tmp_path), ClipSource)
    assert isinstance(Numbered(), ClipSource)


@pytest.mark.parametrize("buffer", [0, 1, 3, 12, 13, None])
def test_an_epoch_holds_every_clip_once(buffer: int | None) -> None:
    sizes = (5, 1, 7)
    first, second = (epoch_order(sizes, 4, epoch, buffer).tolist() for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(13))
    assert (first == second) == (buffer == 0)
    assert epoch_order(sizes, 4, 0, buffer).tolist() == first
    assert (epoch_order(sizes, 5, 0, buffer).tolist() == first) == (buffer == 0)


def test_a_buffer_never_waits_and_keeps_shards_together() -> None:
    sizes = (100,) * 10
    order = epoch_order(sizes, 0, 0, 50)
    shards = [int(i) // 100 for i in order]
    coming = [n for i, n in enumerate(shards) if n not in shards[:i]]
    for place in range(0, 900, 100):  # at most the buffer is behind
        assert set(shards[place : place + 50]) <= set(coming[: place // 100 + 2])
    moved = np.abs(
        np.array([coming.index(n) for n in shards]) * 100 + order % 100 - np.arange(1000)
    )
    assert 20 < moved.mean() < 200


def test_a_shuffle_is_fair() -> None:
    places = np.zeros((6, 6))
    for seed in range(3000):
        places[epoch_order((6,), seed, 0, None), np.arange(6)] += 1
    assert np.abs(places / 3000 - 1 / 6).max() < 0.03


def test_a_negative_buffer_is_refused() -> None:
    with pytest.raises(DataError, match="a shuffle buffer of -1 clips"):
        epoch_order((3,), 0, 0, -1)


@pytest.mark.parametrize(
    ("world", "workers", "batch"), [(1, 1, 1), (2, 1, 3), (2, 3, 2), (5, 2, 4)]
)
def test_each_clip_goes_to_one_reader(world: int, workers: int, batch: int) -> None:
    epochs = world * workers * batch
    seen: Counter[int] = Counter()
    for rank in range(world):
        for worker in range(workers):
            share = Share(rank, world, worker, workers, batch)
            seen.update(names(ClipStream(Numbered(), share=share), 13))
    assert sum(seen.values()) == 13 * world * workers
    whole = Counter[int]()
    for rank in range(world):
        for worker in range(workers):
            share = Share(rank, world, worker, workers, batch)
            whole.update(names(ClipStream(Numbered(), share=share), 13 * batch))
    assert set(whole.values()) == {epochs}


def test_two_processes_take_what_one_takes_with_twice_the_batch() -> None:
    one = ClipStream(Numbered(), seed=3, share=Share(batch=4))
    two = [ClipStream(Numbered(), seed=3, share=Share(r, 2, batch=2)) for r in (0, 1)]
    for _ in range(12):
        assert sorted(names(one, 4)) == sorted(n for stream in two for n in names(stream, 2))


def test_chance_belongs_to_the_clip_not_to_who_reads_it() -> None:
    whole = {c.name: c for c in islice(ClipStream(Numbered(), seed=3), 13)}
    for rank in (0, 1):
        for clip in islice(ClipStream(Numbered(), seed=3, share=Share(rank, 2)), 6):
            np.testing.assert_array_equal(clip.video, whole[clip.name].video)
    again = {c.name: c for c in islice(ClipStream(Numbered(), seed=4), 13)}
    assert any((again[n].video != clip.video).any() for n, clip in whole.items())


@pytest.mark.parametrize("stop", [0, 1, 7, 12, 13, 29])
def test_a_stream_goes_on_exactly_where_it_stopped(stop: int) -> None:
    bad = frozenset({2, 9})
    whole = names(ClipStream(Numbered(bad=bad), seed=1, buffer=4), 45)
    first = ClipStream(Numbered(bad=bad), seed=1, buffer=4)
    assert names(first, stop) == whole[:stop]
    state = first.state_dict()
    names(first, 5)
    second = ClipStream(Numbered(bad=bad), seed=1, buffer=4)
    second.load_state_dict(state)
    assert names(second, 45 - stop) == whole[stop:]
    assert second.report.reasons == {"clip 2": "it is broken", "clip 9": "it is broken"}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 2}, "its seed was 1 and is 2 now"),
        ({"buffer": None}, "its buffer was 10000 and is None now"),
        ({"share": Share(batch=2)}, "its batch was 1 and is 2 now"),
        ({"share": Share(0, 2)}, "its world was 1 and is 2 now"),
    ],
)
def test_another_stream_does_not_take_the_state(other: dict[str, object], said: str) -> None:
    state = ClipStream(Numbered(), seed=1).state_dict()
    stream = ClipStream(Numbered(), **({"seed": 1} | other))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=said):
        stream.load_state_dict(state)


def test_what_is_broken_is_counted_once_and_the_limit_stops() -> None:
    stream = ClipStream(Numbered(bad=frozenset({1, 5})), limit=2)
    assert Counter(names(stream, 110)) == {n: 10 for n in range(13) if n not in (1, 5)}
    assert sorted(stream.report.lines()) == ["clip 1: it is broken", "clip 5: it is broken"]
    stream = ClipStream(Numbered(bad=frozenset({1, 5, 8})), limit=2)
    with pytest.raises(DataError) as caught:
        names(stream, 13)
    assert str(caught.value).startswith("3 clips or shards could not be used, more than the 2 all")
    assert "\n" not in str(caught.value)


def test_when_nothing_is_usable_it_ends() -> None:
    stream = ClipStream(Numbered(bad=frozenset(range(13))), limit=None)
    with pytest.raises(DataError, match=r"none of 13 clips in turn could be used; the last: clip"):
        next(stream)


def test_broken_shards_count_from_the_beginning() -> None:
    source = Numbered()
    source.broken = (Skipped("a.tar", "it is broken"),)
    with pytest.raises(DataError, match="1 clips or shards could not be used, more than the 0"):
        ClipStream(source, limit=0)


def test_missing_captions_are_empty_or_refused() -> None:
    assert 3 in names(ClipStream(Numbered()), 13)
    stream = ClipStream(Numbered(), captions="refuse")
    assert 3 not in names(stream, 24)
    assert stream.report.lines() == ["clip 3: it has no caption"]


def test_a_transform_may_refuse_a_clip() -> None:
    def odd(clip: Clip, _: np.random.Generator) -> Clip:
        if int(clip.name) % 2:
            return replace(clip, caption="odd")
        raise DataError("it is even")

    stream = ClipStream(Numbered(), transform=odd)
    assert {clip.caption for clip in islice(stream, 12)} == {"odd"}
    assert len(stream.report) == 7


def test_empty_sources_and_wrong_shares_are_refused() -> None:
    with pytest.raises(DataError, match="there are no clips to train on"):
        ClipStream(Numbered(()))
    with pytest.raises(DataError, match="process 2 of 2, worker 0 of 1"):
        Share(2, 2)


def test_a_report_without_a_limit_never_stops() -> None:
    report = SkipReport(None)
    report.add(Skipped(str(i), "why") for i in range(1000))
    assert len(report) == 1000


def loader(workers: int = 0, bad: frozenset[int] = frozenset(), **share: int) -> BatchLoader:
    stream = ClipStream(Numbered(bad=bad), seed=1, share=Share(batch=3, **share))
    return BatchLoader(stream, workers=workers)


def test_batches_do_not_depend_on_the_number_of_workers() -> None:
    whole = batch_names(loader(), 20)
    assert sorted(n for batch in whole[:13] for n in batch) == sorted(list(range(13)) * 3)
    for workers in (1, 2):
        assert batch_names(loader(workers), 20) == whole


@pytest.mark.parametrize("bad", [frozenset(), frozenset({4, 8})])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_with_the_batch_after(workers: int, bad: frozenset[int]) -> None:
    whole = batch_names(loader(workers, bad), 16)
    first = loader(workers, bad)
    assert batch_names(first, 7) == whole[:7]
    state = first.state_dict()
    first.close()
    second = loader(workers, bad)
    second.load_state_dict(state)
    assert batch_names(second, 9) == whole[7:]
    assert set(second.report.reasons) == {f"clip {n}" for n in bad}


def test_a_loader_may_go_on_with_other_workers_unless_clips_were_left_out() -> None:
    whole = batch_names(loader(), 12)
    first = loader(2)
    batch_names(first, 5)
    other = loader(1)
    other.load_state_dict(first.state_dict())
    assert batch_names(other, 7) == whole[5:]
    uneven = loader(2, frozenset({4}))
    batch_names(uneven, 9)
    with pytest.raises(DataError, match=r"1 clips were left out by process 0 with 2 readers"):
        loader(0, frozenset({4})).load_state_dict(uneven.state_dict())


def test_a_loader_refuses_another_order_of_clips() -> None:
    state = loader().state_dict()
    with pytest.raises(DataError, match="its world was 1 and is 2 now"):
        loader(rank=1, world=2).load_state_dict(state)


def test_a_fault_in_a_worker_is_one_line() -> None:
    stream = ClipStream(Numbered(bad=frozenset({1, 5, 8})), limit=1, share=Share(batch=3))
    with pytest.raises(DataError) as caught:
        batch_names(BatchLoader(stream, workers=2), 20)
    assert "more than the 1 allowed" in str(caught.value) and "\n" not in str(caught.value)


def test_loading_leaves_the_chance_of_training_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    batch_names(loader(1), 2)
    assert torch.equal(before, torch.get_rng_state())


def test_shards_stream_through_workers(tmp_path: Path) -> None:
    for number, count in enumerate((3, 1, 2)):
        clips = (made_clip(10 * number + i) for i in range(count))
        write_shard(tmp_path / f"shard-{number}.tar", clips)
    stream = ClipStream(Shards(tmp_path, frames=4), seed=2, share=Share(batch=2))
    batches = BatchLoader(stream, workers=2, heatmaps=Heatmaps(stride=8))
    seen = [next(batches) for _ in range(3)]
    assert sorted(name for batch in seen for name in batch.names) == [
        f"made {n}" for n in (0, 1, 10, 2, 20, 21)
    ]
    assert seen[0].heatmap is not None and seen[0].heatmap.shape == (2, 1, 4, 2, 3)
    assert seen[0].tracks is not None and seen[0].tracks.count == 5
