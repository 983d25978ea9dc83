"""Tracks from files, fitted to canvas and clip."""

from pathlib import Path

import numpy as np
import pytest

from kineograph.core.errors import DocumentError, KineographError, TracksError
from kineograph.core.tracks import Tracks
from kineograph.gestures.document import Document
from kineograph.gestures.scene import Scene
from kineograph.gestures.tracks_file import TracksFile


@pytest.fixture
def saved(tmp_path: Path) -> Tracks:
    x = np.stack([np.arange(9) * 4.0, np.arange(9) * 2.0 + 8])
    points = np.stack([x, np.full_like(x, 12)], axis=-1)
    state = np.ones((2, 9), np.uint8)
    state[1, 4:] = 2
    tracks = Tracks.of(points, state, size=(64, 48), fps=8)
    tracks.save(tmp_path / "held.npz")
    return tracks


def expand(folder: Path, frames: int = 9, fps: float = 8, **fields) -> Tracks:
    scene = Scene(size=(128, 144), frames=frames, fps=fps, folder=folder)
    tracks = TracksFile(path="held.npz", **fields).expand(scene).tracks
    assert tracks is not None
    return tracks


def test_it_is_stretched_over_the_canvas(saved: Tracks, tmp_path: Path) -> None:
    tracks = expand(tmp_path)
    np.testing.assert_allclose(tracks.points, saved.points * np.array([2, 3]), rtol=1e-6)
    np.testing.assert_array_equal(tracks.state, saved.state)
    assert tracks.group is None and tracks.size == (128, 144)


@pytest.mark.parametrize(("frames", "fps"), [(17, 16), (5, 4), (30, 24), (13, 8), (4, 8)])
def test_at_its_own_speed_it_is_what_resample_gives(
    saved: Tracks, tmp_path: Path, frames: int, fps: float
) -> None:
    tracks = expand(tmp_path, frames, fps)
    expected = saved.resize((128, 144)).resample(frames=frames, fps=fps)
    np.testing.assert_array_equal(tracks.state, expected.state)
    shown = expected.specified
    np.testing.assert_allclose(tracks.points[shown], expected.points[shown], atol=1e-4)


def test_it_starts_later_and_is_cut_by_the_clip(saved: Tracks, tmp_path: Path) -> None:
    tracks = expand(tmp_path, start=0.5)
    assert tracks.state[0].tolist() == [0] * 4 + [1] * 5
    np.testing.assert_allclose(tracks.points[0, 4:, 0], np.arange(5) * 8.0, atol=1e-4)


def test_an_end_makes_it_faster_and_timing_eases(saved: Tracks, tmp_path: Path) -> None:
    faster = expand(tmp_path, end=0.5)
    assert faster.state[0].tolist() == [1] * 5 + [0] * 4
    np.testing.assert_allclose(faster.points[0, :5, 0], [0, 16, 32, 48, 64], atol=1e-4)
    back = [{"at": 0, "to": 1}, {"at": 1, "to": 0}]
    np.testing.assert_allclose(
        expand(tmp_path, timing=back).points[0, :, 0], np.arange(9)[::-1] * 8.0, atol=1e-4
    )


def test_depth_and_strength(saved: Tracks, tmp_path: Path) -> None:
    tracks = expand(tmp_path, depth=3, strength=0.25)
    assert tracks.depth is not None and (tracks.depth == 3).all()
    assert tracks.strength is not None and (tracks.strength == 0.25).all()


def test_groups_of_a_file_stay_apart_and_none_stays_none(saved: Tracks, tmp_path: Path) -> None:
    saved.with_group(np.array([7, 3])).save(tmp_path / "grouped.npz")
    document = Document(size=(64, 48), frames=9, fps=8)
    document._folder = tmp_path
    merged = (
        document.add(TracksFile(path="held.npz"), TracksFile(path="grouped.npz")).expand().tracks
    )
    assert merged is not None and merged.group is not None
    loose, (a, b) = merged.group[:2], merged.group[2:]
    assert loose.tolist() == [-1, -1] and a != b and {a, b} & {1} and min(a, b) >= 0


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(TracksError, match=r"held.npz does not exist"):
        expand(tmp_path)
    (tmp_path / "held.npz").write_text("no tracks")
    with pytest.raises(TracksError, match=r"it is not a .npz file of tracks"):
        expand(tmp_path)


def test_files_outside_the_folder_are_not_read(saved: Tracks, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.npz").symlink_to(tmp_path / "held.npz")
    for name in ("../held.npz", str(tmp_path / "held.npz"), "link.npz"):
        document = Document.parse(
            {"size": [64, 48], "gestures": [{"kind": "tracks", "path": name}]}, inner
        )
        with pytest.raises(KineographError, match=r"lies outside the document's folder .*copy it"):
            document.expand()
        Document.parse(document.to_dict(), inner, allow_outside=True).expand()


def test_messages_name_the_gesture(tmp_path: Path) -> None:
    document = Document.parse(
        {"size": [64, 48], "gestures": [{"kind": "tracks", "name": "walk", "path": "no.npz"}]},
        tmp_path,
    )
    with pytest.raises(TracksError, match=r'^gestures\[0\] \(tracks "walk"\): .*does not exist'):
        document.expand()
    with pytest.raises(DocumentError, match="path is ' '; name a file"):
        TracksFile(path=" ")
