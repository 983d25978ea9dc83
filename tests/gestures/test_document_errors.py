"""Motion documents that cannot be read: one clear line each."""

import json
from pathlib import Path
from typing import Any

import pytest

from kineograph.core.errors import DocumentError
from kineograph.gestures.document import Document

DRAG: dict[str, Any] = {"kind": "drag", "path": [[10, 10], [20, 10]]}


def message_of(text: str | bytes | dict[str, Any], tmp_path: Path) -> str:
    file = tmp_path / "scene.motion.json"
    text = json.dumps(text) if isinstance(text, dict) else text
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DocumentError) as caught:
        Document.load(file)
    message = str(caught.value)
    assert "\n" not in message and str(file) in message
    return message.replace(str(file), "FILE")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot read FILE: it is empty; name a motion document"),
        (" \n", "cannot read FILE: it is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "cannot read FILE: it is not a text file"),
        ('{"size": [1, 2],}', "cannot read FILE: it is not JSON, line 1, column 17"),
        ("motion", "cannot read FILE: it is not JSON, line 1, column 1: "),
        ("[1, 2]", "cannot read FILE: it holds a list; a motion document is a JSON object"),
        ('"text"', 'cannot read FILE: it holds "text"; a motion document'),
        ('{"size": [1, 2], "size": [3, 4]}', 'cannot read FILE: "size" is there twice; keep one'),
        ("[" * 100_000, "cannot read FILE: it is no motion document"),
        ('{"size": [8, 8], "seed": 1' + "0" * 5000 + "}", "cannot read FILE: it is no motion"),
    ],
)
def test_files_that_are_none(content: str | bytes, message: str, tmp_path: Path) -> None:
    assert message_of(content, tmp_path).startswith(message)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"nothing.json does not exist; name a motion document"):
        Document.load(tmp_path / "nothing.json")
    with pytest.raises(DocumentError, match="it is a folder; name a motion document"):
        Document.load(tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "scene.json").write_bytes(b'\xef\xbb\xbf{"size": [64, 48]}')
    assert Document.load(tmp_path / "scene.json").size == (64, 48)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (2, "the document is of version 2; this kineograph reads up to 1; install a newer one"),
        (0, "version is 0; this kineograph reads version 1"),
        ("1", "version is '1'; this kineograph reads version 1"),
        (True, "version is True; this kineograph"),
    ],
)
def test_versions(version: object, message: str, tmp_path: Path) -> None:
    newer = {"version": version, "something": "new", "size": "?"}
    assert message_of(newer, tmp_path).startswith(f"FILE: {message}")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": None}, "size is None; give a list"),
        ({"size": [0, 5]}, "size[0] is 0; it should be greater than or equal to 1"),
        ({"size": [10.5, 5]}, "size[0] is 10.5; it should be a valid integer"),
        ({"size": [64]}, "size[1] is missing; give it"),
        ({"frames": 0}, "frames is 0; it should be greater than or equal to 1"),
        ({"frames": "49"}, "frames is '49'; give a number"),
        ({"fps": 0}, "fps is 0; it should be greater than 0"),
        ({"fps": float("nan")}, "fps is nan; give a finite number"),
        ({"seed": -1}, "seed is -1; it should be greater than or equal to 0"),
        ({"picture": "photo.jpg"}, "picture is 'photo.jpg'; give an object with fields"),
        ({"picture": {"path": ""}}, "picture.path is ''; name a file"),
        ({"picture": {"path": "a\0b"}}, "picture.path is 'a\\x00b'; name a file"),
        (
            {"picture": {"path": "a", "sha256": "b"}},
            "picture.sha256 is 'b'; it has to match ^[0-9a-f]",
        ),
        (
            {"engine": {"nam": "warp"}},
            "engine has an unknown field 'nam'; did you mean name? known:",
        ),
        ({"gesture": []}, "the document has an unknown field 'gesture'; did you mean gestures? "),
        ({"gestures": {}}, "gestures is {}; give a list"),
        ({"gestures": [3]}, "gestures[0] is 3; give an object with fields"),
        ({"gestures": [{}]}, 'gestures[0] has no kind; say what it is, such as "kind": "drag"'),
        (
            {"gestures": [DRAG, {"kind": "drab"}]},
            "gestures[1] is of the unknown kind 'drab'; did you mean drag? known: drag, pin, box,",
        ),
        (
            {"gestures": [DRAG | {"pth": 1}]},
            "gestures[0] has an unknown field 'pth'; did you mean path",
        ),
        ({"gestures": [{"kind": "drag"}]}, "gestures[0].path is missing; give it"),
        (
            {"gestures": [DRAG | {"path": [[1, 1], [1, None]]}]},
            "gestures[0].path[1][1] is None; give a",
        ),
        (
            {"gestures": [DRAG | {"path": [[1, 1], [1, float("nan")]]}]},
            "gestures[0].path[1][1] is nan",
        ),
        ({"gestures": [DRAG | {"path": [[1, 1], [1, 1]]}]}, "gestures[0]: the path has no length"),
        ({"gestures": [DRAG | {"path": [[1, 1], [1, 1, 1]]}]}, "gestures[0].path[1] has 3 entries"),
        (
            {"gestures": [DRAG | {"path": [[-1, 1], [1, 1]]}]},
            "gestures[0] (drag): the press at -1,1",
        ),
        (
            {"gestures": [DRAG | {"path": [[1, 1], [1e9, 1]]}]},
            "gestures[0].path[1][0] is 1e+09; it ",
        ),
        ({"gestures": [DRAG | {"end": 99}]}, "gestures[0] (drag): the time span reaches 99 s; the"),
        (
            {"gestures": [DRAG | {"start": 2, "end": 1}]},
            "gestures[0] lasts from 2 s to 1 s; the end",
        ),
        ({"gestures": [DRAG | {"timing": 5}]}, "gestures[0].timing is 5; give a list"),
        (
            {"gestures": [DRAG | {"timing": [{"at": 0, "to": 0}, {"at": 1, "to": 2}]}]},
            "gestures[0].timing[1].to is 2; it should be less than or equal to 1",
        ),
        (
            {"gestures": [DRAG | {"name": "x", "radius": 1e6, "stride": 0.1}]},
            'gestures[0] (drag "x"): it expands to 4e+14 tracks of 49 frames; at most 653061 are',
        ),
        (
            {"gestures": [{"kind": "box", "keys": [{"box": [5, 5, 5, 9]}]}]},
            "gestures[0].keys[0] is the box 5,5,5,9, which has no area",
        ),
    ],
)
def test_what_a_document_may_not_say(fields: dict, message: str, tmp_path: Path) -> None:
    assert message_of({"size": [64, 48]} | fields, tmp_path).startswith(f"FILE: {message}")


def test_the_size_has_to_be_given(tmp_path: Path) -> None:
    assert message_of({}, tmp_path) == "FILE: size is missing; give it"
