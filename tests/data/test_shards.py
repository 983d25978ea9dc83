"""Shards give back what was put in, WebDataset can read them, and broken ones are survived."""

import io
import json
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_clips import assert_same, made_clip

from kineograph.core.errors import DataError
from kineograph.data.arrays import pack, unpack
from kineograph.data.shards import Shards, find_shards, write_shard

RNG = np.random.default_rng(0)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """A shard of four clips that have everything."""
    path = tmp_path / "shard-000000.tar"
    assert write_shard(path, (made_clip(i) for i in range(4))) == 4
    return path


def rewritten(shard: Path, change: dict[str, bytes | None]) -> Path:
    """The shard with members changed, added, or left out (None); without its index."""
    with tarfile.open(shard) as old:
        held = {m.name: old.extractfile(m).read() for m in old.getmembers()}  # type: ignore[union-attr]
    path = shard.with_name("changed.tar")
    with tarfile.open(path, "w") as new:
        for name, data in (held | change).items():
            if data is not None:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return path


def test_clips_come_back_in_every_number(shard: Path) -> None:
    shards = Shards(shard)
    assert len(shards) == 4 and shards.sizes == (4,) and shards.broken == ()
    for i in range(4):
        assert_same(shards.read(i, RNG), made_clip(i))


def test_the_same_clips_make_the_same_bytes(shard: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar"
    write_shard(again, (made_clip(i) for i in range(4)))
    assert again.read_bytes() == shard.read_bytes()


def test_a_bare_clip_comes_back(tmp_path: Path) -> None:
    clip = replace(
        made_clip(), tracks=None, boxes=None, flow=None, depth=None, masks=None, cameras=None
    )
    write_shard(tmp_path / "a.tar", [clip])
    assert_same(Shards(tmp_path).read(0, RNG), clip)


def test_without_clips_nothing_is_written(tmp_path: Path) -> None:
    assert write_shard(tmp_path / "a.tar", []) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_fails_leaves_no_shard(tmp_path: Path) -> None:
    wild = replace(made_clip(), flow=np.full((5, 16, 24, 2), 512, np.float32))
    with pytest.raises(DataError, match="flow of 512 pixels or more cannot be kept"):
        write_shard(tmp_path / "a.tar", [made_clip(), wild])
    assert list(tmp_path.iterdir()) == []


def test_flow_is_kept_to_a_128th_of_a_pixel() -> None:
    flow = np.random.default_rng(0).normal(0, 100, (3, 9, 11, 2)).clip(-511, 511)
    again = unpack("flow", pack("flow", flow.astype(np.float32)))
    assert np.abs(again - flow).max() <= 1 / 128 + 1e-6


def test_webdataset_reads_the_shards(shard: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == ["000000", "000001", "000002", "000003"]
    told = json.loads(samples[2]["json"])
    assert told["caption"] == made_clip(2).caption and told["frames"] == 6
    assert sorted(name for name in samples[2] if name.endswith("webp")) == [
        f"{i:04d}.webp" for i in range(6)
    ]
    from PIL import Image

    frame = np.asarray(Image.open(io.BytesIO(samples[2]["0003.webp"])))
    np.testing.assert_array_equal(frame, made_clip(2).video[3])


def test_the_index_says_what_searching_finds(shard: Path) -> None:
    with_index = Shards(shard)
    shard.with_suffix(".index").unlink()
    without = Shards(shard)
    assert without.fingerprint == with_index.fingerprint
    assert_same(without.read(3, RNG), made_clip(3))


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"bytes": 1, "keys": ["000000"], "starts": [0]}', '{"keys": 3}']
)
def test_an_index_that_does_not_fit_is_not_believed(shard: Path, text: str) -> None:
    shard.with_suffix(".index").write_text(text)
    assert len(Shards(shard)) == 4


def test_only_some_frames_and_parts_are_read(shard: Path) -> None:
    shards = Shards(shard, frames=3, strides=(2, 2), wanted=("tracks", "masks"))
    for seed in range(4):
        clip = shards.read(1, np.random.default_rng(seed))
        whole = made_clip(1)
        start = next(i for i in range(2) if (whole.video[i] == clip.video[0]).all())
        picked = slice(start, start + 5, 2)
        np.testing.assert_array_equal(clip.video, whole.video[picked])
        assert clip.fps == 4 and clip.tracks is not None and whole.tracks is not None
        np.testing.assert_array_equal(clip.tracks.points, whole.tracks.points[:, picked])
        assert whole.masks is not None
        np.testing.assert_array_equal(clip.masks, whole.masks[:, picked])
        assert clip.flow is None and clip.boxes is None


def test_too_short_clips_say_so(shard: Path) -> None:
    with pytest.raises(DataError, match=r"tar:000002: it has 6 frames, too few for 7 at a stride"):
        Shards(shard, frames=7).read(2, RNG)


