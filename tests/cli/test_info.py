"""`kineograph info`: what files hold, for people and as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

import kineograph as kg
from cli.conftest import Run
from kineograph.core.files import sha256_of
from kineograph.vision.depth import Depth
from kineograph.vision.depth_file import write_depth
from kineograph.vision.pose import Poses


def facts(run: Run, *files: object) -> list[dict]:
    return [json.loads(line) for line in run("info", "--json", *files).stdout.splitlines()]


def test_a_picture(run: Run) -> None:
    assert facts(run, "photo.png") == [
        {
            "file": "photo.png",
            "kind": "picture",
            "size": [64, 48],
            "sha256": sha256_of(Path("photo.png")),
        }
    ]


@pytest.mark.parametrize(
    ("name", "kind", "codec"),
    [
        ("out.mp4", "video", "h264"),
        ("out.webp", "video", "webp"),
        ("out", "folder of frames", None),
    ],
)
def test_what_animate_wrote(run: Run, scene: Path, name: str, kind: str, codec: str | None) -> None:
    run("animate", "--motion", scene, "-o", name, "-q", "--text", "a kite")
    (told,) = facts(run, name)
    assert (told["kind"], told["size"], told["frames"]) == (kind, [64, 48], 5)
    assert (told["fps"], told["seconds"]) == (4, 1.25)
    assert codec is None or told["codec"] == codec
    assert told["made by"] == {
        "kineograph": kg.__version__,
        "engine": "warp",
        "size": [64, 48],
        "picture": "photo.png",
        "text": "a kite",
        "seed": 0,
        "gestures": ["drag", "box"],
    }


def test_tracks(run: Run) -> None:
    points = np.zeros((2, 4, 2))
    points[1, :, 0] = [0, 3, 6, 10]
    state = np.array([[1, 1, 2, 0], [1, 1, 1, 1]])
    kg.Tracks.of(points, state, size=(64, 48), fps=8, group=[0, 3]).save("t.npz")
    assert facts(run, "t.npz") == [
        {
            "file": "t.npz",
            "kind": "tracks",
            "tracks": 2,
            "size": [64, 48],
            "frames": 4,
            "fps": 8.0,
            "seconds": 0.5,
            "share of entries": {"unspecified": 0.125, "visible": 0.75, "occluded": 0.125},
            "groups": 2,
            "depth": False,
            "strength": False,
            "pixels moved": {"median": 5.0, "largest": 10.0},
        }
    ]
    shown = run("info", "t.npz").stdout
    assert "share of entries  unspecified 0.125, visible 0.75, occluded 0.125" in shown
    assert "size              64x48" in shown
    assert "depth             no" in shown


def test_boxes_and_cameras(run: Run) -> None:
    corners = np.tile([1.0, 2, 3, 4], (2, 5, 1))
    kg.Boxes.of(corners, size=(64, 48), fps=4, labels=["dog", "cat"]).save("b.npz")
    kg.Cameras.from_fov(60.0, size=(64, 48), frames=5, fps=4).save("c.npz")
    boxes, cameras = facts(run, "b.npz", "c.npz")
    assert (boxes["kind"], boxes["objects"], boxes["labels"]) == ("boxes", 2, ["dog", "cat"])
    assert (boxes["hard"], boxes["share of entries"]["visible"]) == (1, 1)
    assert (cameras["kind"], cameras["frames"], cameras["path length"]) == ("cameras", 5, 0)
    assert "labels            dog, cat" in run("info", "b.npz").stdout


def test_a_motion_document(run: Run, scene: Path) -> None:
    (told,) = facts(run, scene.name)
    assert told["kind"] == "motion document"
    assert told["picture"] == "photo.png (as it was)"
    assert told["gestures"] == ["drag 'nose', 0 s to end", "box, 0 s to end"]
    kg.write_picture("photo.png", np.zeros((48, 64, 3), np.uint8))
    assert facts(run, scene.name)[0]["picture"] == "photo.png (changed since)"
    Path("photo.png").unlink()
    assert facts(run, scene.name)[0]["picture"] == "photo.png (missing)"
    assert "gestures  drag 'nose', 0 s to end\n" in squeezed(run("info", scene.name).stdout)


def squeezed(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines()) + "\n"


def test_the_record_beside_an_output(run: Run, scene: Path) -> None:
    run("animate", "--motion", scene, "-o", "out.mp4", "-q")
    run("overlay", "out.mp4", "-o", "drawn.mp4", "-q")
    made, drawn = facts(run, "out.json", "drawn.mp4")
    assert (made["kind"], made["gestures"]) == ("record of an output", ["drag", "box"])
    assert drawn["made by"] == {"kineograph": kg.__version__, "overlay of": "out.mp4"}


def test_markup_in_names_is_shown_as_it_is(run: Run) -> None:
    Path("photo.png").rename("[bold]x.png")
    assert "[bold]x.png" in run("info", "[bold]x.png").stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.mp4", None, "no.mp4 does not exist; name a file that does"),
        ("a.npz", b"nothing", "cannot read a.npz: it is not a .npz file, or a broken one"),
        ("a.json", b"{", "cannot read a.json: it is not JSON, line 1"),
        ("a.json", b'{"size": [1, 1], "frame": 3}', "a.json: the document has an unknown field"),
        ("a.mp4", b"nothing", "cannot read"),
        ("a.png", b"nothing", "a.png is not a picture that can be read; give PNG, JPEG"),
        ("a.jpg", b"nothing", "a.jpg is not a picture that can be read; give PNG, JPEG"),
    ],
)
def test_bad_input_is_one_line(run: Run, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    done = run("info", name, code=2)
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["d.png", "d.npy", "d.npz"])
def test_depth(run: Run, name: str) -> None:
    held = np.linspace(2, 10, 12, dtype=np.float32).reshape(3, 4)
    write_depth(name, Depth(held, None, True))
    (told,) = facts(run, name)
    assert (told["kind"], told["size"], told["lens"]) == ("depth", [4, 3], False)
    assert told["nearest"] == pytest.approx(2, rel=1e-3)
    assert told["farthest"] == pytest.approx(10, rel=1e-3)
    assert told["unit"] == ("relative" if name == "d.npy" else "metres")


def test_poses_of_a_video_and_of_a_picture(run: Run) -> None:
    score = np.ones((6, 17), np.float32)
    score[:3] = 0
    Poses(np.zeros((6, 17, 2), np.float32), score, (64, 48), 4).save("dance.npz")
    Path("found.json").write_text(
        '{"joints": {"nose": [9, 9], "left_hip": [9, 30], "left_eye": null}}'
    )
    dance, found = facts(run, "dance.npz", "found.json")
    assert (dance["kind"], dance["frames"], dance["joints found"]) == ("poses", 6, 0.5)
    assert (found["kind"], found["joints"], found["keys"]) == ("pose", "2 of 17", 0)
    moved = {"joints": {"left_hip": [9, 9], "left_knee": [9, 20]}, "keys": [{"move": [1, 0]}]}
    Path("moved.json").write_text(json.dumps(moved))
    assert facts(run, "moved.json")[0]["keys"] == 1
    Path("wrong.json").write_text('{"joints": {"nos": [9, 9]}}')
    done = run("info", "wrong.json", code=2)
    assert done.stderr.startswith("error: wrong.json: unknown joint 'nos'; did")
    assert done.stderr.count("\n") == 1


def test_a_recording_of_a_mouse(run: Run) -> None:
    samples = [[1, 1, 0], [2, 2, 1], [3, 2, 1], [3, 3, 0]]
    recording = {"kind": "recording", "fps": 8, "size": [64, 48], "samples": samples}
    Path("mouse.json").write_text(json.dumps(recording))
    assert facts(run, "mouse.json") == [
        {
            "file": "mouse.json",
            "kind": "recording of a mouse",
            "size": [64, 48],
            "samples": 4,
            "fps": 8,
            "seconds": 0.5,
            "presses": 1,
        }
    ]


def test_lines_in_a_pipe_end_without_blanks(run: Run, scene: Path) -> None:
    lines = run("info", "photo.png", scene.name).stdout.splitlines()
    assert len(lines) > 8
    assert [line for line in lines if line != line.rstrip()] == []
