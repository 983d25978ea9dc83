"""I3D: pytorch-i3d's names and sizes, TensorFlow's padding, and the network written out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from random_weights import frames_of, random_weights, saved
from torch import Tensor
from torch.nn import functional

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.i3d import I3d, I3dNetwork, same_padded

ORDER = ("1a", "2a", "2b", "2c", "3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "4f", "5a", "5b")
ORDER += ("5c",)
UNITS = {
    "1a": ("Conv3d_1a_7x7", 7, 2),
    "2b": ("Conv3d_2b_1x1", 1, 1),
    "2c": ("Conv3d_2c_3x3", 3, 1),
}
POOLS = {
    "2a": ((1, 3, 3), (1, 2, 2)),
    "3a": ((1, 3, 3), (1, 2, 2)),
    "4a": ((3, 3, 3), (2, 2, 2)),
    "5a": ((2, 2, 2), (2, 2, 2)),
}


def windows(length: int, size: int, step: int) -> tuple[int, int]:
    """What TensorFlow's documentation says SAME adds before and after."""
    added = size - step if length % step == 0 else size - length % step
    return max(added, 0) // 2, max(added, 0) - max(added, 0) // 2


def padded(x: Tensor, sizes: tuple, steps: tuple, value: float = 0.0) -> Tensor:
    edges = [windows(*said) for said in zip(x.shape[2:], sizes, steps, strict=True)]
    return functional.pad(x, [edge for pair in reversed(edges) for edge in pair], value=value)


def written_out(x: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """Logits of a video, without modules; pools never see the padding."""

    def unit(x: Tensor, name: str, size: int, step: int = 1) -> Tensor:
        x = padded(x, (size,) * 3, (step,) * 3)
        x = functional.conv3d(x, weights[f"{name}.conv3d.weight"], stride=step)
        of = {part: weights[f"{name}.bn.{part}"][:, None, None, None] for part in PARTS}
        x = (x - of["running_mean"]) / (of["running_var"] + 0.001).sqrt()
        return (x * of["weight"] + of["bias"]).clamp(min=0)

    def pool(x: Tensor, sizes: tuple, steps: tuple) -> Tensor:
        return functional.max_pool3d(padded(x, sizes, steps, -torch.inf), sizes, steps)

    for layer in ORDER:
        if layer in POOLS:
            x = pool(x, *POOLS[layer])
        elif layer in UNITS:
            x = unit(x, *UNITS[layer])
        else:
            at = f"Mixed_{layer}"
            first, second = unit(x, f"{at}.b1a", 1), unit(x, f"{at}.b2a", 1)
            most = unit(pool(x, (3, 3, 3), (1, 1, 1)), f"{at}.b3b", 1)
            middle = [unit(first, f"{at}.b1b", 3), unit(second, f"{at}.b2b", 3)]
            x = torch.cat([unit(x, f"{at}.b0", 1), *middle, most], 1)
    x = x.mean((3, 4))  # 7x7 places
    x = (x[:, :, 1:] + x[:, :, :-1]) / 2
    head = weights["logits.conv3d.weight"][:, :, 0, 0, 0]
    logits = torch.einsum("kc,nct->nkt", head, x) + weights["logits.conv3d.bias"][:, None]
    return logits.mean(2)


PARTS = ("running_mean", "running_var", "weight", "bias")


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return random_weights(I3dNetwork)


@pytest.fixture(scope="module")
def network(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> I3d:
    counts = {"Mixed_3b.b0.bn.num_batches_tracked": torch.tensor(7)}
    return I3d(saved(weights | counts, tmp_path_factory.mktemp("weights") / "rgb_imagenet.pt"))


def test_the_sizes_are_the_published_ones() -> None:
    """12.7 million weights; 57 convolutions with a normalisation each, and the head."""
    with torch.device("meta"):
        network = I3dNetwork()
    assert sum(value.numel() for value in network.parameters()) == 12_697_264
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert len(shapes) == 57 * 5 + 2
    assert shapes["Conv3d_1a_7x7.conv3d.weight"] == (64, 3, 7, 7, 7)
    assert shapes["Mixed_3b.b1b.conv3d.weight"] == (128, 96, 3, 3, 3)
    assert shapes["Mixed_5c.b3b.bn.running_mean"] == (128,)
    assert shapes["logits.conv3d.weight"] == (400, 1024, 1, 1, 1)
    assert shapes["logits.conv3d.bias"] == (400,)


@pytest.mark.parametrize("size", (1, 2, 3, 7))
@pytest.mark.parametrize("step", (1, 2))
def test_the_padding_is_that_of_tensorflow(size: int, step: int) -> None:
    for length in range(1, 17):
        video = torch.arange(1.0, length + 1)[None, None, :, None, None]
        found = same_padded(video, (size, 1, 1), (step, 1, 1))[0, 0, :, 0, 0]
        before, after = windows(length, size, step)
        assert found.tolist() == [0] * before + list(range(1, length + 1)) + [0] * after


@pytest.mark.parametrize("frames", (10, pytest.param(13, marks=pytest.mark.slow)))
def test_it_is_the_network_written_out(
    network: I3d, weights: dict[str, Tensor], frames: int
) -> None:
    video = frames_of(frames, frames, (96, 64))
    found = network.features(video)
    x = torch.from_numpy(video).permute(0, 3, 1, 2).float() / 127.5 - 1
    x = functional.interpolate(x, size=(224, 224), mode="bilinear", align_corners=False)
    known = written_out(x.permute(1, 0, 2, 3)[None], weights)[0].numpy()
    assert found.shape == (400,) and found.dtype == np.float32
    np.testing.assert_allclose(found, known, atol=1e-4 * np.abs(known).max())


def test_fewer_frames_than_ten_are_refused(network: I3d) -> None:
    with pytest.raises(EvaluationError, match="at least 10 frames, this one has 9"):
        network.features(frames_of(0, 9, (32, 32)))


def test_what_is_wrong_is_told_in_a_line(weights: dict[str, Tensor], tmp_path: Path) -> None:
    charades = weights | {
        "logits.conv3d.weight": torch.zeros(157, 1024, 1, 1, 1),
        "logits.conv3d.bias": torch.zeros(157),
    }
    empty = tmp_path / "empty.pt"
    empty.touch()
    for path, said in (
        (empty, "empty.pt is empty; fetch it again"),
        (saved(charades, tmp_path / "c.pt"), r"logits.conv3d.weight \[157, 1024, 1, 1, 1\] where"),
    ):
        with pytest.raises(EvaluationError, match=said) as caught:
            I3d(path)
        assert "\n" not in str(caught.value) and "rgb_imagenet.pt" in str(caught.value)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_torchscript_is_not_run(tmp_path: Path) -> None:
    """Other tools fetch I3D as a program; it is refused, and what to fetch instead is said."""
    path = tmp_path / "i3d_torchscript.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(EvaluationError, match=r"is a TorchScript program.*rgb_imagenet\.pt"):
        I3d(path)
