"""Small clips whose every part is known: what the tests of data/ share."""

import numpy as np

from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip, Fact


def made_clip(seed: int = 0, *, frames: int = 6, size: tuple[int, int] = (24, 16)) -> Clip:
    """A clip that has everything, drawn from a seed."""
    rng = np.random.default_rng(seed)
    w, h = size
    points = np.floor(rng.uniform(0, 64, (5, frames, 2)) * size) / 64
    state = rng.integers(0, 3, (5, frames))
    low = rng.uniform(0, 0.5, (2, frames, 2)) * size
    boxes = np.round(np.concatenate([low, low + rng.uniform(1, 0.5 * h, low.shape)], axis=2))
    fps = 8.0
    return Clip(
        rng.integers(0, 256, (frames, h, w, 3)).astype(np.uint8),
        fps,
        f"a red thing slides left, number {seed}",
        name=f"made {seed}",
        tracks=Tracks.of(points, state, size=size, fps=fps, group=[0, 0, 1, 1, -1], depth=2.0),
        boxes=Boxes.of(boxes, size=size, fps=fps, labels=("red thing", "left shoe"), group=[0, 1]),
        flow=np.round(rng.normal(0, 3, (frames - 1, h, w, 2)) * 64).astype(np.float32) / 64,
        depth=rng.uniform(1, 9, (frames, h, w)).astype(np.float32),
        masks=rng.random((2, frames, h, w)) < 0.5,
        cameras=Cameras.from_fov(60, size, frames=frames, fps=fps),
        facts=(Fact("red thing", "moves", "left", 5.5, 0), Fact("camera", "zooms", "in", 1.2)),
    )


def assert_same(a: Clip, b: Clip) -> None:
    """Two clips are the same in every number."""
    assert (a.name, a.caption, a.fps, a.facts) == (b.name, b.caption, b.fps, b.facts)
    for name in ("video", "flow", "depth", "masks"):
        one, two = getattr(a, name), getattr(b, name)
        assert (one is None) == (two is None), name
        if one is not None:
            assert one.dtype == two.dtype, name
            np.testing.assert_array_equal(one, two, err_msg=name)
    for name in ("tracks", "boxes", "cameras"):
        one, two = getattr(a, name), getattr(b, name)
        assert (one is None) == (two is None), name
        if one is not None:
            for part, value in vars(one).items():
                np.testing.assert_array_equal(value, getattr(two, part), err_msg=f"{name}.{part}")
