"""Engine `mini`: what it reads, clips of any size and length, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kineograph as kg
from engines.contract import picture
from kineograph.core.errors import EngineError, ModelError
from kineograph.core.picture import fit
from kineograph.engines import mini as module
from kineograph.engines.base import Frame, Request
from kineograph.engines.diffusion.small_model import small_size
from kineograph.engines.mini import MiniEngine, MiniSettings, unet_settings
from kineograph.engines.read_text import read_part


@pytest.fixture(scope="module")
def engine() -> MiniEngine:
    return MiniEngine()


@pytest.fixture
def request_of(mini: Path) -> object:
    def build(width: int = 64, height: int = 64, frames: int = 5, **changes: object) -> Request:
        size = (width, height)
        asked = Request(
            size=size,
            frames=frames,
            fps=8,
            picture=fit(picture(), size),
            text="a red ball rolls to the left",
            settings={"model": str(mini), "steps": 1, "side": 64, "device": "cpu"},
        )
        return replace(asked, **changes)

    return build


def made(engine: MiniEngine, request: Request) -> list[Frame]:
    return list(engine.generate(request))


def test_the_first_frame_is_the_picture(engine: MiniEngine, request_of) -> None:
    asked = request_of()
    first = made(engine, asked)[0]
    assert np.abs(first.image.astype(int) - asked.picture).mean() < 3
    assert first.known is not None and first.known.mean() > 200


@pytest.mark.parametrize(("width", "height", "frames"), [(50, 37, 3), (200, 90, 2), (64, 64, 40)])
def test_any_size_and_length(
    engine: MiniEngine, request_of, width: int, height: int, frames: int
) -> None:
    clip = made(engine, request_of(width, height, frames))
    assert len(clip) == frames
    assert {frame.image.shape for frame in clip} == {(height, width, 3)}
    assert all(frame.known is not None and frame.known.shape == (height, width) for frame in clip)


def test_text_alone_is_a_clip_of_which_nothing_is_known(engine: MiniEngine, request_of) -> None:
    clip = made(engine, request_of(picture=None))
    assert len(clip) == 5
    assert all(frame.known is not None and not frame.known.any() for frame in clip)


def test_each_input_changes_the_clip(engine: MiniEngine, request_of) -> None:
    asked = request_of()
    plain = made(engine, asked)[-1].image
    points = np.linspace([20, 30], [40, 34], 5)[None]
    boxes = np.linspace([16, 16, 40, 40], [24, 16, 48, 40], 5)[None]
    changes: dict[str, object] = {
        "text": "a blue sky",
        "tracks": kg.Tracks.of(points, size=(64, 64), fps=8),
        "boxes": kg.Boxes.of(boxes, size=(64, 64), fps=8),
        "picture": 255 - asked.picture,
        "seed": 5,
    }
    for name, other in changes.items():
        assert not np.array_equal(plain, made(engine, replace(asked, **{name: other}))[-1].image)


def test_a_model_can_be_seen_by_itself(engine: MiniEngine, request_of) -> None:
    """All tracks go right and the picture with them; this model, hardly trained, says nothing."""
    points = np.stack(np.meshgrid(np.arange(2, 64, 4), np.arange(2, 64, 4)), axis=-1)
    start = points.reshape(-1, 1, 2).astype(np.float32)
    right = start + np.linspace([0, 0], [12, 0], 5, dtype=np.float32)
    asked = request_of(tracks=kg.Tracks.of(right, size=(64, 64), fps=8))
    own = replace(asked, settings={**asked.settings, "motion": "own"})
    held, free = (made(engine, one)[-1].image.astype(int) for one in (asked, own))
    moved = asked.picture[:, :-12]
    assert np.abs(held[:, 16:-4] - moved[:, 4:-4]).mean() < 4
    assert np.abs(free[:, 16:-4] - moved[:, 4:-4]).mean() > 12


def test_a_text_is_followed_more_than_by_itself_and_costs_nothing_where_there_is_none() -> None:
    plain = MiniSettings()
    assert (unet_settings(plain, "a kite").guidance, unet_settings(plain).guidance) == (1.5, 1.0)
    assert unet_settings(MiniSettings(guidance=3.0)).guidance == 3.0


def test_without_detail_frames_are_the_models_own(engine: MiniEngine, request_of) -> None:
    asked = request_of(96, 96)
    plain = replace(asked, settings={**asked.settings, "detail": False})
    clip = made(engine, plain)
    assert clip[0].image.shape == (96, 96, 3)
    assert all(frame.known is not None and not frame.known.any() for frame in clip)


def test_it_tells_its_steps_and_can_be_stopped(engine: MiniEngine, request_of) -> None:
    told = []

    def stop(done: int, total: int, what: str = "frames") -> None:
        told.append((done, total, what))
        raise KeyboardInterrupt

    engine.progress = stop
    try:
        with pytest.raises(KeyboardInterrupt):
            made(engine, request_of())
    finally:
        engine.progress = None
    assert told == [(1, 1, "steps")]


def test_it_reads_what_the_models_adapters_read(engine: MiniEngine, request_of) -> None:
    can = engine.capabilities_for(request_of())
    assert can.reads == {"text", "negative text", "picture", "tracks", "boxes"}
    assert can.size_step == 1 and not can.needs


def test_a_model_without_motion_is_refused(models, request_of) -> None:
    asked = request_of()
    other = replace(asked, settings={**asked.settings, "model": str(models("animatediff"))})
    with pytest.raises(EngineError, match="no joint-motion adapter"):
        MiniEngine().capabilities_for(other)


def test_a_missing_model_is_said(
    request_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WEIGHTS", tmp_path)
    with pytest.raises(ModelError, match="not in this installation"):
        MiniEngine().capabilities_for(request_of(settings={}))


def test_a_long_text_ends_early_and_that_is_said(
    engine: MiniEngine, request_of, mini: Path
) -> None:
    text = "a red ball rolls to the left and " * 20
    notes = list(engine.notes(request_of(text=text)))
    assert any("longer than the model reads" in note for note in notes)
    read = read_part(text, mini)
    assert text.startswith(read) and 8 < len(read.split()) < 78
    assert read_part("a red ball", mini) == "a red ball"


def test_sizes_keep_their_shape() -> None:
    assert small_size((256, 256), 64) == (64, 64)
    assert small_size((1920, 1080), 64) == (128, 64)
    assert small_size((1000, 1500), 64) == (64, 96)
    assert small_size((1000, 1500), 128) == (128, 192)
    assert small_size((2000, 20), 64) == (192, 64)
    assert small_size((2000, 400), 70) == (192, 64)
