"""Adapters of learned trackers: their conversions, with tiny real modules called the same way.

The tiny networks find a white dot on black, as an index of a pixel, and answer each query with the
dot plus what the query missed it by at its own frame. So a track is right only if queries, frames,
points and visibility all are converted rightly, both ways.
"""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kineograph.core.errors import TracksError, VisionError
from kineograph.core.state import State
from kineograph.core.video import Video
from kineograph.vision.eyes import eye
from kineograph.vision.tracker import PointTracker

torch = pytest.importorskip("torch")

SIZE, DOT = (96, 64), 8
"""Of the video; the dot is a square of 8 pixels."""

CENTRES = np.array([[16, 16], [40, 24], [64, 48], [72, 40]], np.float32)

QUERIES = np.array([[0, 16, 16], [2, 67, 50], [1, 36, 27]], np.float32)
"""Frame, x, y: on the dot and beside it."""

EXPECTED = CENTRES[None] + (QUERIES[:, 1:] - CENTRES[QUERIES[:, 0].astype(int)])[:, None]


@pytest.fixture
def video() -> Video:
    frames = np.zeros((4, SIZE[1], SIZE[0], 3), np.uint8)
    for frame, (x, y) in enumerate(CENTRES.astype(int)):
        frames[frame, y - 4 : y + 4, x - 4 : x + 4] = 255
    return Video(frames, 10)


def dots(frames: Any) -> Any:
    """(t, h, w) brightness, 0 to 1, to the dot's middle (t, xy) in indices of pixels."""
    rows, columns = torch.meshgrid(
        torch.arange(frames.shape[1]), torch.arange(frames.shape[2]), indexing="ij"
    )
    weight = frames / frames.sum(dim=(1, 2), keepdim=True)
    return torch.stack([(weight * columns).sum((1, 2)), (weight * rows).sum((1, 2))], -1)


def answered(centres: Any, frames: Any, at: Any) -> Any:
    """(n, t, xy): each query's own point, moving with the dot."""
    return centres[None] + (at - centres[frames.long()])[:, None]


class Core(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(3))


class CoTrackerPredictor(torch.nn.Module):
    """Called as cotracker's: frames 0..255, (t, x, y), (0, 0) at a pixel's centre."""

    def __init__(self, checkpoint: None, offline: bool, v2: bool, window_len: int) -> None:
        super().__init__()
        assert (checkpoint, offline, v2, window_len) == (None, True, False, 60)
        self.model, self.interp_shape = Core(), (128, 160)

    def forward(self, video: Any, queries: Any, backward_tracking: bool) -> Any:
        assert backward_tracking and video.shape[1:3] == (4, 3) and video.max() == 255
        assert self.model.weight.tolist() == [1, 2, 3]  # the checkpoint has been read
        centres = dots(video[0].mean(1) / 255)
        tracks = answered(centres, queries[0, :, 0], queries[0, :, 1:])
        visible = torch.ones(tracks.shape[:2], dtype=torch.bool)
        visible[:, 3] = False
        return tracks.transpose(0, 1)[None], visible.T[None]


class TAPIR(Core):  # type: ignore[misc]
    """Called as tapnet's: frames -1..1, (t, y, x), raster; logits of hidden and of astray."""

    def __init__(self, pyramid_level: int) -> None:
        super().__init__()
        assert pyramid_level == 1

    def forward(self, video: Any, query_points: Any, query_chunk_size: int) -> Any:
        assert video.shape[2:] == (512, 512, 3) and video.min() == -1 and video.max() == 1
        centres = dots((video[0].mean(-1) + 1) / 2) + 0.5
        asked = query_points[0]
        tracks = answered(centres, asked[:, 0], asked[:, 1:].flip(-1))
        hidden, astray = torch.full(tracks.shape[:2], -0.5), torch.full(tracks.shape[:2], -4.0)
        hidden[:, 1:3] = -2.0  # 0.88 * 0.98: seen; elsewhere 0.62 * 0.98: seen
        astray[:, 3] = 0.0  # 0.62 * 0.5: not seen, though neither alone says so
        hidden[:, 0] = 3.0  # hidden, even the query at frame 0
        return {"tracks": tracks[None], "occlusion": hidden[None], "expected_dist": astray[None]}


class TAPNext(Core):  # type: ignore[misc]
    """Called as tapnet's, frame by frame with a state: (t, y, x) in, (y, x) out, forwards only."""

    def __init__(self, image_size: tuple[int, int]) -> None:
        super().__init__()
        assert image_size == (256, 256)

    def forward(self, video: Any, query_points: Any = None, state: Any = None) -> Any:
        assert video.shape == (1, 1, 256, 256, 3)
        step, asked, missed = (0, query_points[0], None) if state is None else state
        centre = dots((video[0].mean(-1) + 1) / 2)[0] + 0.5
        missed = torch.zeros(len(asked), 2) if missed is None else missed
        now = (asked[:, 0] == step)[:, None]
        missed = torch.where(now, asked[:, 1:].flip(-1) - centre, missed)
        known = asked[:, 0] <= step
        points = torch.where(known[:, None], centre + missed, torch.tensor(-99.0)).flip(-1)
        logits = torch.where(known, 1.0, -1.0)[None, None, :, None]
        return points[None, None], None, logits, (step + 1, asked, missed)


