"""What every engine promises: the same tests for each of them.

A subclass of `EngineContract` gives a request and says what the engine is like.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import kineograph as kg
from kineograph.core.errors import EngineError
from kineograph.engines import registry
from kineograph.engines.base import Engine, Request
from kineograph.engines.lowering import lower

Changes = Callable[..., Request]


class EngineContract:
    """Tests that are run for every engine."""

    engine: str
    """Its name."""
    draws = False
    """Whether the seed changes what it makes."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        """The engine's own settings."""
        return {}

    @pytest.fixture
    def made(self) -> Engine:
        return shared(self.engine)

    @pytest.fixture
    def request_of(self, settings: dict[str, object]) -> Changes:
        def build(width: int = 64, height: int = 64, **changes: object) -> Request:
            size, frames = (width, height), int(changes.pop("frames", 4))
            points = np.linspace([20, 30], [40, 34], frames)[None] * (width / 64, height / 64)
            return Request(
                size=size,
                frames=frames,
                fps=8,
                picture=kg.core.picture.fit(picture(), size),
                text="a red ball rolls to the left",
                tracks=kg.Tracks.of(points, size=size, fps=8),
                **{"settings": settings, **changes},
            )

        return build

    def images(self, engine: Engine, request: Request) -> np.ndarray:
        told = lower(request, engine.capabilities_for(request), engine.name)
        return np.stack([frame.image for frame in engine.generate(told)])

    @pytest.mark.parametrize("side", [64, 96, 128])
    def test_frames_have_the_size_that_was_asked(
        self, made: Engine, request_of: Changes, side: int
    ) -> None:
        images = self.images(made, request_of(side, side - 32))
        assert images.shape == (4, side - 32, side, 3)
        assert images.dtype == np.uint8
        assert images.std() > 1  # not one colour

    def test_the_same_request_gives_the_same_bytes(self, made: Engine, request_of: Changes) -> None:
        first = self.images(made, request_of(seed=3))
        torch.manual_seed(11)  # the world's own randomness is none of its business
        np.random.seed(11)
        np.testing.assert_array_equal(first, self.images(made, request_of(seed=3)))
        fresh = registry.engine(self.engine)
        np.testing.assert_array_equal(first, self.images(fresh, request_of(seed=3)))

    def test_the_seed_is_the_only_chance(self, made: Engine, request_of: Changes) -> None:
        state = torch.random.get_rng_state()
        first, other = (self.images(made, request_of(seed=seed)) for seed in (3, 4))
        assert torch.equal(state, torch.random.get_rng_state())
        assert (not np.array_equal(first, other)) == self.draws

    def test_the_tracks_matter(self, made: Engine, request_of: Changes) -> None:
        asked = request_of()
        assert asked.tracks is not None
        still = replace(asked, tracks=asked.tracks.add_displacements(-asked.tracks.displacements()))
        assert not np.array_equal(self.images(made, asked), self.images(made, still))

    def test_one_frame_is_a_clip(self, made: Engine, request_of: Changes) -> None:
        assert self.images(made, request_of(frames=1)).shape == (1, 64, 64, 3)

    def test_a_document_in_json_is_the_same_as_the_object(
        self, settings: dict[str, object], tmp_path: Path
    ) -> None:
        document = self.document(settings, tmp_path)
        document.save(tmp_path / "a.motion.json")
        again = kg.Document.load(tmp_path / "a.motion.json")
        asked = kg.Document.model_validate(json.loads(json.dumps(document.to_dict())))
        first = np.stack(list(kg.animate(document)))
        np.testing.assert_array_equal(first, np.stack(list(kg.animate(again))))
        assert asked.engine == document.engine

    def test_a_clip_that_is_stopped_leaves_nothing(
        self, settings: dict[str, object], tmp_path: Path
    ) -> None:
        document = self.document(settings, tmp_path)
        before = sorted(path.name for path in tmp_path.rglob("*"))

        def stop(done: int, total: int, what: str = "frames") -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            kg.animate(document).save(tmp_path / "out.mp4", progress=stop)
        assert sorted(path.name for path in tmp_path.rglob("*")) == before

    def test_an_unknown_setting_is_refused(self, made: Engine, request_of: Changes) -> None:
        held = {**request_of().settings, "colour": 1}
        with pytest.raises(EngineError, match="unknown field 'colour'"):
            made.settings_of(replace(request_of(), settings=held))

    def document(self, settings: dict[str, object], folder: Path) -> kg.Document:
        """The request as a document, its picture beside it."""
        kg.write_picture(folder / "photo.png", picture())
        document = kg.Document.for_picture(
            folder / "photo.png",
            frames=3,
            fps=8,
            text="a red ball",
            engine={"name": self.engine, "settings": settings},
        )
        return document.add(kg.Drag(path=[(20, 30), (40, 34)], radius=6, stride=4))


@cache
def shared(name: str) -> Engine:
    """One engine for many tests, so that a model is loaded once."""
    return registry.engine(name)


def picture() -> np.ndarray:
    """A bright disc before a soft gradient, 64x64 RGB."""
    y, x = np.mgrid[:64, :64]
    image = np.stack([x * 3, y * 3, 255 - x * 2], axis=2).astype(np.uint8)
    image[(x - 20) ** 2 + (y - 30) ** 2 < 90] = (250, 40, 30)
    return image
