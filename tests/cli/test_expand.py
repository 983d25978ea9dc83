"""`kineograph expand`: a document becomes tracks."""

from pathlib import Path

import numpy as np

import kineograph as kg
from cli.conftest import Run, left


def test_tracks_are_what_the_document_expands_to(run: Run, scene: Path) -> None:
    done = run("expand", scene, "-o", "tracks.npz")
    motion = kg.Document.load(scene).expand()
    assert motion.tracks is not None
    assert motion.boxes is not None
    tracks = kg.Tracks.load("tracks.npz")
    grids = motion.boxes.to_tracks()
    assert tracks.count == motion.tracks.count + grids.count
    np.testing.assert_array_equal(tracks.points[: motion.tracks.count], motion.tracks.points)
    np.testing.assert_array_equal(tracks.state[motion.tracks.count :], grids.state)
    assert done.stdout.startswith(
        f"wrote tracks.npz: {tracks.count} tracks, 64x48, 5 frames at 4 fps, 1.25 s\n"
    )


def test_tracks_made_so_animate_alike(run: Run, scene: Path) -> None:
    run("expand", scene, "-o", "tracks.npz", "-q")
    run("animate", "--motion", scene, "-o", "one", "-q")
    run(
        *("animate", "photo.png", "--tracks", "tracks.npz", "--frames", "5", "--fps", "4"),
        *("-o", "other", "-q"),
    )
    for name in ("000000.png", "000004.png"):
        np.testing.assert_array_equal(
            kg.read_picture(Path("one") / name), kg.read_picture(Path("other") / name)
        )


def test_boxes_can_stay_boxes(run: Run, scene: Path) -> None:
    run("expand", scene, "-o", "tracks.npz", "--boxes", "boxes.npz", "-q")
    motion = kg.Document.load(scene).expand()
    assert motion.tracks is not None
    assert kg.Tracks.load("tracks.npz").count == motion.tracks.count
    assert kg.Boxes.load("boxes.npz").labels == ("kite",)


def test_the_overlay_shows_the_tracks_over_the_picture(run: Run, scene: Path, folder: Path) -> None:
    run("expand", scene, "-o", "tracks.npz", "--overlay", "drawn", "-q")
    picture = kg.read_picture("photo.png").astype(int)
    drawn = kg.read_video("drawn").frames
    assert len(drawn) == 5
    for frame in drawn:
        changed = (frame != picture).any(axis=2)
        assert 0 < changed.mean() < 0.7
    assert left(folder) == {"scene.motion.json", "tracks.npz", "drawn"}


def test_bad_input_is_one_line_and_leaves_nothing(run: Run, scene: Path, folder: Path) -> None:
    def error(*words: object) -> str:
        done = run("expand", *words, code=2)
        assert left(folder) == {"scene.motion.json"}
        return done.stderr.removeprefix("error: ").removesuffix("\n")

    assert error("scene.motion.json") == "Missing option '--output' / '-o'."
    assert error(scene, "-o", "t.npy") == "-o t.npy was given; name a file that ends in .npz"
    assert error("no.json", "-o", "t.npz").startswith("no.json does not exist; name a motion doc")
    assert error(scene, "-o", "t.npz", "--overlay", "t.avi").startswith("cannot write t.avi: .avi")
    assert error(scene, "-o", "t.npz", "--boxes", "t.npz") == (
        "-o and --boxes are both t.npz; name two different files"
    )
    kg.Document(size=(64, 48)).save(scene)
    assert error("scene.motion.json", "-o", "t.npz") == (
        "scene.motion.json holds no gesture; add one, such as a drag"
    )
