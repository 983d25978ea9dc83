"""Tiny model folders, each written once a session."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model of a family, with adapters for tracks and the picture."""

    @cache
    def folder(family: str) -> Path:
        from engines.tiny_model import tiny_model

        return tiny_model(tmp_path_factory.mktemp(family), family)

    return folder


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model folder for engine `mini`, its weights random."""
    from engines.tiny_model import tiny_model

    kinds = ("tracks", "picture", "motion")
    return tiny_model(tmp_path_factory.mktemp("mini") / "model", "animatediff", kinds)