def install(monkeypatch: pytest.MonkeyPatch, name: str, **held: Any) -> None:
    """A module that is imported under that name, in packages that hold nothing else."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        dotted = ".".join(parts[:count])
        module = types.ModuleType(dotted)
        module.__spec__ = types.SimpleNamespace(name=dotted)  # type: ignore[assignment]
        monkeypatch.setitem(sys.modules, dotted, module)
    for key, value in held.items():
        setattr(module, key, value)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.pt"
    torch.save({"state_dict": {"weight": torch.tensor([1.0, 2.0, 3.0])}}, path)
    return path


def test_cotracker(video: Video, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "cotracker.predictor", CoTrackerPredictor=CoTrackerPredictor)
    with pytest.warns(UserWarning, match=r"CC-BY-NC 4\.0: .* must not be used commercially"):
        tracker = eye("tracker", "cotracker", weights)
    assert isinstance(tracker, PointTracker)
    found = tracker(video, QUERIES)
    assert found.points == pytest.approx(EXPECTED, abs=0.02) and found.size == SIZE
    assert (found.state[:, :3] == State.VISIBLE).all() and (found.state[:, 3] == 2).all()


def test_bootstapir(video: Video, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "tapnet.torch.tapir_model", TAPIR=TAPIR)
    found = eye("tracker", "tapir", weights)(video, QUERIES)
    assert found.points == pytest.approx(EXPECTED, abs=0.02)
    assert found.state.tolist() == [[1, 1, 1, 2], [2, 1, 1, 2], [2, 1, 1, 2]]


def test_tapnext_both_ways(video: Video, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "tapnet.tapnext.tapnext_torch", TAPNext=TAPNext)
    from kineograph.vision.tapir import TapNext

    torch.save({"state_dict": {"tapnext.weight": torch.zeros(3)}}, weights)
    found = TapNext(weights, device="cpu")(video, QUERIES)
    assert found.points == pytest.approx(EXPECTED, abs=0.02)
    assert found.visible.all()


def test_none_and_wrong_queries(
    video: Video, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "tapnet.torch.tapir_model", TAPIR=TAPIR)
    tracker = eye("tracker", "tapir", weights)
    assert tracker(video, np.zeros((0, 3), np.float32)).count == 0
    with pytest.raises(TracksError, match="outside the video"):
        tracker(video, np.array([[0, 96, 3]], np.float32))


def test_what_is_missing_is_said_with_the_command(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VisionError, match=r"needs cotracker; install it: pip install git\+https"):
        eye("tracker", "cotracker", weights)
    install(monkeypatch, "tapnet.torch.tapir_model", TAPIR=TAPIR)
    with pytest.raises(VisionError, match=r"needs weights \(BootsTAPIR\); fetch them: curl -O htt"):
        eye("tracker", "tapir")
    with pytest.raises(VisionError, match=r"no weights of BootsTAPIR at .*gone\.pt; fetch them: c"):
        eye("tracker", "tapir", tmp_path / "gone.pt")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(VisionError, match="empty holds no checkpoint; name the file for BootsTAPI"):
        eye("tracker", "tapir", empty)


def test_broken_foreign_and_dangerous_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, "tapnet.torch.tapir_model", TAPIR=TAPIR)
    broken, foreign, code = (tmp_path / f"{name}.pt" for name in ("broken", "foreign", "code"))
    broken.write_bytes(b"not a checkpoint")
    torch.save({"other": torch.zeros(3)}, foreign)
    torch.save({"weight": Path("anything that is no tensor")}, code)
    with pytest.raises(VisionError, match=r"cannot read the weights of BootsTAPIR in .*broken"):
        eye("tracker", "tapir", broken)
    with pytest.raises(VisionError, match=r"foreign\.pt does not fit BootsTAPIR: .*Missing key"):
        eye("tracker", "tapir", foreign)
    with pytest.raises(VisionError, match=r"cannot read the weights of BootsTAPIR in .*code"):
        eye("tracker", "tapir", code)


def test_safetensors_are_read(
    video: Video, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    install(monkeypatch, "tapnet.torch.tapir_model", TAPIR=TAPIR)
    safetensors.save_file({"weight": torch.ones(3)}, tmp_path / "tiny.safetensors")
    assert eye("tracker", "tapir", tmp_path)(video, QUERIES).count == 3
