"""The request, what engines declare, and their settings."""

from dataclasses import replace

import numpy as np
import pytest

from engines.slide import Slide
from kineograph.core.boxes import Boxes
from kineograph.core.errors import EngineError
from kineograph.core.tracks import Tracks
from kineograph.engines import registry
from kineograph.engines.base import Capabilities, Engine, Request

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
TRACKS = Tracks.of(np.ones((2, 5, 2)), size=(32, 24), fps=8)
BOXES = Boxes.of(np.tile([4.0, 4, 12, 12], (1, 5, 1)), size=(32, 24), fps=8)
REQUEST = Request(size=(32, 24), frames=5, fps=8, picture=PICTURE, tracks=TRACKS, boxes=BOXES)


def test_a_request_says_what_it_holds() -> None:
    assert REQUEST.given() == {"picture", "tracks", "boxes"}
    assert replace(REQUEST, picture=None, text="a dog", negative_text="rain").given() == {
        "text",
        "negative text",
        "tracks",
        "boxes",
    }
    nothing = TRACKS.select(np.zeros(2, bool))
    assert Request(size=(32, 24), frames=5, fps=8, tracks=nothing).given() == set()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 0}, "0 frames were asked for; ask for at least 1"),
        (
            {"picture": PICTURE[:-1]},
            "the picture is 32x23 in a request of 32x24; fit it to the request's size first",
        ),
        (
            {"tracks": TRACKS.resize((64, 48))},
            "the tracks are 5 frames of 64x48 at 8 fps in a request of 5 frames of 32x24 at 8 fps; "
            "resize and resample them first",
        ),
        (
            {"boxes": BOXES.resample(fps=4)},
            "the boxes are 3 frames of 32x24 at 4 fps in a request of 5 frames of 32x24 at 8 fps; "
            "resize and resample them first",
        ),
    ],
)
def test_a_request_whose_parts_do_not_fit(changes: dict, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        replace(REQUEST, **changes)
    assert str(caught.value) == message


def test_an_engine_reads_what_it_needs() -> None:
    with pytest.raises(EngineError, match=r"^an engine needs tracks but does not read it$"):
        Capabilities(reads=frozenset({"picture"}), needs=frozenset({"tracks"}))


def test_settings_are_checked_in_one_line() -> None:
    engine = Slide()
    assert engine.settings_of(replace(REQUEST, settings={"times": 2})).times == 2
    with pytest.raises(EngineError) as caught:
        engine.settings_of(replace(REQUEST, settings={"time": 2}))
    assert str(caught.value) == (
        "the settings of engine slide has an unknown field 'time'; did you mean times? known: times"
    )
    with pytest.raises(EngineError) as caught:
        engine.settings_of(replace(REQUEST, settings={"times": -1}))
    assert str(caught.value) == (
        "the settings of engine slide: times is -1; it should be greater than 0"
    )


@pytest.mark.parametrize("name", registry.names())
def test_every_engine_can_be_made_and_goes_by_its_name(name: str) -> None:
    engine = registry.engine(name)
    assert isinstance(engine, Engine)
    assert engine.name == name


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(EngineError, match=r"^there is no engine 'wrap'; there are: .*warp"):
        registry.engine("wrap")


def test_registering_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ENGINES", dict(registry.ENGINES))
    registry.register("slide", "engines.slide:Slide")
    assert isinstance(registry.engine("slide"), Slide)
    registry.register("slide", "engines.slide:Slide")  # the same again is no contradiction
    with pytest.raises(
        EngineError, match=r"^engine 'warp' is already kineograph\.engines\.warp:Warp"
    ):
        registry.register("warp", "engines.slide:Slide")
    with pytest.raises(EngineError, match='write it as "module:Class"'):
        registry.register("other", "engines.slide.Slide")
