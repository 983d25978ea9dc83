"""The position net: diffusers' weights, GLIGEN's numbers."""

import torch
from diffusers.models.embeddings import GLIGENTextBoundingboxProjection

from kineograph.models.grounding.position_net import PositionNet
from tiny import made

torch.set_num_threads(1)


def net() -> PositionNet:
    return made(lambda: PositionNet(32, 24))


def said() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    given = torch.tensor([[True, True, False, False], [True, False, True, False]])
    return torch.rand(2, 4, 4, generator=draw), given, torch.randn(2, 4, 32, generator=draw)


def test_the_released_size_has_the_known_number_of_parameters() -> None:
    with torch.device("meta"):
        held = PositionNet(1024, 1024)
    assert sum(parameter.numel() for parameter in held.parameters()) == 1_346_624
    assert held.linears[0].weight.shape == (512, 1088)


def test_tokens_are_those_of_diffusers_on_the_same_weights() -> None:
    ours, theirs = net(), GLIGENTextBoundingboxProjection(32, 24)
    theirs.load_state_dict(ours.state_dict())
    boxes, given, labels = said()
    wanted = theirs(boxes, given.float(), positive_embeddings=labels)
    torch.testing.assert_close(ours(boxes, given, labels), wanted)


def test_a_place_without_an_object_has_the_null_features_whatever_stands_there() -> None:
    ours, (boxes, given, labels) = net(), said()
    plain = ours(boxes, given, labels)
    boxes[~given], labels[~given] = float("nan"), float("inf")
    torch.testing.assert_close(ours(boxes, given, labels), plain)
    torch.testing.assert_close(plain[0, 2], plain[1, 3])
    nulls = torch.cat([ours.null_positive_feature, ours.null_position_feature])
    torch.testing.assert_close(plain[0, 2], ours.linears(nulls))


def test_half_precision_weights_keep_exact_fourier_features() -> None:
    ours, (boxes, given, _) = net(), said()
    exact = ours.located(boxes, given)
    half = ours.half().located(boxes, given)
    assert half.dtype == torch.float16
    assert (half.float() - exact).abs().max() < 1e-3
