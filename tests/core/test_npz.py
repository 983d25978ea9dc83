"""Files of tracks, boxes and cameras: whole or absent, plain arrays only, errors in one line."""

import pickle
import zipfile

import numpy as np
import pytest

from kineograph.core import npz
from kineograph.core.boxes import Boxes
from kineograph.core.errors import OutputError, TracksError
from kineograph.core.tracks import Tracks

PLAIN = {
    "points": np.zeros((2, 3, 2), np.float32),
    "state": np.ones((2, 3), np.uint8),
    "size": np.array([64, 48]),
    "fps": np.float64(16),
    "version": np.int64(1),
}


class Trap:
    """Shows whether a pickle was opened."""

    opened = False

    def __setstate__(self, state):
        Trap.opened = True

    def __getstate__(self):
        return {"some": "state"}


def write(path, **changes):
    np.savez(path, **{k: v for k, v in (PLAIN | changes).items() if v is not None})
    return path


def message(path):
    with pytest.raises(TracksError) as caught:
        Tracks.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


def test_a_file_written_by_plain_numpy_loads(tmp_path):
    made = Tracks.load(write(tmp_path / "a.npz", points=np.zeros((2, 3, 2)), group=np.arange(2)))
    assert made.points.dtype == np.float32
    assert made.group.tolist() == [0, 1]


def test_the_file_holds_the_documented_arrays_and_no_pickles(tmp_path):
    made = Tracks.of(PLAIN["points"], size=(64, 48), fps=16, group=1)
    made.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as held:
        assert set(held) == {"points", "state", "size", "fps", "group", "version"}
        assert held["size"].tolist() == [64, 48]
        assert held["version"] == 1


def test_the_same_tracks_are_the_same_bytes(tmp_path):
    made = Tracks.of(PLAIN["points"], size=(64, 48), fps=16)
    made.save(tmp_path / "a.npz")
    made.save(str(tmp_path / "b.npz"))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_pickles_are_never_opened(tmp_path):
    trap = np.empty(1, dtype=object)
    trap[0] = Trap()
    assert message(write(tmp_path / "a.npz", group=trap)) == (
        "cannot read FILE: it holds Python objects; only plain arrays are read"
    )
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Trap()))
    assert message(tmp_path / "b.npz") == "cannot read FILE: it is not a .npz file of tracks"
    assert not Trap.opened


def test_what_is_no_file_of_tracks_is_named(tmp_path):
    path = tmp_path / "a.npz"
    assert message(path) == "FILE does not exist; give a .npz file of tracks"
    assert message(tmp_path) == "cannot read FILE: it is not a .npz file of tracks"
    np.save(tmp_path / "b.npy", np.zeros(3))
    assert message(tmp_path / "b.npy") == "cannot read FILE: it is not a .npz file of tracks"
    assert message(write(path, points=None, fps=None, other=1)) == (
        "FILE holds no tracks: found other, size, state, version; "
        "needed version, points, state, size, fps"
    )
    Boxes.of(np.zeros((1, 3, 4)), size=(64, 48), fps=16).save(path)
    assert message(path).startswith("FILE holds no tracks: found boxes, fps, hard, labels")


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    whole = write(tmp_path / "whole.npz").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        assert message(tmp_path / "cut.npz").startswith("cannot read FILE")


def test_a_corrupted_array_is_refused(tmp_path):
    path = write(tmp_path / "a.npz")
    held = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("points.npy").header_offset
    for flipped in range(start + 62, start + 200, 7):
        broken = held.copy()
        broken[flipped] ^= 0xFF
        path.write_bytes(broken)
        assert message(path) == "cannot read FILE: the tracks in it are broken"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"version": np.int64(2)},
            "cannot read FILE: it is of version 2; this kineograph reads up to 1; "
            "install a newer one",
        ),
        ({"version": np.int64(0)}, "cannot read FILE: its version is 0; it has to be 1"),
        ({"size": np.int64(3)}, "cannot read FILE: the tracks in it are broken"),
        ({"fps": np.array([16.0])}, "cannot read FILE: the tracks in it are broken"),
        ({"points": np.zeros((2, 3, 2), complex)}, "cannot read FILE: the tracks in it are broken"),
        (
            {"points": np.full((2, 3, 2), "x")},
            "cannot read FILE: an array in it holds no numbers",
        ),
        (
            {"state": np.ones((2, 2), np.uint8)},
            "cannot read FILE: state is uint8 (2, 2); it has to be uint8 (2, 3)",
        ),
        (
            {"fps": np.float64(-1)},
            "cannot read FILE: -1.0 frames a second were given; give a positive number",
        ),
    ],
)
def test_malformed_contents_are_named(tmp_path, changes, said):
    assert message(write(tmp_path / "a.npz", **changes)) == said


def test_a_small_archive_cannot_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "MAX_BYTES", 2**30)
    path = write(tmp_path / "a.npz")
    held = bytearray(path.read_bytes())
    at = held.rindex(b"PK\x01\x02", 0, held.rindex(b"version.npy"))
    held[at + 24 : at + 28] = (2**30).to_bytes(4, "little")
    path.write_bytes(held)
    assert message(path) == "cannot read FILE: it unpacks to more than 1 GiB"


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    made = Tracks.of(PLAIN["points"], size=(64, 48), fps=16)
    with pytest.raises(OutputError) as caught:
        made.save(tmp_path / "a.pt")
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'a.pt'}: tracks, boxes and cameras are saved as .npz"
    )
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        made.save(tmp_path / "file" / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_saving_over_a_file_is_whole_or_not_at_all(tmp_path, monkeypatch):
    made = Tracks.of(PLAIN["points"], size=(64, 48), fps=16)
    made.save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()

    def interrupted(file, **arrays):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
