"""What several tests share: pictures to work on, and how hypothesis runs."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a worker: more would only wait

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("local", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=30, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has to run one after the other, in one worker, takes longest and so comes first."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """A real photograph, 512x512 RGB; it is shared, so copy it before you write on it."""
    picture = pytest.importorskip("skimage.data").astronaut()
    picture.flags.writeable = False
    return picture


@pytest.fixture
def photo_file(photograph: np.ndarray, tmp_path: Path) -> Path:
    """The photograph as a lossless file in the test's own folder."""
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture(scope="session")
def texture() -> np.ndarray:
    """A smooth random texture, 160x120 RGB, rich enough to be registered to a tenth of a pixel."""
    return made_texture((160, 120))


def made_texture(size: tuple[int, int], seed: int = 0, grain: float = 2.5) -> np.ndarray:
    """A smooth random RGB texture of `size` (width, height) that uses the whole range."""
    noise = np.random.default_rng(seed).standard_normal((size[1], size[0], 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), grain, borderType=cv2.BORDER_REFLECT)
    scaled = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX)
    return np.rint(scaled).astype(np.uint8)


@pytest.fixture(scope="session")
def clips() -> Path:
    """A folder of real clips, named by KINEOGRAPH_CLIPS; tests that need one are else skipped."""
    folder = os.environ.get("KINEOGRAPH_CLIPS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set KINEOGRAPH_CLIPS to a folder of clips to run this")
    return Path(folder)
