"""LPIPS's networks: the public layouts, and a slow reference in NumPy."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from random_weights import frames_of, random_weights, saved
from safetensors.torch import save_file
from torch import Tensor

from kineograph.core.errors import EvaluationError
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.backbones import lpips as module
from kineograph.evaluation.backbones.lpips import Lpips, LpipsAlex, LpipsVgg, alexnet, vgg16
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import table_of
from kineograph.evaluation.metrics.lpips import METRICS
from kineograph.evaluation.sample import Sample

ALEX = "conv 0 4 2 | relu | tap | pool 3 | conv 3 1 2 | relu | tap | pool 3 | conv 6 1 1 | relu | "
ALEX += "tap | conv 8 1 1 | relu | tap | conv 10 1 1 | relu | tap"
VGG = "conv 0 1 1 | relu | conv 2 1 1 | relu | tap | pool 2 | conv 5 1 1 | relu | conv 7 1 1 | "
VGG += "relu | tap | pool 2 | conv 10 1 1 | relu | conv 12 1 1 | relu | conv 14 1 1 | relu | tap | "
VGG += "pool 2 | conv 17 1 1 | relu | conv 19 1 1 | relu | conv 21 1 1 | relu | tap | pool 2 | "
VGG += "conv 24 1 1 | relu | conv 26 1 1 | relu | conv 28 1 1 | relu | tap"


def slow(one: np.ndarray, other: np.ndarray, weights: dict[str, Tensor], layers: str) -> float:
    """LPIPS of two pictures, as Zhang et al. write it, in double precision."""
    exact = {name: value.double().numpy() for name, value in weights.items()}
    total = 0.0
    for index, (a, b) in enumerate(
        zip(*(taps(x, exact, layers) for x in (one, other)), strict=True)
    ):
        a, b = (x / (np.sqrt((x**2).sum(axis=0)) + 1e-10) for x in (a, b))
        head = exact[f"lin{index}.model.1.weight"][0, :, 0, 0]
        total += (head[:, None, None] * (a - b) ** 2).sum(axis=0).mean()
    return total


def taps(picture: np.ndarray, weights: dict[str, np.ndarray], layers: str) -> list[np.ndarray]:
    x = picture.transpose(2, 0, 1) / 127.5 - 1
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    x, found = (x - shift[:, None, None]) / scale[:, None, None], []
    for layer in layers.split(" | "):
        word, *numbers = layer.split()
        if word == "tap":
            found.append(x)
        elif word == "relu":
            x = np.maximum(x, 0)
        elif word == "pool":
            x = sliding_window_view(x, (int(numbers[0]),) * 2, (1, 2))[:, ::2, ::2].max((3, 4))
        else:
            index, stride, edge = map(int, numbers)
            weight, bias = (weights[f"features.{index}.{part}"] for part in ("weight", "bias"))
            padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge)))
            windows = sliding_window_view(padded, weight.shape[2:], (1, 2))[:, ::stride, ::stride]
            x = np.tensordot(weight, windows, ((1, 2, 3), (0, 3, 4))) + bias[:, None, None]
    return found


def parts(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """As the two public files have them: torchvision's with a classifier, the package's."""
    trunk = {name: value for name, value in weights.items() if name.startswith("features.")}
    heads = {name: value for name, value in weights.items() if name.startswith("lin")}
    return trunk | {"classifier.1.weight": torch.zeros(3, 2)}, heads


@pytest.fixture(scope="module")
def alex() -> dict[str, Tensor]:
    return random_weights(alexnet)


@pytest.fixture
def folder(alex: dict[str, Tensor], tmp_path: Path) -> Path:
    trunk, heads = parts(alex)
    saved(heads, tmp_path / "lpips-alex" / "alex.pth")
    return saved(trunk, tmp_path / "lpips-alex" / "alexnet-owt-7be5be79.pth").parent


def test_the_names_and_sizes_are_the_published_ones() -> None:
    """Torchvision's AlexNet and VGG16 have 2,469,696 and 14,714,688 weights before the classifier;
    the heads 1,152 and 1,472.
    """
    for kind, indices, trunk, heads in (
        (alexnet, (0, 3, 6, 8, 10), 2_469_696, 1_152),
        (vgg16, (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), 14_714_688, 1_472),
    ):
        with torch.device("meta"):
            held = {name: value.numel() for name, value in kind().state_dict().items()}
        names = {f"features.{i}.{part}" for i in indices for part in ("weight", "bias")}
        assert set(held) == names | {f"lin{i}.model.1.weight" for i in range(5)}
        assert sum(held[name] for name in names) == trunk
        assert sum(count for name, count in held.items() if name not in names) == heads


@pytest.mark.parametrize("size", ((31, 31), (47, 38)))
def test_alexnet_is_the_slow_reference(folder: Path, alex: dict, size: tuple[int, int]) -> None:
    one, other = frames_of(0, 2, size), frames_of(1, 2, size)
    found = LpipsAlex(folder).distances(one, other)
    known = [slow(a, b, alex, ALEX) for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(found, known, rtol=1e-4)


def test_vgg_is_the_slow_reference(tmp_path: Path) -> None:
    weights = random_weights(vgg16)
    one, other = frames_of(0, 1, (19, 16)), frames_of(1, 1, (19, 16))
    found = LpipsVgg(saved(weights, tmp_path / "lpips-vgg.pth")).distances(one, other)
    assert found[0] == pytest.approx(slow(one[0], other[0], weights, VGG), rel=1e-4)


def test_a_picture_is_at_no_distance_from_itself(folder: Path) -> None:
    network, frames = LpipsAlex(folder), frames_of(2, 3, (40, 40))
    assert (network.distances(frames, frames) == 0).all()
    assert (network.distances(frames, frames[::-1].copy())[[0, 2]] > 0.01).all()


def test_long_videos_go_through_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, (one, other) = LpipsAlex(folder), (frames_of(seed, 7, (40, 36)) for seed in (3, 4))
    whole = network.distances(one, other)
    sizes: list[int] = []
    network._network.register_forward_hook(lambda _, given, __: sizes.append(len(given[0])))
    for pixels, expected in ((2 * 40 * 36 + 5, [2, 2, 2, 1]), (1, [1] * 7)):
        monkeypatch.setattr(module, "PIXELS", pixels)
        sizes.clear()
        np.testing.assert_allclose(network.distances(one, other), whole, rtol=1e-5)
        assert sizes == expected


def test_every_layout_gives_the_same(folder: Path, alex: dict, tmp_path: Path) -> None:
    one, other = frames_of(0, 1, (32, 32)), frames_of(1, 1, (32, 32))
    known = LpipsAlex(folder).distances(one, other)
    whole = tmp_path / "lpips-alex.safetensors"
    save_file(alex, whole)
    package = {name.replace("features.", "net.slice2."): x for name, x in alex.items()}
    package |= {f"lins.{i}.model.1.weight": alex[f"lin{i}.model.1.weight"] for i in range(5)}
    package |= {"scaling_layer.shift": torch.zeros(1, 3, 1, 1)}
    places = [whole, saved(package, tmp_path / "package.pth")]
    (folder / "vgg16-397923af.pth").write_bytes(b"another trunk, which is not opened")
    for place in (*places, folder):
        np.testing.assert_array_equal(LpipsAlex(place).distances(one, other), known)


def test_too_small_a_picture(folder: Path) -> None:
    frames = frames_of(0, 1, (60, 30))
    with pytest.raises(EvaluationError, match="pictures of at least 31x31, not 60x30"):
        LpipsAlex(folder).distances(frames, frames)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda place: (place / "alex.pth").unlink(), "lacks the heads of LPIPS 0.1"),
        (lambda place: (place / "alexnet-owt-7be5be79.pth").unlink(), "lacks the trunk of torchv"),
        (lambda place: [x.unlink() for x in place.iterdir()], "holds no weights for lpips-alex"),
        (lambda place: saved({"lin0.model.1.weight": torch.ones(1)}, place / "b.pth"), "twice"),
        (lambda place: (place / "alex.pth").write_bytes(b"<html>"), "is a web page, not weights"),
        (
            lambda place: saved(
                {"features.0.weight": torch.ones(2)}, place / "alexnet-owt-7be5be79.pth"
            ),
            r"features.0.weight \[2\] where \[64, 3, 11, 11\] fits",
        ),
        (
            lambda place: saved(
                {
                    f"lin{i}.model.1.weight": torch.full((1, w, 1, 1), torch.nan)
                    for i, w in enumerate((64, 192, 384, 256, 256))
                },
                place / "alex.pth",
            ),
            "lin0.model.1.weight has numbers that are not finite",
        ),
    ],
)
def test_what_is_wrong_is_told_in_a_line(folder: Path, change: partial, said: str) -> None:
    change(folder)
    with pytest.raises(EvaluationError, match=said) as caught:
        LpipsAlex(folder)
    told = str(caught.value)
    assert "\n" not in told and "lpips-alex" in told


def look_at(found: np.ndarray, truth: np.ndarray, weights: Path) -> Look:
    size = (truth.shape[2], truth.shape[1])
    sample = Sample(found, Request(size=size, frames=len(truth), fps=8), Clip(truth, 8))
    return Look(sample, backbones=Backbones(folder=weights))


def test_the_metrics_measure_frames(folder: Path) -> None:
    truth, found = frames_of(0, 3, (36, 32)), frames_of(1, 3, (36, 32))
    found[0] = truth[0]
    look, table = look_at(found, truth, folder.parent), table_of(METRICS)
    each = LpipsAlex(folder).distances(found, truth)
    assert each[0] == 0
    assert table["lpips"].measure(look) == pytest.approx(each[1:].mean())
    assert table["lpips-all"].measure(look) == pytest.approx(each.mean())
    assert table["lpips-by-frame"].measure(look) == pytest.approx(each)
    assert table["lpips-vgg"].backbones == ("lpips-vgg",)
    with pytest.raises(EvaluationError, match=r"lpips-vgg needs lpips-vgg .*vgg16-397923af.pth"):
        table["lpips-vgg"].measure(look)


def test_pictures_too_small_for_the_network_have_no_value(folder: Path) -> None:
    small = frames_of(0, 3, (36, 30))
    assert np.isnan(table_of(METRICS)["lpips"].measure(look_at(small, small, folder.parent)))


def test_weights_that_burst_are_told(alex: dict[str, Tensor], tmp_path: Path) -> None:
    burst = alex | {"features.3.weight": alex["features.3.weight"] * 1e38}
    network = LpipsAlex(saved(burst, tmp_path / "burst.pth"))
    with pytest.raises(EvaluationError, match="lpips-alex gave numbers that are not finite"):
        network.distances(frames_of(0, 1, (40, 40)), frames_of(1, 1, (40, 40)))


def test_both_are_what_the_table_of_backbones_says(folder: Path) -> None:
    network = Backbones(folder=folder.parent).get("lpips-alex")
    assert type(network) is LpipsAlex and issubclass(LpipsVgg, Lpips)
