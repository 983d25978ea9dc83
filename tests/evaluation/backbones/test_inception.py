"""Inception v3 of FID: pytorch-fid's names and sizes, and the network written out in a line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from random_weights import frames_of, random_weights, saved
from torch import Tensor
from torch.nn import functional

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.inception import BATCH, Inception, InceptionNetwork


class WrittenOut:
    """The network as a list of convolutions, by name, without modules."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights

    def unit(self, x: Tensor, name: str, stride: int = 1, edge: tuple[int, int] = (0, 0)) -> Tensor:
        of = self.weights
        x = functional.conv2d(x, of[f"{name}.conv.weight"], stride=stride, padding=edge)
        mean, var = of[f"{name}.bn.running_mean"], of[f"{name}.bn.running_var"]
        scale = of[f"{name}.bn.weight"] / (var + 0.001).sqrt()
        shift = of[f"{name}.bn.bias"] - mean * scale
        return (x * scale[:, None, None] + shift[:, None, None]).clamp(min=0)

    def chain(self, x: Tensor, block: str, *units: tuple) -> Tensor:
        for name, *said in units:
            x = self.unit(x, f"{block}.{name}", *said)
        return x

    def average(self, x: Tensor) -> Tensor:
        """The mean of a place and its neighbours, of those that are in the picture."""
        ones = torch.ones(1, 1, 3, 3).expand(x.shape[1], 1, 3, 3)
        sums = functional.conv2d(x, ones, padding=1, groups=x.shape[1])
        return sums / functional.conv2d(torch.ones_like(x[:, :1]), ones[:1], padding=1)

    def a(self, x: Tensor, at: str) -> Tensor:
        five = self.chain(x, at, ("branch5x5_1",), ("branch5x5_2", 1, (2, 2)))
        twice = [("branch3x3dbl_1",), ("branch3x3dbl_2", 1, (1, 1)), ("branch3x3dbl_3", 1, (1, 1))]
        rest = self.chain(self.average(x), at, ("branch_pool",))
        one = self.chain(x, at, ("branch1x1",))
        return torch.cat([one, five, self.chain(x, at, *twice), rest], 1)

    def b(self, x: Tensor, at: str) -> Tensor:
        three = self.chain(x, at, ("branch3x3", 2))
        twice = [("branch3x3dbl_1",), ("branch3x3dbl_2", 1, (1, 1)), ("branch3x3dbl_3", 2)]
        return torch.cat([three, self.chain(x, at, *twice), functional.max_pool2d(x, 3, 2)], 1)

    def c(self, x: Tensor, at: str) -> Tensor:
        row, column = (1, (0, 3)), (1, (3, 0))
        seven = self.chain(x, at, ("branch7x7_1",), ("branch7x7_2", *row), ("branch7x7_3", *column))
        ways = zip("2345", (column, row, column, row), strict=True)
        twice = [("branch7x7dbl_1",), *((f"branch7x7dbl_{i}", *way) for i, way in ways)]
        rest = self.chain(self.average(x), at, ("branch_pool",))
        one = self.chain(x, at, ("branch1x1",))
        return torch.cat([one, seven, self.chain(x, at, *twice), rest], 1)

    def d(self, x: Tensor, at: str) -> Tensor:
        three = self.chain(x, at, ("branch3x3_1",), ("branch3x3_2", 2))
        long = [("branch7x7x3_1",), ("branch7x7x3_2", 1, (0, 3)), ("branch7x7x3_3", 1, (3, 0))]
        mixed = self.chain(x, at, *long, ("branch7x7x3_4", 2))
        return torch.cat([three, mixed, functional.max_pool2d(x, 3, 2)], 1)

    def e(self, x: Tensor, at: str, pool: Tensor) -> Tensor:
        three = self.chain(x, at, ("branch3x3_1",))
        twice = self.chain(x, at, ("branch3x3dbl_1",), ("branch3x3dbl_2", 1, (1, 1)))
        made = [self.chain(x, at, ("branch1x1",))]
        for stem, name in ((three, "branch3x3_2"), (twice, "branch3x3dbl_3")):
            made += [self.unit(stem, f"{at}.{name}a", 1, (0, 1))]
            made += [self.unit(stem, f"{at}.{name}b", 1, (1, 0))]
        return torch.cat([*made, self.chain(pool, at, ("branch_pool",))], 1)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
        x = functional.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)
        x = self.unit(2 * x - 1, "Conv2d_1a_3x3", 2)
        x = self.unit(self.unit(x, "Conv2d_2a_3x3"), "Conv2d_2b_3x3", 1, (1, 1))
        x = self.unit(functional.max_pool2d(x, 3, 2), "Conv2d_3b_1x1")
        x = functional.max_pool2d(self.unit(x, "Conv2d_4a_3x3"), 3, 2)
        for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            x = self.a(x, name)
        x = self.b(x, "Mixed_6a")
        for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = self.c(x, name)
        x = self.d(x, "Mixed_7a")
        x = self.e(x, "Mixed_7b", self.average(x))
        x = self.e(x, "Mixed_7c", functional.max_pool2d(x, 3, 1, 1))
        assert x.shape[1:] == (2048, 8, 8)
        return x.mean((2, 3)).numpy()


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return random_weights(InceptionNetwork)


