"""SMCD's visual encoder: its size, its names, its tokens."""

import pytest
import torch
from torch.nn.functional import conv2d

from kineograph.models.picture.visual_encoder import VisualEncoder


def test_full_size_has_the_released_parameters_and_gives_sixteen_tokens() -> None:
    with torch.device("meta"):
        encoder = VisualEncoder()
        tokens = encoder(torch.empty(2, 4, 32, 32))
    assert sum(held.numel() for held in encoder.parameters()) == 202_936_064
    assert tokens.shape == (2, 16, 1024)


def test_weights_have_the_names_of_smcds_file() -> None:
    with torch.device("meta"):
        shapes = {name: tuple(held.shape) for name, held in VisualEncoder().state_dict().items()}
    wanted = {"conv_in"} | {
        f"body.{block}.{part}" for block in range(12) for part in ("in_conv", "block1", "block2")
    }
    wanted |= {f"body.{block}.down_opt.op" for block in (3, 6, 9)}
    assert set(shapes) == {f"{name}.{kind}" for name in wanted for kind in ("weight", "bias")}
    assert shapes["conv_in.weight"] == (256, 4, 3, 3)
    assert shapes["body.3.down_opt.op.weight"] == (256, 256, 3, 3)
    assert shapes["body.3.in_conv.weight"] == (512, 256, 3, 3)


def test_tokens_are_those_of_the_convolutions_one_after_the_other() -> None:
    torch.manual_seed(0)
    encoder = VisualEncoder(4, (6, 8), depth=1)
    latent, held = torch.randn(2, 4, 6, 8), encoder.state_dict()

    def conv(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        return conv2d(x, held[name + ".weight"], held[name + ".bias"], stride, padding=1)

    x = conv(latent, "conv_in")
    for block in ("body.0", "body.1"):
        if block == "body.1":
            x = conv(x, block + ".down_opt.op", stride=2)
        x = conv(x, block + ".in_conv")
        x = x + conv(conv(x, block + ".block1").clamp(min=0), block + ".block2")
    assert torch.equal(encoder(latent), x.flatten(2).transpose(1, 2))


@pytest.mark.parametrize("side, tokens", [(8, 1), (12, 4), (16, 4), (32, 16)])
def test_any_side_is_read(side: int, tokens: int) -> None:
    encoder = VisualEncoder(4, (4, 4, 4, 4), depth=1)
    assert encoder(torch.zeros(1, 4, side, side)).shape == (1, tokens, 4)
