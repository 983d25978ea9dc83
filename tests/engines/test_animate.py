"""The whole way of the Python API: a document becomes a clip, and its file."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import kineograph as kg
from engines.slide import Slide
from kineograph.core.errors import DocumentError, EngineError, OutputError, PictureError
from kineograph.core.request_record import read_request
from kineograph.engines import registry
from kineograph.engines.base import Frame, Request
from kineograph.gestures.document import EngineChoice

SIZE = (32, 24)


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ENGINES", dict(registry.ENGINES))
    for name in ("slide", "short", "large"):
        registry.register(name, f"engines.slide:{name.capitalize()}")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    kg.write_picture(tmp_path / "photo.png", image)
    return tmp_path / "photo.png"


@pytest.fixture
def document(photo: Path) -> kg.Document:
    made = kg.Document.for_picture(photo, frames=5, fps=4, engine={"name": "slide"})
    return made.add(kg.Drag(path=[(10, 12), (18, 12)], radius=3, stride=1.5))


def test_five_lines_make_a_video(document: kg.Document, photo: Path, tmp_path: Path) -> None:
    kg.animate(document).save(tmp_path / "out.mp4")
    video = kg.read_video(tmp_path / "out.mp4")
    assert (video.size, video.fps, len(video)) == (SIZE, 4, 5)


def test_the_frames_follow_the_drag(document: kg.Document, photo: Path) -> None:
    picture = kg.read_picture(photo)
    frames = list(kg.animate(document))
    assert len(frames) == 5
    for index, image in enumerate(frames):  # 8 pixels in 4 steps
        np.testing.assert_array_equal(image, np.roll(picture, 2 * index, axis=1))


def test_a_clip_can_be_made_again_and_looked_at(document: kg.Document) -> None:
    clip = kg.animate(document)
    assert (len(clip), clip.size, clip.fps, clip.notes) == (5, SIZE, 4, ())
    first, second = np.stack(list(clip)), np.stack(list(clip))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(clip.video().frames, first)
    np.testing.assert_array_equal(clip.last_frame(), first[-1])
    assert all(frame.known is not None for frame in clip.frames())


def test_another_size_scales_picture_and_motion(document: kg.Document, photo: Path) -> None:
    clip = kg.animate(document, size=(64, 48))
    assert clip.size == (64, 48)
    first, *_, last = clip
    assert first.shape == (48, 64, 3)
    np.testing.assert_array_equal(last, np.roll(first, 16, axis=1))


def test_the_settings_go_to_the_engine(document: kg.Document) -> None:
    chosen = EngineChoice(name="slide", settings={"times": 2})
    fast = document.model_copy(update={"engine": chosen})
    once, twice = kg.animate(document).last_frame(), kg.animate(fast).last_frame()
    np.testing.assert_array_equal(twice, np.roll(once, 8, axis=1))
    assert kg.animate(fast, engine="warp").request.settings == {}


def test_nothing_is_made_before_it_is_asked_for(
    document: kg.Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, closed = [], []
    generate = Slide.generate

    def watched(self: Slide, request: Request) -> Iterator[Frame]:
        try:
            for frame in generate(self, request):
                made.append(frame)
                yield frame
        finally:
            closed.append(True)

    monkeypatch.setattr(Slide, "generate", watched)
    frames = iter(kg.animate(document))
    assert made == []
    next(frames)
    assert (len(made), closed) == (1, [])
    frames.close()  # type: ignore[attr-defined]
    assert (len(made), closed) == (1, [True])


def test_all_outputs_are_written_in_one_go(document: kg.Document, tmp_path: Path) -> None:
    clip, told = kg.animate(document), []
    clip.save(
        tmp_path / "frames",
        last_frame=tmp_path / "last.png",
        overlay=tmp_path / "drawn",
        progress=lambda done, total: told.append((done, total)),
    )
    frames = kg.read_video(tmp_path / "frames").frames
    drawn = kg.read_video(tmp_path / "drawn").frames
    np.testing.assert_array_equal(frames, np.stack(list(clip)))
    np.testing.assert_array_equal(kg.read_picture(tmp_path / "last.png"), frames[-1])
    assert drawn.shape == frames.shape
    assert (drawn[-1] != frames[-1]).any()
    assert told == [(index, 5) for index in range(1, 6)]


def test_the_last_frame_alone_writes_no_video(document: kg.Document, tmp_path: Path) -> None:
    kg.animate(document).save(None, last_frame=tmp_path / "edit.png")
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "edit.png", "edit.json"}


def test_every_output_carries_the_request(document: kg.Document, tmp_path: Path) -> None:
    place = tmp_path / "deep" / "out.mp4"
    clip = kg.animate(document, size=(64, 48))
    clip.save(place, last_frame=tmp_path / "edit.png")
    record = read_request(place)
    assert record == json.loads(place.with_suffix(".json").read_text())
    assert record["kineograph"] == kg.__version__
    assert (record["engine"], record["size"]) == ("slide", [64, 48])
    assert record["document"]["picture"]["path"] == "../photo.png"
    assert kg.Document.parse(record["document"], place.parent, allow_outside=True) == document
    assert read_request(tmp_path / "edit.png")["document"]["picture"]["path"] == "photo.png"


def test_a_document_can_be_given_by_its_file(document: kg.Document, tmp_path: Path) -> None:
    document.save(tmp_path / "scene.motion.json")
    one, other = kg.animate(document), kg.animate(tmp_path / "scene.motion.json")
    np.testing.assert_array_equal(one.last_frame(), other.last_frame())


def test_notes_say_what_is_left_out(photo: Path) -> None:
    still = kg.Document.for_picture(photo, text="a dog", engine={"name": "slide"})
    assert kg.animate(still, size=(32, 48)).notes == (
        "engine slide does not read text; it is left out",
        "nothing is asked to move; the picture stands still",
        "the picture, 32x24, is stretched to 32x48",
    )


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("short", "engine short made 4 of 5 frames; this is its fault"),
        ("large", "engine large made frame 1 of 5 as 32x48, not 32x24; this is its fault"),
    ],
)
def test_an_engine_that_breaks_its_promise_leaves_nothing(
    document: kg.Document, tmp_path: Path, engine: str, message: str
) -> None:
    with pytest.raises(EngineError) as caught:
        kg.animate(document, engine=engine).save(
            tmp_path / "out.mp4", overlay=tmp_path / "drawn", last_frame=tmp_path / "last.png"
        )
    assert str(caught.value) == message
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_stopping_leaves_nothing(document: kg.Document, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kg.animate(document).save(tmp_path / "out.mp4", overlay=tmp_path / "drawn", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_errors_come_before_any_work(document: kg.Document, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"^there is no engine 'wrap'; there are: "):
        kg.animate(document, engine="wrap")
    with pytest.raises(EngineError, match=r"^engine slide cannot make 33x24: sides have to be mul"):
        kg.animate(document, size=(33, 24))
    with pytest.raises(
        PictureError, match=r"^the video is 64x48, .* allow it with --max-pixels 307"
    ):
        kg.animate(document, size=(64, 48), max_pixels=1000)
    with pytest.raises(
        EngineError, match=r"^engine warp needs picture, and none is given; it reads"
    ):
        kg.animate(kg.Document(size=(8, 8), text="a dog"))
    with pytest.raises(DocumentError, match="does not exist"):
        kg.animate(tmp_path / "no.motion.json")
    clip = kg.animate(document)
    with pytest.raises(OutputError, match=r"^no output is named; name a video, an overlay or a"):
        clip.save(None)
    with pytest.raises(OutputError, match=r"\.avi is no known ending"):
        clip.save(tmp_path / "out.avi")
    with pytest.raises(
        OutputError, match=r"its ending must be one of \.png, \.jpg, \.jpeg, \.webp"
    ):
        clip.save(None, last_frame=tmp_path / "last.gif")
    with pytest.raises(OutputError, match=r"^two outputs would be written to .*out\.mp4; name two"):
        clip.save(tmp_path / "out.mp4", overlay=tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
