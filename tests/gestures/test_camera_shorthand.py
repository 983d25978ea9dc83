"""Cameras and depth in a line, and in documents."""

from pathlib import Path

import numpy as np
import pytest

import kineograph as kg
from kineograph.core.errors import DocumentError, VisionError
from kineograph.gestures.camera import Camera
from kineograph.gestures.shorthand.camera import parse_camera, parse_depth
from kineograph.gestures.writing.depth_ref import DepthRef
from kineograph.vision.depth import Depth
from kineograph.vision.depth_file import write_depth

SIZE = (200, 100)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("orbit 20", {"move": "orbit", "amount": 20}),
        ("orbit -20deg", {"move": "orbit", "amount": -20}),
        ("dolly 0.3 @0-2", {"move": "dolly", "amount": 0.3, "start": 0, "end": 2}),
        ("dolly zoom .3 @1", {"move": "dolly zoom", "amount": 0.3, "start": 1}),
        ("dolly-zoom 0.3 ease=ease-in", {"move": "dolly zoom", "amount": 0.3, "timing": "ease-in"}),
        ("orbit 5 focus=50%,50%", {"move": "orbit", "amount": 5, "focus": (100, 50)}),
        ("truck 5 focus=2.5 scene", {"move": "truck", "amount": 5, "focus": 2.5, "unit": "scene"}),
        (
            "follow 10,20 > 30 , 40 sphere point=5,5 count=99",
            {
                "move": "follow",
                "path": [(10, 20), (30, 40)],
                "hold": "sphere",
                "point": (5, 5),
                "count": 99,
            },
        ),
        (
            "pan 5 fov=70 2d name=x",
            {"move": "pan", "amount": 5, "fov": 70, "compose": "2d", "name": "x"},
        ),
    ],
)
def test_what_a_line_means(text: str, fields: dict) -> None:
    assert parse_camera(text, SIZE) == Camera(**fields)


def test_a_file_in_a_line_is_absolute() -> None:
    assert parse_camera("path 'my walk.txt' scale=2", SIZE) == Camera(
        move="path", file=(Path.cwd() / "my walk.txt").as_posix(), scale=2
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'the camera "" is empty; write it as "orbit 20"'),
        ("orbi 20", "unknown move 'orbi'; did you mean orbit. known: orbit, arc"),
        ("orbit", "does not say how far to orbit"),
        ("follow", "has a bare follow"),
        ("orbit x", "has x for orbit, which is no number"),
        ("orbit 0", r"by 0 moves nothing"),
        ("orbit 5 ease=easein", "timing is 'easein'; did you mean ease-in"),
        ("orbit 5 focus=", "has nothing for focus, which is no number"),
        ("orbit 5 fokus=3", "unknown word 'fokus=3'; did you mean focus="),
        ("orbit 5 focus=3 focus=4", "says focus twice"),
        ("orbit 5 @x", "the time span '@x'; write it in seconds"),
        ("orbit 5 count=1.5", "has count=1.5; give a whole number"),
        ("follow 5 > 6", "has 5 where a point x,y should be"),
        ("keys 5", "keys, which do not fit in a line; write them in a motion document"),
        ('path "walk', "a quotation mark without its partner"),
    ],
)
def test_lines_that_mean_nothing(text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message) as caught:
        parse_camera(text, SIZE)
    assert "\n" not in str(caught.value)


def test_what_is_said_of_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_depth("d.npy", Depth(np.ones((2, 2), np.float32)))
    (tmp_path / "weights").mkdir()
    place = tmp_path.resolve()
    assert parse_depth("prior") == "prior"
    assert parse_depth("d.npy")["path"] == (place / "d.npy").as_posix()
    assert parse_depth("d.npy near=white")["near_is_white"] is True
    assert parse_depth("weights") == {"model": (place / "weights").as_posix()}
    assert parse_depth("org/model") == {"model": "org/model"}
    for text, message in (
        ("no.png", "there is no depth file no.png; name one, or say prior"),
        ("a b", 'the depth "a b" is no one name'),
        ("d.npy near=grey", "write near=white or near=black"),
        ("prior near=white", "near= of something that is no depth file"),
    ):
        with pytest.raises(DocumentError, match=message):
            parse_depth(text)


# documents


@pytest.fixture
def document(photo_file: Path) -> kg.Document:
    write_depth(photo_file.parent / "depth.png", Depth(np.full((64, 64), 2, np.float32)))
    made = kg.Document.for_picture(photo_file, frames=5, fps=8, depth="prior")
    return made.add(Camera(move="orbit", amount=5))


def test_a_document_looks_at_its_own_picture_for_the_guess(document: kg.Document) -> None:
    tracks = document.expand().tracks
    assert tracks is not None and tracks.depth is not None
    assert tracks.count == 1024 and np.ptp(tracks.depth[:, 0]) > 2


def test_depth_files_travel_with_the_document(document: kg.Document, tmp_path: Path) -> None:
    ref = DepthRef.of(tmp_path / "depth.png")
    held = document.model_copy(update={"depth": ref})
    (tmp_path / "deep").mkdir()
    held.save(tmp_path / "deep" / "scene.motion.json")
    again = kg.Document.load(tmp_path / "deep" / "scene.motion.json", allow_outside=True)
    assert again.depth.path == "../depth.png" and again == held
    np.testing.assert_allclose(again.expand().tracks.depth[:, 0], 2, rtol=1e-4)
    with pytest.raises(DocumentError, match=r"depth\.png lies outside the document's folder"):
        kg.Document.load(tmp_path / "deep" / "scene.motion.json").expand()
    write_depth(tmp_path / "depth.png", Depth(np.full((64, 64), 3, np.float32)))
    with pytest.raises(DocumentError, match="is not the depth map that the document was made for"):
        again.expand()


@pytest.mark.parametrize(
    ("depth", "message"),
    [
        ("prio", "depth is 'prio'; did you mean prior"),
        ({}, "depth has to name either a file .* or a learned model"),
        ({"path": "a.png", "model": "b"}, "has to name either"),
        ({"model": "b/c", "near_is_white": True}, 'says "near_is_white"'),
        ({"file": "a.png"}, "unknown field 'file'"),
        (3, "depth is 3"),
    ],
)
def test_what_no_depth_can_be(depth, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        kg.Document(size=SIZE, depth=depth)


def test_a_model_without_weights_names_the_command(document: kg.Document) -> None:
    pytest.importorskip("torch")
    held = document.model_copy(update={"depth": DepthRef(model="./weights")})
    with pytest.raises(VisionError, match=r"there is no folder .*weights.*hf download"):
        held.expand()


def test_a_mistake_names_the_gesture(photo_file: Path) -> None:
    bare = kg.Document.for_picture(photo_file).add(Camera(move="orbit", amount=5, name="turn"))
    with pytest.raises(
        DocumentError, match=r'^gestures\[0\] \(camera "turn"\): orbit needs to know'
    ):
        bare.expand()
