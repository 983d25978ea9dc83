"""Conditions: joining batches and picking frames."""

import pytest
import torch

from kineograph.core.errors import ModelError
from kineograph.models.condition import Condition, Residuals, Tokens


def made(seed: int) -> Condition:
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randn(2 * 3, 4, 5, generator=draw)
    return Condition(
        channels=torch.randn(2, 1, 3, 4, 4, generator=draw),
        tokens=Tokens(rows, 3, (4, 4), {"boxes": torch.arange(6)[:, None]}),
        residuals=Residuals((torch.randn(6, 2, 4, 4, generator=draw),), torch.ones(6, 2, 2, 2)),
    )


def test_batches_are_joined_in_order() -> None:
    one, two = made(0), made(1)
    both = Condition.cat([one, two])
    assert torch.equal(both.channels, torch.cat([one.channels, two.channels]))
    assert torch.equal(both.tokens.tokens, torch.cat([one.tokens.tokens, two.tokens.tokens]))
    assert both.tokens.extra["boxes"].shape == (12, 1)
    assert torch.equal(both.residuals.down[0][6:], two.residuals.down[0])
    assert (both.frames, both.hint) == (3, None)
    assert torch.equal(one.repeat(2).channels, torch.cat([one.channels] * 2))


def test_frames_are_picked_in_every_part() -> None:
    held = made(0)
    some = held.picked([0, 2])
    assert torch.equal(some.channels, held.channels[:, :, [0, 2]])
    assert some.tokens.extra["boxes"].flatten().tolist() == [0, 2, 3, 5]
    assert torch.equal(some.residuals.down[0], held.residuals.down[0][[0, 2, 3, 5]])
    assert (some.frames, some.tokens.frames) == (2, 2)


def test_whole_numbers_keep_their_type() -> None:
    half = made(0).to(dtype=torch.float16)
    assert half.channels.dtype == half.residuals.mid.dtype == torch.float16
    assert half.tokens.extra["boxes"].dtype == torch.int64


def test_an_empty_condition_has_no_frames() -> None:
    with pytest.raises(ModelError, match="without tensors"):
        _ = Condition().frames