def test_unknown_parts_are_refused(shard: Path) -> None:
    with pytest.raises(DataError, match="heatmap was asked of shards; they hold tracks, boxes"):
        Shards(shard, wanted=("heatmap",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"000001.json": None}, "its description (.json) is missing"),
        ({"000001.json": b"{}"}, "its description is malformed: version: Field required"),
        ({"000001.json": b"\xff"}, "its description is malformed: its JSON: Invalid JSON"),
        ({"000001.0003.webp": None}, "its frame 0003.webp is missing"),
        ({"000001.0003.webp": b"nothing"}, "its frame 0003.webp is broken or not of 24x16"),
        ({"000001.tracks.npz": b"nothing"}, "its tracks cannot be read: it is broken"),
        ({"000001.flow.npz": pack("masks", made_clip().masks)}, "its flow cannot be read: 'low'"),
        ({"000001.depth.npz": pack("depth", made_clip(frames=5).depth)}, "it is of 5 frames, the"),
        (
            {"000001.boxes.npz": pack("boxes", made_clip(size=(9, 9)).boxes)},
            "its boxes are of 6 frames of 9x9, its video of 6 frames of 24x16",
        ),
    ],
)
def test_a_broken_clip_is_told_in_one_line(
    shard: Path, change: dict[str, bytes | None], said: str
) -> None:
    shards = Shards(rewritten(shard, change))
    with pytest.raises(DataError) as caught:
        shards.read(1, RNG)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert_same(shards.read(0, RNG), made_clip(0))
    assert_same(shards.read(2, RNG), made_clip(2))


def test_a_frame_cut_in_half_is_refused(shard: Path) -> None:
    with tarfile.open(shard) as held:
        data = held.extractfile("000001.0000.webp").read()  # type: ignore[union-attr]
    shards = Shards(rewritten(shard, {"000001.0000.webp": data[: len(data) // 2]}))
    with pytest.raises(DataError, match=r"its frame 0000\.webp is broken"):
        shards.read(1, RNG)


def test_objects_are_never_unpickled(shard: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("a pickle was loaded",))

    buffer = io.BytesIO()
    np.savez(buffer, points=np.array([Trap()], dtype=object), version=np.int64(1))
    bad = rewritten(
        shard, {"000001.tracks.npz": buffer.getvalue(), "000001.pkl": pickle.dumps(Trap())}
    )
    with pytest.raises(DataError, match=r"its tracks cannot be read: .*allow_pickle=False"):
        Shards(bad).read(1, RNG)


def test_only_expected_members_are_read(shard: Path) -> None:
    others = {"000001.mp4": b"x", "000001.pth": b"x", "README.md": b"x", "../000009.json": b"{}"}
    shards = Shards(rewritten(shard, dict(others)))
    assert_same(shards.read(1, RNG), made_clip(1))


def test_links_are_not_followed(tmp_path: Path, shard: Path) -> None:
    path = rewritten(shard, {"000001.json": None})
    with tarfile.open(path, "a") as held:
        link = tarfile.TarInfo("000001.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        held.addfile(link)
    with pytest.raises(DataError, match=r"its description \(.json\) is missing"):
        Shards(path).read(1, RNG)


def test_a_shard_cut_off_gives_what_is_whole(shard: Path) -> None:
    data = shard.read_bytes()
    shard.write_bytes(data[: len(data) * 5 // 8])
    shards = Shards(shard)
    assert len(shards) == 2
    assert_same(shards.read(1, RNG), made_clip(1))
    assert [str(one) for one in shards.broken] == [
        f"{shard}: it is broken after 2 clips, which are used: unexpected end of data"
    ]


def test_damage_in_the_middle_is_noticed(shard: Path) -> None:
    with tarfile.open(shard) as held:
        place = held.getmember("000002.json").offset
    data = bytearray(shard.read_bytes())
    data[place : place + 512] = b"x" * 512
    shard.write_bytes(bytes(data))
    shard.with_suffix(".index").unlink()
    shards = Shards(shard)
    assert len(shards) == 1
    assert f"it is damaged after byte {place}" in shards.broken[0].reason


def test_what_is_no_shard_is_listed_and_the_others_used(shard: Path) -> None:
    shard.with_name("noise.tar").write_bytes(b"noise" * 1000)
    shards = Shards(shard.parent)
    assert len(shards) == 4
    assert shards.broken[0].name.endswith("noise.tar")


def test_no_shards_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there are no shards \(.tar\) at"):
        find_shards(tmp_path)
    (tmp_path / "noise.tar").write_bytes(b"noise" * 1000)
    with pytest.raises(DataError, match=r"no clip can be read from 1 shards: .*noise\.tar: it is"):
        Shards(tmp_path)


def test_the_fingerprint_tells_data_apart(shard: Path, tmp_path: Path) -> None:
    one = Shards(shard)
    assert one.fingerprint == Shards(shard).fingerprint
    assert one.fingerprint != Shards(shard, frames=3).fingerprint
    write_shard(tmp_path / "more.tar", [made_clip(9)])
    assert one.fingerprint != Shards(tmp_path).fingerprint
