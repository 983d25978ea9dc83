"""`kineograph overlay`: tracks and boxes drawn over pictures and videos."""

from pathlib import Path

import numpy as np
import pytest

import kineograph as kg
from cli.conftest import Run, left
from kineograph.core.request_record import read_request
from kineograph.render.overlay import draw_boxes, draw_tracks


@pytest.fixture
def tracks(folder: Path) -> kg.Tracks:
    x = np.linspace(10, 50, 5)
    points = np.stack([np.stack([x, np.full(5, y)], axis=1) for y in (12.0, 30.0)])
    state = np.array([[1, 1, 1, 1, 1], [1, 1, 2, 2, 1]])
    made = kg.Tracks.of(points, state, size=(64, 48), fps=4)
    made.save("tracks.npz")
    return made


@pytest.fixture
def boxes(folder: Path) -> kg.Boxes:
    corners = np.array([[[10, 10, 20, 20], [14, 10, 24, 20], [18, 10, 28, 20]]], float)
    made = kg.Boxes.of(corners, size=(64, 48), fps=4, labels=["kite"])
    made.save("boxes.npz")
    return made


def test_tracks_over_a_picture(run: Run, tracks: kg.Tracks) -> None:
    done = run("overlay", "photo.png", "--tracks", "tracks.npz", "-o", "drawn", "--trail", "3")
    assert done.stdout.startswith("wrote drawn: 64x48, 5 frames at 4 fps, 1.25 s\n")
    picture = kg.read_picture("photo.png")
    for index, frame in enumerate(kg.read_video("drawn").frames):
        np.testing.assert_array_equal(frame, draw_tracks(picture, tracks, index, trail=3))
    assert read_request("drawn") == {"kineograph": kg.__version__, "overlay": "photo.png"}


def test_ids_are_drawn_when_asked_for(run: Run, tracks: kg.Tracks) -> None:
    run("overlay", "photo.png", "--tracks", "tracks.npz", "-o", "drawn", "--ids", "-q")
    picture = kg.read_picture("photo.png")
    np.testing.assert_array_equal(
        kg.read_video("drawn").frames[2], draw_tracks(picture, tracks, 2, ids=True)
    )


def test_boxes_over_a_picture(run: Run, boxes: kg.Boxes) -> None:
    run("overlay", "photo.png", "--boxes", "boxes.npz", "-o", "drawn", "-q")
    picture = kg.read_picture("photo.png")
    drawn = kg.read_video("drawn").frames
    assert len(drawn) == 3
    np.testing.assert_array_equal(drawn[1], draw_boxes(picture, boxes, 1))


def test_over_a_video_the_motion_is_brought_to_its_size_and_rate(
    run: Run, tracks: kg.Tracks
) -> None:
    still = np.full((12, 24, 32, 3), 90, np.uint8)
    kg.Video(still, fps=8).save("video")
    run("overlay", "video", "--tracks", "tracks.npz", "-o", "drawn", "-q")
    fitted = tracks.resize((32, 24)).resample(fps=8)
    drawn = kg.read_video("drawn").frames
    assert (len(drawn), fitted.frames) == (12, 9)
    np.testing.assert_array_equal(drawn[4], draw_tracks(still[4], fitted, 4))
    np.testing.assert_array_equal(drawn[10], still[10])  # the tracks have ended


def test_a_document_is_drawn(run: Run, scene: Path) -> None:
    run("overlay", "photo.png", "--motion", scene, "-o", "drawn", "-q")
    motion = kg.Document.load(scene).expand()
    assert motion.tracks is not None
    assert motion.boxes is not None
    expected = draw_tracks(kg.read_picture("photo.png"), motion.tracks, 3)
    np.testing.assert_array_equal(
        kg.read_video("drawn").frames[3], draw_boxes(expected, motion.boxes, 3)
    )


def test_what_kineograph_made_knows_its_own_motion(run: Run, scene: Path) -> None:
    run("animate", "--motion", scene, "-o", "made", "-q")
    run("overlay", "made", "-o", "one", "-q")
    run("overlay", "made", "--motion", scene, "-o", "other", "-q")
    np.testing.assert_array_equal(kg.read_video("one").frames, kg.read_video("other").frames)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["photo.png"],
            "nothing to draw over photo.png; give --tracks, --boxes or --motion",
        ),
        (
            ["video"],
            "nothing to draw over video: it carries no request; give --tracks, --boxes or --motion",
        ),
        (
            ["photo.png", "--motion", "a.json", "--tracks", "tracks.npz"],
            "--motion has its own tracks and boxes; leave --tracks and --boxes out",
        ),
        (["photo.png", "--tracks", "no.npz"], "no.npz does not exist; give a .npz file of tracks"),
        (["no.mp4", "--tracks", "tracks.npz"], "there is no video at no.mp4; check the name"),
        (["photo.png", "--trail", "-1"], "Invalid value for '--trail': Input should be greater"),
    ],
)
def test_bad_input_is_one_line(
    run: Run, folder: Path, tracks: kg.Tracks, words: list[str], message: str
) -> None:
    kg.Video(np.zeros((2, 24, 32, 3), np.uint8), fps=8).save("video")
    done = run("overlay", *words, "-o", "drawn", code=2)
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert left(folder) == {"tracks.npz", "video"}


def test_one_picture_of_the_whole_path(run: Run, tracks: kg.Tracks, folder: Path) -> None:
    done = run("overlay", "photo.png", "--tracks", "tracks.npz", "-o", "x.png")
    assert done.stdout.startswith("wrote x.png: 64x48, the path of 5 frames\n")
    picture, drawn = kg.read_picture("photo.png"), kg.read_picture("x.png")
    np.testing.assert_array_equal(drawn, draw_tracks(picture, tracks, 4, trail=10))
    assert read_request("x.png") == {"kineograph": kg.__version__, "overlay": "photo.png"}
    run("overlay", "photo.png", "--tracks", "tracks.npz", "-o", "y.png", "--trail", "1", "-q")
    np.testing.assert_array_equal(
        kg.read_picture("y.png"), draw_tracks(picture, tracks, 4, trail=1)
    )
    assert {"x.png", "x.json", "y.png", "y.json"} <= left(folder)


def test_a_video_does_not_become_one_picture(run: Run, tracks: kg.Tracks) -> None:
    kg.Video(np.zeros((3, 48, 64, 3), np.uint8), 4).save("still.mp4")
    done = run("overlay", "still.mp4", "--tracks", "tracks.npz", "-o", "x.png", code=2)
    assert done.stderr.startswith("error: cannot write x.png: .png is no known ending")