@pytest.fixture(scope="module")
def file(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = {"Conv2d_1a_3x3.bn.num_batches_tracked": torch.tensor(7)}
    return saved(weights | counts, tmp_path_factory.mktemp("weights") / "inception.pth")


@pytest.fixture(scope="module")
def network(file: Path) -> Inception:
    return Inception(file)


def test_the_sizes_are_the_published_ones() -> None:
    """21,785,568 weights before the head (torchvision's Inception v3 without its 1,000 classes and
    its auxiliary head), 1,008 classes.
    """
    with torch.device("meta"):
        network = InceptionNetwork()
    held = {name: value.numel() for name, value in network.named_parameters()}
    assert sum(held.values()) - held["fc.weight"] - held["fc.bias"] == 21_785_568
    assert sum(held.values()) == 23_850_960
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes["fc.weight"] == (1008, 2048)
    assert shapes["Mixed_5b.branch_pool.conv.weight"] == (32, 192, 1, 1)
    assert shapes["Mixed_6b.branch7x7dbl_2.conv.weight"] == (128, 128, 7, 1)
    assert shapes["Mixed_7c.branch3x3dbl_3a.conv.weight"] == (384, 384, 1, 3)
    assert shapes["Mixed_7a.branch7x7x3_4.bn.running_var"] == (192,)
    assert len(shapes) == 94 * 5 + 2


@pytest.mark.parametrize("size", ((90, 70), (299, 299), (400, 310)))
def test_it_is_the_network_written_out(
    network: Inception, weights: dict[str, Tensor], size: tuple[int, int]
) -> None:
    frames = frames_of(0, 2, size)
    found = network.features(frames)
    assert found.shape == (2, 2048) and found.dtype == np.float32
    known = WrittenOut(weights)(frames)
    np.testing.assert_allclose(found, known, atol=2e-4 * np.abs(known).max())


@pytest.mark.slow
def test_many_pictures_go_through_in_parts(network: Inception) -> None:
    frames = frames_of(1, BATCH + 1, (64, 64))
    whole = network.features(frames)
    for at in (0, BATCH):
        alone = network.features(frames[at : at + 1])[0]
        np.testing.assert_allclose(alone, whole[at], atol=1e-5 * np.abs(whole).max())


def test_what_is_wrong_is_told_in_a_line(
    weights: dict[str, Tensor], file: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half.pth"
    half.write_bytes(file.read_bytes()[:5000])
    fewer = {name: value for name, value in weights.items() if "Mixed_7c" not in name}
    other = {"Conv3d_1a_7x7.conv3d.weight": torch.zeros(1)}
    for path, said in (
        (half, "half.pth is broken or cut short; fetch it again"),
        (tmp_path / "none.pth", "none.pth does not exist"),
        (saved(fewer, tmp_path / "fewer.pth"), "lacks Mixed_7c.branch1x1.conv.weight"),
        (saved(other, tmp_path / "other.pth"), "has the unknown Conv3d_1a_7x7.conv3d.weight"),
    ):
        with pytest.raises(EvaluationError, match=said) as caught:
            Inception(path)
        assert "\n" not in str(caught.value)
        assert "pytorch-fid/releases/download/fid_weights" in str(caught.value)
