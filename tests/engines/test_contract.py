"""The engines' contract, kept by each of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engines.contract import EngineContract


class TestWarp(EngineContract):
    engine = "warp"


class Diffusion(EngineContract):
    """What the two families of engine `unet` share; a tiny model with an adapter for tracks."""

    engine = "unet"
    draws = True
    family: str

    @pytest.fixture
    def settings(self, models: Callable[[str], Path]) -> dict[str, object]:
        return {"model": str(models(self.family)), "steps": 2, "device": "cpu"}


class TestAnimateDiff(Diffusion):
    family = "animatediff"


class TestModelScope(Diffusion):
    family = "modelscope"


class TestMini(EngineContract):
    engine = "mini"
    draws = True

    @pytest.fixture
    def settings(self, mini: Path) -> dict[str, object]:
        return {"model": str(mini), "steps": 2, "side": 64, "device": "cpu"}
