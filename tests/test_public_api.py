"""The public names, kept in one list so that none appears or goes by accident."""

import tomllib
from pathlib import Path

import pytest

import kineograph

PUBLIC = {
    "Animation",
    "Box",
    "BoxKey",
    "Boxes",
    "Camera",
    "CameraKey",
    "Cameras",
    "Capabilities",
    "Curve",
    "Depth",
    "DepthRef",
    "Document",
    "Drag",
    "Engine",
    "FlowTracker",
    "Frame",
    "Key",
    "KineographError",
    "Magnify",
    "Motion",
    "Pin",
    "Pose",
    "PoseKey",
    "Poses",
    "Recording",
    "Request",
    "Solid",
    "SolidKey",
    "State",
    "Tracks",
    "TracksFile",
    "Transfer",
    "Video",
    "VideoWriter",
    "animate",
    "errors",
    "eye",
    "magnify_video",
    "open_video",
    "read_depth",
    "read_mask",
    "read_picture",
    "read_video",
    "write_depth",
    "write_mask",
    "write_picture",
}


def test_the_public_names_are_these() -> None:
    extra, gone = set(kineograph.__all__) - PUBLIC, PUBLIC - set(kineograph.__all__)
    assert not extra, f"new public names {sorted(extra)}: add them to PUBLIC here and to the docs"
    assert not gone, (
        f"{sorted(gone)} left the public names: users rely on them; put them back, or take them "
        "out of PUBLIC here and say so in CHANGELOG.md"
    )


def test_every_public_name_has_a_home() -> None:
    here = {"errors", "KineographError"}
    assert set(kineograph._HOME) == set(kineograph.__all__) - here
    assert kineograph.__all__ == sorted(kineograph.__all__)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_loads_and_says_what_it_is(name: str) -> None:
    assert getattr(kineograph, name).__doc__, f"kineograph.{name} has no docstring"
    assert name in dir(kineograph)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"module 'kineograph' has no attribute 'Kamera'"):
        _ = kineograph.Kamera


def test_errors_are_reachable_as_an_attribute() -> None:
    from kineograph.core import errors

    assert kineograph.errors is errors
    assert issubclass(errors.DocumentError, kineograph.KineographError)


def test_the_version_is_that_of_the_package() -> None:
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    assert tomllib.loads(pyproject.read_text())["project"]["version"] == kineograph.__version__
