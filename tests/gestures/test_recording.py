"""Recordings: presses become drags that are where the mouse was, and back."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kineograph.core.errors import DocumentError, OutputError
from kineograph.gestures.document import Document
from kineograph.gestures.drag import Drag
from kineograph.gestures.pin import Pin
from kineograph.gestures.recording import Recording
from kineograph.gestures.scene import Scene
from kineograph.gestures.shorthand.video import parse_recording

SCENE = Scene(size=(200, 100), frames=33, fps=16)


def recording(points: list[tuple[float, float]], down: str, **fields) -> Recording:
    pressed = np.array([letter == "x" for letter in down])
    return Recording(np.array(points, dtype=np.float64), pressed, **fields)


def test_a_drag_is_at_every_sample_where_the_mouse_was() -> None:
    way = [(10, 10), (20, 50), (24, 51), (24, 51), (80, 20), (90, 90), (60, 95), (61, 95)]
    (drag,) = recording(way, ".xxxxxx.").gestures(SCENE, radius=3, persist=True)
    assert isinstance(drag, Drag) and drag.persist and drag.radius == 3
    assert (drag.start, drag.end) == (1 / 16, 6 / 16)
    cursor = np.array(drag.path[0]) + drag.grip(SCENE).displacement
    np.testing.assert_allclose(cursor[1:7], way[1:7], atol=1e-6)


@given(
    steps=st.lists(st.tuples(st.floats(-9, 9), st.floats(-5, 5)), min_size=3, max_size=30),
    press=st.integers(0, 10),
)
def test_there_and_back(steps: list[tuple[float, float]], press: int) -> None:
    points = np.clip(np.cumsum([(100, 50), *steps], axis=0), 1, [199, 99])
    down = np.arange(len(points)) >= min(press, len(points) - 3)
    made = Recording(points, down)
    (gesture,) = made.gestures(SCENE)
    if isinstance(gesture, Pin):
        return
    back = Recording.of_drags([gesture], SCENE)
    np.testing.assert_array_equal(back.down[: len(down)], down)
    pressed = np.flatnonzero(down)
    np.testing.assert_allclose(back.points[pressed], points[pressed], atol=1e-4)


def test_each_press_is_one_drag_and_all_expand_together() -> None:
    way = [(20 + 4 * i, 30.0) for i in range(12)]
    drags = recording(way, "xxxx..xxxxx.").gestures(SCENE, radius=2, stride=2)
    assert [(drag.start, drag.end) for drag in drags] == [(0, 3 / 16), (6 / 16, 10 / 16)]
    tracks = Document(size=SCENE.size, frames=33, fps=16).add(*drags).expand().tracks
    assert tracks is not None and tracks.visible.any(axis=0)[:12].tolist() == [
        letter == "x" for letter in "xxxx..xxxxx."
    ]


def test_a_press_without_motion_is_a_pin() -> None:
    (pin,) = recording([(50, 50)] * 4, ".xx.").gestures(SCENE, radius=6)
    assert isinstance(pin, Pin) and pin.region == (44, 44, 56, 56)
    assert (pin.start, pin.end) == (1 / 16, 2 / 16)
    (click,) = recording([(50, 50)] * 33, "." * 32 + "x").gestures(SCENE)
    Document(size=SCENE.size, frames=33, fps=16).add(click).expand()


def test_a_recording_of_another_size_is_scaled_and_may_leave_the_picture() -> None:
    (drag,) = recording([(40, 40), (420, 60)], "xx", size=(400, 200)).gestures(SCENE)
    assert drag.path == ((20, 20), (210, 30)) and drag.leave


def test_files_there_and_back(tmp_path: Path) -> None:
    made = recording([(1.25, 2), (3, 4), (5, 6.5)], "x.x", size=(200, 100))
    for name in ("mouse.json", "mouse.csv"):
        made.save(tmp_path / name)
        held = Recording.load(tmp_path / name)
        np.testing.assert_array_equal(held.points, made.points)
        np.testing.assert_array_equal(held.down, made.down)
        assert held.fps == 16
    assert json.loads((tmp_path / "mouse.json").read_text())["kind"] == "recording"
    (tmp_path / "bare.csv").write_text("10,10,1\n20,20,1\n")
    assert Recording.load(tmp_path / "bare.csv").down.all()


def test_a_line_of_shorthand(tmp_path: Path) -> None:
    recording([(10, 10), (30, 30), (40, 20)], "xxx").save(tmp_path / "my mouse.json")
    (drag,) = parse_recording(f"{tmp_path}/my mouse.json radius=9 persist depth=2", SCENE)
    assert (drag.radius, drag.persist, drag.depth) == (9, True, 2)
    with pytest.raises(DocumentError, match=r"has the unknown word 'speed=2'; known: radius="):
        parse_recording("mouse.json speed=2", SCENE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", r"it is not JSON; a recording is \{"),
        ('{"kind": "drag"}', r'it has no "kind": "recording"'),
        ('{"kind": "recording"}', "it holds no list of samples"),
        ('{"kind": "recording", "samples": []}', "at least one sample"),
        ('{"kind": "recording", "samples": [[1, 2]]}', r"sample 1 is \[1, 2\]; give x, y and 1"),
        ('{"kind": "recording", "samples": [[1, 2, 3]]}', r"sample 1 is \[1, 2, 3\]"),
        ('{"kind": "recording", "samples": [[1, NaN, 1]]}', "sample 1 of the recording is not fin"),
        ('{"kind": "recording", "fps": 0, "samples": [[1, 2, 1]]}', "has 0 samples a second"),
        ('{"kind": "recording", "fps": "x", "samples": [[1, 2, 1]]}', "its fps is 'x'"),
    ],
)
def test_files_that_are_no_recordings(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mouse.json"
    path.write_text(text)
    with pytest.raises(DocumentError, match=rf"^.*mouse.json: .*{message}"):
        Recording.load(path)


def test_what_cannot_be_done(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"cannot read the recording no.json: No such file"):
        Recording.load("no.json")
    (tmp_path / "a.csv").write_text("t,x,y\n1,2,3\n")
    with pytest.raises(DocumentError, match=r"its columns are t,x,y; give x,y,down"):
        Recording.load(tmp_path / "a.csv")
    with pytest.raises(DocumentError, match=r"2 samples hold no press"):
        recording([(1, 1), (2, 2)], "..").gestures(SCENE)
    long = recording([(i, 50.0) for i in range(80)], "x" * 80)
    with pytest.raises(DocumentError, match=r"until 4.938 s .* ends at 2.062 s; ask for 80 frames"):
        long.gestures(SCENE)
    with pytest.raises(OutputError, match=r"name a recording .json or .csv"):
        long.save(tmp_path / "mouse.txt")
    pin = Pin(region=(1, 1, 9, 9))
    with pytest.raises(DocumentError, match=r"gestures\[0\] is a pin; only drags are recorded"):
        Recording.of_drags([pin], SCENE)
    drag = Drag(path=[(10, 10), (50, 50)])
    with pytest.raises(DocumentError, match=r"gestures\[1\] is pressed at 0 s while another is"):
        Recording.of_drags([drag, drag], SCENE)
    with pytest.raises(DocumentError, match="outside the picture of 200x100"):
        gestures = recording([(300, 50), (310, 50)], "xx").gestures(SCENE)
        Document(size=(200, 100), frames=33, fps=16).add(*gestures)
