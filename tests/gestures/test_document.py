"""The motion document: round trips, files, and Python that reads well."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import kineograph as kg
from kineograph.core.errors import DocumentError, OutputError, PictureError
from kineograph.gestures.document import Document
from kineograph.gestures.kinds import KINDS


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shades = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    Image.fromarray(shades).save("photo.png")
    return tmp_path / "photo.png"


def written(path: str = "photo.png", **fields: object) -> Document:
    return kg.Document.for_picture(path, frames=49, fps=16, **fields).add(
        kg.Drag(path=[(120, 200), (200, 150), (260, 180)], end=2, persist=True, name="arm"),
        kg.Pin(region=(0, 0, 640, 90)),
        kg.Pin(region=[(500, 300), (600, 300), (550, 400.5)], depth=2),
        kg.Box.through((10, 300, 90, 380), (200, 300, 280, 380), label="dog"),
        kg.TracksFile(path="held/tracks.npz", timing=[{"at": 0, "to": 0}, {"at": 1, "to": 1}]),
    )


def test_it_reads_well_in_python(photo: Path) -> None:
    document = kg.Document.for_picture("photo.png", frames=49, fps=16).add(
        kg.Drag(path=[(120, 200), (260, 180)]), kg.Pin(region=(0, 0, 640, 90))
    )
    assert (document.size, document.frames, document.fps) == ((640, 480), 49, 16)
    assert [gesture.kind for gesture in document.gestures] == ["drag", "pin"]
    tracks = document.expand().tracks
    assert tracks is not None and tracks.frames == 49 and sorted(set(tracks.group)) == [0, 1]


def test_add_leaves_the_document_as_it_was(photo: Path) -> None:
    document = written()
    longer = document.add(kg.Pin(region=(600, 460, 640, 480)))
    assert (len(document.gestures), len(longer.gestures)) == (5, 6)
    with pytest.raises(DocumentError, match=r"gestures\[5\] \(pin\): the region's corner 10,500"):
        document.add(kg.Pin(region=(0, 0, 10, 500)))


def test_a_gesture_of_a_kind_that_is_not_in_the_table_is_refused() -> None:
    class Spin(kg.Pin):
        """A kind of its own, not in the table."""

    with pytest.raises(DocumentError, match="Spin is no gesture of a document; give one of Drag, "):
        kg.Document(size=(64, 48)).add(Spin(region=(0, 0, 5, 5)))


@pytest.mark.parametrize("place", ["scene.motion.json", "deep/er/scene.motion.json"])
def test_a_saved_document_is_the_same(photo: Path, place: str) -> None:
    document = written(
        text="a “sentence”", seed=7, engine={"name": "warp", "settings": {"a": None}}
    )
    document.save(place)
    loaded = Document.load(place)
    assert loaded == document and document == loaded
    assert loaded != document.add(kg.Pin(region=(600, 460, 640, 480)))
    loaded.save(place)
    assert Document.load(place) == document


def test_a_document_is_not_equal_to_something_else(photo: Path) -> None:
    assert written() != "photo.png"


def test_paths_are_told_from_the_documents_folder(photo: Path) -> None:
    written().save("deep/scene.motion.json")
    held = json.loads(Path("deep/scene.motion.json").read_text("utf-8"))
    assert held["picture"]["path"] == "../photo.png"
    assert held["gestures"][4]["path"] == "../held/tracks.npz"
    moved = Document.load("deep/scene.motion.json").relative_to(photo.parent)
    assert moved.picture is not None and moved.picture.path == "photo.png"
    here = written(str(photo))
    assert here.picture is not None and Path(here.picture.path) == photo
    assert here == written()


def test_relative_to_does_not_move_the_original(photo: Path) -> None:
    document = written()
    document.relative_to("elsewhere")
    assert document._folder == photo.parent
    assert document.load_picture() is not None


def test_the_file_is_readable(photo: Path) -> None:
    written().save("scene.motion.json")
    text = Path("scene.motion.json").read_text("utf-8")
    assert text.startswith(
        '{\n  "version": 1,\n  "size": [640, 480],\n  "frames": 49,\n  "fps": 16,'
    )
    assert '"path": [[120, 200], [200, 150], [260, 180]]' in text
    assert "null" not in text and text.endswith("}\n")


def test_long_paths_are_written_a_point_a_line(photo: Path) -> None:
    path = [(float(x), 100.25) for x in range(0, 300, 10)]
    kg.Document(size=(640, 480), gestures=[kg.Drag(path=path)]).save("long.motion.json")
    text = Path("long.motion.json").read_text("utf-8")
    assert "\n        [10, 100.25],\n        [20, 100.25]," in text


points = st.tuples(st.floats(0, 60), st.floats(0, 40))
drags = st.fixed_dictionaries(
    {"path": st.lists(points, min_size=1, max_size=4).map(lambda path: [*path, (63.0, 47.0)])},
    optional={
        "radius": st.none() | st.floats(1, 9),
        "persist": st.booleans(),
        "depth": st.none() | st.floats(-5, 5),
        "strength": st.floats(0.01, 1),
        "name": st.none() | st.text(max_size=5),
        "timing": st.sampled_from(["linear", "ease", "hold"])
        | st.just([{"at": 0.25, "to": 0}, {"at": 0.5, "to": 1, "ease": "ease-in"}]),
    },
)


@given(st.lists(drags, max_size=3), st.text(max_size=9), st.integers(0, 2**63 - 1))
@settings(max_examples=30, deadline=None)
def test_any_document_survives_the_disk(
    tmp_path_factory: pytest.TempPathFactory, gestures: list, text: str, seed: int
) -> None:
    place = tmp_path_factory.getbasetemp() / "any.motion.json"
    drags = [kg.Drag(**fields) for fields in gestures]
    document = kg.Document(size=(64, 48), gestures=drags, text=text, seed=seed)
    document.save(place)
    assert Document.load(place) == document


def test_saving_is_all_or_nothing(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written().save("scene.motion.json")
    before = Path("scene.motion.json").read_bytes()
    monkeypatch.setattr(Path, "write_text", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        written(seed=5).save("scene.motion.json")
    assert Path("scene.motion.json").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["photo.png", "scene.motion.json"]


def _interrupted(self: Path, text: str, **_: object) -> None:
    self.write_bytes(text.encode()[:20])
    raise KeyboardInterrupt


def test_it_is_saved_as_json_only(photo: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write scene.txt: .* such as scene.motion.json"):
        written().save("scene.txt")


def test_the_picture_is_checked_by_its_bytes(photo: Path) -> None:
    written().save("scene.motion.json")
    document = Document.load("scene.motion.json")
    image = document.load_picture()
    assert image is not None and image.shape == (480, 640, 3)
    Image.new("RGB", (640, 480)).save(photo)
    with pytest.raises(PictureError, match=r"photo.png is not the picture .*take \"sha256\" out"):
        document.load_picture()
    held = json.loads(Path("scene.motion.json").read_text("utf-8"))
    del held["picture"]["sha256"]
    assert Document.parse(held, photo.parent).load_picture() is not None
    photo.unlink()
    with pytest.raises(PictureError, match=r"photo\.png"):
        document.load_picture()
    assert kg.Document(size=(8, 8)).load_picture() is None


@pytest.mark.parametrize("how", ["up", "absolute", "link"])
def test_pictures_outside_the_folder_are_not_read(photo: Path, how: str) -> None:
    folder = photo.parent / "inner"
    folder.mkdir()
    (folder / "link.png").symlink_to(photo)
    path = {"up": "../photo.png", "absolute": str(photo), "link": "link.png"}[how]
    file = folder / "scene.motion.json"
    file.write_text(json.dumps({"size": [640, 480], "picture": {"path": path}}))
    with pytest.raises(
        DocumentError, match=r"lies outside the document's folder .*--allow-outside"
    ):
        Document.load(file).load_picture()
    assert Document.load(file, allow_outside=True).load_picture() is not None


def test_a_link_within_the_folder_is_fine(photo: Path) -> None:
    Path("link.png").symlink_to(photo)
    assert (
        Document.parse({"size": [640, 480], "picture": {"path": "link.png"}}, ".").load_picture()
        is not None
    )


def test_a_document_cannot_be_changed(photo: Path) -> None:
    with pytest.raises(Exception, match="frozen"):
        written().frames = 3  # type: ignore[misc]


def test_every_kind_says_what_it_is() -> None:
    assert len({kind.model_fields["kind"].default for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind.__doc__ and kind.model_fields["kind"].description


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.motion.json"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_what_nobody_gave_is_not_written(example: Path, tmp_path: Path) -> None:
    document = kg.Document.load(example)
    by_hand = json.loads(example.read_text(encoding="utf-8"))
    assert document.relative_to(example.parent).to_dict() == by_hand
    document.save(tmp_path / "again.motion.json")
    assert kg.Document.load(tmp_path / "again.motion.json", allow_outside=True) == document


def test_what_is_always_written_and_all_of_it() -> None:
    document = kg.Document(
        size=(8, 8),
        engine={"settings": {"nothing": None}},
        gestures=[kg.Drag(path=[(1, 1), (2, 2)])],
    )
    assert document.to_dict() == {
        "version": 1,
        "size": [8, 8],
        "frames": 49,
        "fps": 16,
        "engine": {"settings": {"nothing": None}},
        "gestures": [{"kind": "drag", "path": [[1, 1], [2, 2]]}],
    }
    whole = document.to_dict(defaults=True)
    assert (whole["seed"], whole["engine"]["name"]) == (0, "warp")
    assert whole["gestures"][0]["strength"] == 1
    for held in (document.to_dict(), whole):
        assert kg.Document.parse(held, ".") == document
