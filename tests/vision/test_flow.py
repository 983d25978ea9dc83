"""Optical flow: the default against exact truth, RAFT's conversions, and the errors."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest

from kineograph.core.errors import PictureError, VisionError
from kineograph.vision.dis import DisFlow
from kineograph.vision.eyes import eye
from kineograph.vision.flow import OpticalFlow, check_pair, sample_field
from named_scenes import scene
from scenes import raster


@pytest.mark.parametrize(("name", "limit"), [("pan", 0.1), ("turn", 0.25), ("zoom", 0.25)])
def test_dis_finds_the_true_motion(name: str, limit: float) -> None:
    made = scene(name, 8)
    frames = made.video().frames
    true, seen = made.flow(2, 4)
    found = DisFlow()(frames[2], frames[4])
    assert isinstance(DisFlow(), OpticalFlow)
    error = np.linalg.norm(found - true, axis=-1)[8:-8, 8:-8][seen[8:-8, 8:-8]]
    assert np.median(error) < limit
    assert np.median(np.linalg.norm(true, axis=-1)) > 3 * limit  # there is something to find


def test_it_is_the_same_each_time_and_for_tiny_pictures() -> None:
    frames = scene("pan", 8).video().frames
    flow = DisFlow()
    assert np.array_equal(flow(frames[0], frames[1]), flow(frames[0], frames[1]))
    assert flow(frames[0, :9, :20].copy(), frames[1, :9, :20].copy()).shape == (9, 20, 2)


def test_pictures_of_two_sizes_are_refused() -> None:
    one, other = np.zeros((40, 50, 3), np.uint8), np.zeros((40, 51, 3), np.uint8)
    with pytest.raises(PictureError, match=r"between pictures of 50x40 and 51x40; give two of one"):
        check_pair(one, other)


def test_a_field_is_sampled_at_raster_points() -> None:
    field = raster(12, 9).astype(np.float32)  # the value at a place is the place
    points = np.array([[0.5, 0.5], [3.25, 7.75], [11.5, 8.5], [-5, 3.5]], np.float32)
    found = sample_field(field, points)
    assert found[:3] == pytest.approx(points[:3], abs=1e-5)
    assert found[3] == pytest.approx([0.5, 3.5])  # outside: the nearest pixel
    assert sample_field(field, np.zeros((0, 2), np.float32)).shape == (0, 2)
    assert sample_field(field[..., 0].copy(), points).shape == (4,)


def test_raft_pads_scales_and_crops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")

    class Tiny(torch.nn.Module):
        """Called as torchvision's RAFT: (1, 3, H, W) twice, -1 to 1; a list of (1, 2, H, W)."""

        def __init__(self) -> None:
            super().__init__()
            self.factor = torch.nn.Parameter(torch.zeros(1))

        def forward(self, first, second):  # type: ignore[no-untyped-def]
            assert first.shape == second.shape == (1, 3, 136, 128)
            assert first.min() == -1 and first.max() == 1
            change = (second - first).mean(dim=1, keepdim=True)
            flow = torch.cat([change * self.factor, torch.zeros_like(change)], dim=1)
            return [flow * 0, flow]

    models = types.ModuleType("torchvision.models.optical_flow")
    models.raft_small = lambda weights: Tiny()  # type: ignore[attr-defined]
    for name in ("torchvision", "torchvision.models"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, models.__name__, models)
    torch.save({"factor": torch.tensor([3.0])}, tmp_path / "raft.pth")
    from kineograph.vision.raft import RaftFlow

    first = np.zeros((130, 70, 3), np.uint8)
    first[0, 0] = 255
    second = first.copy()
    second[100, 60] = 255
    flow = RaftFlow(tmp_path / "raft.pth")(first, second)
    assert flow.shape == (130, 70, 2) and flow.dtype == np.float32
    assert flow[100, 60].tolist() == [6, 0] and np.count_nonzero(flow) == 1


def test_raft_without_torchvision_says_how_to_get_it(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if "torchvision" in sys.modules or __import__("importlib.util").util.find_spec("torchvision"):
        pytest.skip("torchvision is installed")
    with pytest.raises(VisionError, match=r"needs torchvision.*; install it: pip install torchvis"):
        eye("flow", "raft", tmp_path)
    from kineograph.vision.raft import RaftFlow

    with pytest.raises(VisionError, match=r"RAFT needs torchvision \(No module named 'torchvision"):
        RaftFlow(tmp_path)
