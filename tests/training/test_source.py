"""Batches of a stage: sampled as its paper does, the same on resume, shared without doubles."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kineograph.core.errors import DataError, TrainingError
from kineograph.core.tracks import Tracks
from kineograph.data.batch import Batch
from kineograph.data.clip import Clip
from kineograph.data.order import epoch_order
from kineograph.data.shards import write_shard
from kineograph.data.skipped import Skipped
from kineograph.training.clips import Several, clip_source, data_of, needed
from kineograph.training.scene_clips import PICTURED, scene_frames
from kineograph.training.source import BatchSource, Sampled, source_for, spare_cores
from kineograph.training.stage import AdapterChoice, Focal, Objective, Sampling, Stage

SCENES = {"kind": "scenes", "objects": [1, 2], "kept": 4, "spacing": 4.0}


def stage(**changed: Any) -> Stage:
    sampling = Sampling(frames=3, size=(32, 16), tracks="sparse")
    held: dict[str, Any] = {"name": "tiny", "trains": ("unet",), "batch": 2, "sampling": sampling}
    return Stage(**{**held, **changed})


def clip(number: int, *, frames: int = 3, tracks: bool = True) -> Clip:
    rng = np.random.default_rng(number)
    points = rng.uniform(1, 15, (20, frames, 2)).astype(np.float32)
    state = np.ones((20, frames), np.uint8)
    return Clip(
        rng.integers(0, 256, (frames, 16, 32, 3), dtype=np.uint8),
        fps=8.0,
        caption=f"clip number {number}",
        name=f"clip-{number}",
        tracks=Tracks(points, state, (32, 16), 8.0) if tracks else None,
    )


class Held:
    """Some clips. A `ClipSource`."""

    broken: tuple[Skipped, ...] = ()

    def __init__(self, clips: list[Clip], fault: int | None = None) -> None:
        self.clips, self.fault, self.sizes = clips, fault, (len(clips),)
        self.fingerprint = " ".join(held.name for held in clips)

    def __len__(self) -> int:
        return len(self.clips)

    def name(self, number: int) -> str:
        return self.clips[number].name

    def read(self, number: int, rng: np.random.Generator) -> Clip:
        if number == self.fault:
            raise DataError("it is torn")
        return self.clips[number]


def taken(source: Iterator[Batch] | BatchSource, count: int) -> list[Batch]:
    return list(islice(iter(source), count))


def alike(one: Batch, other: Batch) -> bool:
    assert one.tracks is not None and other.tracks is not None
    return (
        one.captions == other.captions
        and torch.equal(one.pixels, other.pixels)
        and torch.equal(one.tracks.points, other.tracks.points)
        and torch.equal(one.tracks.state, other.tracks.state)
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_scenes_resume_to_the_exact_clip(workers: int) -> None:
    straight = taken(source_for(SCENES, stage(), workers=0), 6)
    first = source_for(SCENES, stage(), workers=workers)
    taken(first, 2)
    state = first.state_dict()
    first.close()
    resumed = source_for(SCENES, stage(), workers=workers)
    resumed.load_state_dict(state)
    rest = taken(resumed, 4)
    resumed.close()
    assert all(map(alike, straight[2:], rest))
    assert not alike(straight[0], straight[1])


def test_scenes_are_of_the_stage() -> None:
    told = stage(batch=3)
    batch = taken(source_for(SCENES, told, workers=0), 1)[0]
    assert batch.pixels.shape == (3, 3, 3, 16, 32)
    assert batch.tracks is not None and 1 <= batch.tracks.count <= 8
    assert batch.boxes is None and batch.flow is None
    assert all(batch.captions)
    other = taken(source_for(SCENES, stage(batch=3, seed=1), workers=0), 1)[0]
    assert not alike(batch, other)


def test_what_is_needed_is_held() -> None:
    boxed = {"box": AdapterChoice(kind="grounding")}
    told = stage(adapters=boxed, objective=Objective(focal=Focal()))
    assert needed(told) == {"tracks", "boxes", "flow"}
    batch = taken(source_for(SCENES, told, workers=0), 1)[0]
    assert batch.boxes is not None and batch.flow is not None
    assert needed(stage(sampling=Sampling())) == frozenset()


def test_two_processes_share_the_batch_of_one() -> None:
    clips = [clip(i) for i in range(7)]
    alone = source_for_clips(clips, batch=4).part(0, 1)
    pair = [source_for_clips(clips, batch=2).part(rank, 2) for rank in (0, 1)]
    for whole, first, second in zip(*(taken(held, 5) for held in (alone, *pair)), strict=True):
        assert sorted(whole.captions) == sorted(first.captions + second.captions)


def test_every_clip_once_an_epoch() -> None:
    clips = [clip(i) for i in range(6)]
    batches = taken(source_for_clips(clips, batch=2), 6)
    names = [name for batch in batches for name in batch.names]
    everything = sorted(held.name for held in clips)
    assert sorted(names[:6]) == everything and sorted(names[6:]) == everything
    assert names[:6] != names[6:]


def test_broken_clips_are_left_out_counted_and_listed() -> None:
    source = BatchSource(Held([clip(i) for i in range(5)], fault=3), stage(), workers=0)
    names = {name for batch in taken(source, 8) for name in batch.names}
    assert names == {"clip-0", "clip-1", "clip-2", "clip-4"}
    assert source.report.lines() == ["clip-3: it is torn"]


def test_a_limit_stops_the_run() -> None:
    clips = [clip(0), *(clip(i, tracks=False) for i in range(1, 6))]
    source = BatchSource(Held(clips), stage(), workers=0, limit=2)
    with pytest.raises(DataError) as error:
        taken(source, 20)
    assert "3 clips or shards could not be used, more than the 2 allowed" in str(error.value)
    assert "has no tracks, which this stage reads" in str(error.value)


def test_state_of_other_data_is_refused() -> None:
    source = source_for_clips([clip(0), clip(1)], batch=2)
    taken(source, 1)
    other = source_for_clips([clip(0), clip(2)], batch=2)
    with pytest.raises(TrainingError, match="cannot resume the data: its source was"):
        other.load_state_dict(source.state_dict())


def test_sampling_draws_what_the_stage_says() -> None:
    sampling = Sampling(frames=3, size=(16, 8), tracks="sparse", flip=1.0, gaps=1.0)
    held = clip(0)
    made = Sampled(sampling, frozenset({"tracks"}))(held, np.random.default_rng(0))
    assert made.size == (16, 8)
    assert made.tracks is not None and 1 <= made.tracks.count <= 8
    assert (made.tracks.state[:, 1] == 0).all() and (made.tracks.state[:, [0, 2]] > 0).all()
    assert held.tracks is not None
    mirrored = {(round(16 - x / 2, 3), round(y / 2, 3)) for x, y in held.tracks.points[:, 0]}
    assert {(round(float(x), 3), round(float(y), 3)) for x, y in made.tracks.points[:, 0]} <= {
        (round(float(x), 3), round(float(y), 3)) for x, y in mirrored
    }
    ended = Sampled(sampling.model_copy(update={"gaps": 0.0, "truncate": 1.0}), made_of("tracks"))
    state = ended(held, np.random.default_rng(0)).tracks
    assert state is not None and (state.state[:, -1] == 0).all() and (state.state[:, 0] > 0).all()
    none = Sampled(Sampling(frames=3, size=(16, 8)), frozenset())
    assert none(held, np.random.default_rng(0)).tracks is None


def test_shards_and_several(tmp_path: Path) -> None:
    write_shard(tmp_path / "a" / "shard-000000.tar", [clip(i, frames=5) for i in range(3)])
    write_shard(tmp_path / "b" / "shard-000000.tar", [clip(i, frames=5) for i in range(3, 5)])
    told = stage(sampling=Sampling(frames=3, size=(32, 16), strides=(1, 2), tracks="dense"))
    parts = [data_of(tmp_path / name) for name in "ab"]
    assert parts[0] == {"kind": "shards", "path": str(tmp_path / "a")}
    source = source_for({"kind": "several", "of": parts}, told, workers=0)
    batches = taken(source, 5)
    assert {c for batch in batches for c in batch.captions} == {
        f"clip number {i}" for i in range(5)
    }
    assert {float(f) for batch in batches for f in batch.fps} == {4.0, 8.0}
    assert batches[0].pixels.shape == (2, 3, 3, 16, 32)


def test_several_finds_each() -> None:
    one, other = Held([clip(0), clip(1)]), Held([clip(2)])
    both = Several([one, other])
    rng = np.random.default_rng(0)
    assert [both.name(i) for i in range(len(both))] == ["clip-0", "clip-1", "clip-2"]
    assert both.read(2, rng).name == "clip-2" and both.sizes == (2, 1)
    assert both.fingerprint != Several([other, one]).fingerprint


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"kind": "films"}, "data of kind 'films' was asked for; kinds are scenes, shards"),
        ({"kind": "shards"}, "data of kind shards has no path; it has path"),
        ({"kind": "folder", "path": "x", "splits": 1}, "has the unknown splits; it has path"),
        ({"kind": "several", "of": []}, "data of kind several is"),
        ({"kind": "folder", "path": "/nowhere/x"}, "there is nothing at /nowhere/x"),
        ({"kind": "scenes", "objets": [1, 2]}, "scene setting objets"),
        ({"kind": "scenes", "frames": 9}, "stage tiny samples 3; leave frames out of data"),
    ],
)
def test_wrong_data_is_named(data: dict[str, Any], said: str) -> None:
    with pytest.raises((TrainingError, DataError)) as error:
        clip_source(data, stage())
    assert said in str(error.value)


def test_strides_with_holes_are_refused(tmp_path: Path) -> None:
    write_shard(tmp_path / "shard-000000.tar", [clip(0)])
    told = stage(sampling=Sampling(frames=2, size=(32, 16), strides=(1, 4)))
    with pytest.raises(TrainingError, match=r"sampling.strides \[1, 4\]; give one, or all"):
        clip_source({"kind": "shards", "path": str(tmp_path)}, told)


def test_data_of_reads_what_is_said(tmp_path: Path) -> None:
    assert data_of("scenes") == {"kind": "scenes"}
    assert data_of("got10k:/data/got") == {"kind": "got10k", "path": "/data/got"}
    (tmp_path / "data.yaml").write_text("kind: scenes\nobjects: [1, 2]\n")
    assert data_of(tmp_path / "data.yaml") == {"kind": "scenes", "objects": [1, 2]}
    assert data_of(tmp_path) == {"kind": "folder", "path": str(tmp_path)}
    with pytest.raises(TrainingError, match="there is no data at"):
        data_of(tmp_path / "nothing")
    (tmp_path / "bad.yaml").write_text("- 1\n")
    with pytest.raises(TrainingError, match="says no fields"):
        data_of(tmp_path / "bad.yaml")


def test_spare_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert spare_cores() == 7
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert spare_cores() == 1
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    assert spare_cores() == 0


def source_for_clips(clips: list[Clip], *, batch: int) -> BatchSource:
    return BatchSource(Held(clips), stage(batch=batch), workers=0)


def made_of(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_few_scenes_come_again() -> None:
    few = {**SCENES, "few": 4}
    batches = taken(source_for(few, stage(), workers=0), 4)
    epochs = [[c for batch in batches[i : i + 2] for c in batch.captions] for i in (0, 2)]
    assert sorted(epochs[0]) == sorted(epochs[1])
    with pytest.raises(TrainingError, match="few 0 scenes; give a whole number, 1 to 4096"):
        clip_source({**SCENES, "few": 0}, stage())


def test_single_pictures_are_frames_of_scenes_in_which_things_happen() -> None:
    """A scene of one frame says that nothing happens, and does not even name what is there."""
    told = stage(sampling=Sampling(frames=1, size=(32, 16)))
    moving = {**SCENES, "motions": {"slide": 1.0}, "camera": 0.0, "still": 0.0}
    for data, length in ((moving, PICTURED), ({**moving, "few": 4}, PICTURED)):
        source = clip_source(data, told)
        held = [source.read(number, np.random.default_rng(number)) for number in range(4)]
        assert all(clip.frames == 1 for clip in held)
        facts = [fact for clip in held for fact in clip.facts if fact.subject != "camera"]
        assert any(fact.verb == "moves" for fact in facts)
        assert all(fact.verb != "stays" and fact.group is not None for fact in facts)
        assert source.settings.frames == length
    source = clip_source({**moving, "few": 1}, told)
    firsts = [source.read(0, np.random.default_rng(seed)) for seed in range(12)]
    assert len({clip.caption for clip in firsts}) == 1
    assert len({clip.video.tobytes() for clip in firsts}) > 3, "other frames each time"


def test_scenes_are_as_long_as_what_is_shown_or_as_the_data_says() -> None:
    assert [scene_frames(shown, {}) for shown in (1, 2, 5)] == [PICTURED, 2, 5]
    assert [scene_frames(shown, {"few": 3}) for shown in (1, 2, 20)] == [PICTURED, 2, 20]
    said = {"few": 3, "frames": 12}
    assert [scene_frames(shown, said) for shown in (1, 2, 20)] == [12, 12, 20]
    assert [scene_frames(shown, {"frames": 12}) for shown in (1, 2)] == [12, 2]
    assert scene_frames(1, {"frames": 1}) == 1


def test_endless_scenes_of_several_kinds_come_mixed() -> None:
    """Not one kind for thousands of clips and then the next."""
    kinds = [{**SCENES, "objects": [1, 1]}, {**SCENES, "objects": [4, 4]}, {**SCENES, "still": 1.0}]
    several = clip_source({"kind": "several", "of": kinds}, stage())
    order = epoch_order(several.sizes, seed=3, epoch=0)
    ends = np.cumsum([len(clip_source(kind, stage())) for kind in kinds])
    for begin in (0, 20_000, 100_000):
        which = np.searchsorted(ends, order[begin : begin + 600], side="right")
        assert np.bincount(which, minlength=3).min() > 120
