"""The error of layers: what one affine motion for each of them leaves, and whom it teaches."""

import numpy as np
import torch
from torch import Tensor

from kineograph.conditioning.first_motion import places
from kineograph.training.layering import SLOW, layering_error

ROWS, COLUMNS, FRAMES, LAYERS = 5, 6, 3, 3


def drawn(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Masks and a motion, some cells of which nobody tells."""
    draw = torch.Generator().manual_seed(seed)
    masks = torch.randn(2, LAYERS, ROWS, COLUMNS, generator=draw).softmax(dim=1)
    motion = torch.randn(2, 4, FRAMES, ROWS, COLUMNS, generator=draw)
    motion[:, 3] = (torch.rand(2, 1, ROWS, COLUMNS, generator=draw) > 0.3).float()
    return masks, motion


def halves(motion: Tensor) -> Tensor:
    """Masks of the left and the right half, and one of nothing, for one clip."""
    masks = torch.zeros(1, LAYERS, *motion.shape[-2:])
    masks[0, 0, :, : COLUMNS // 2] = 1
    masks[0, 1, :, COLUMNS // 2 :] = 1
    return masks


def test_it_is_what_weighted_least_squares_leave() -> None:
    masks, motion = drawn()
    at = places(ROWS, COLUMNS).reshape(-1, 2).double().numpy()
    plane = np.concatenate([np.ones((len(at), 1)), at], axis=1)
    for clip in range(2):
        told = motion[clip, 3, -1].flatten().double().numpy()
        left, total = 0.0, 0.0
        for mask in masks[clip]:
            weight = mask.flatten().double().numpy() * told
            total += weight.sum()
            for frame in range(1, FRAMES):
                for axis in range(2):
                    gone = motion[clip, axis, frame].flatten().double().numpy()
                    rows = np.concatenate([plane * weight[:, None] ** 0.5, np.diag(SLOW) ** 0.5])
                    goal = np.concatenate([gone * weight**0.5, np.zeros(3)])
                    best = np.linalg.lstsq(rows, goal, rcond=None)[0]
                    left += (weight * (gone - plane @ best) ** 2).sum()
        wanted = left / (2 * (FRAMES - 1)) / total
        np.testing.assert_allclose(float(layering_error(masks, motion)[clip]), wanted, rtol=1e-4)


def test_layers_that_tell_two_things_apart_leave_nothing() -> None:
    motion = torch.zeros(1, 4, FRAMES, ROWS, COLUMNS)
    motion[:, 3] = 1
    motion[:, 0, 1:, :, : COLUMNS // 2] = 1.5
    motion[:, 1, 1:, :, COLUMNS // 2 :] = -0.5
    apart, whole = halves(motion), torch.zeros(1, LAYERS, ROWS, COLUMNS)
    whole[:, 0] = 1
    assert layering_error(apart, motion) < 1e-5
    assert layering_error(whole, motion) > 0.05


def test_cells_that_nobody_tells_count_nothing() -> None:
    masks, motion = drawn()
    other = torch.where(motion[:, 3:] > 0, motion, motion + 100)
    other[:, 3] = motion[:, 3]
    torch.testing.assert_close(layering_error(masks, other), layering_error(masks, motion))
    motion[:, 3] = 0
    assert not layering_error(masks, motion).any()


def test_masks_learn_what_hangs_together() -> None:
    motion = torch.zeros(1, 4, FRAMES, ROWS, COLUMNS)
    motion[:, 3] = 1
    motion[:, 0, 1:, 1:4, 2:5] = 1
    said = torch.randn(1, LAYERS, ROWS, COLUMNS, generator=torch.Generator().manual_seed(1))
    said.requires_grad_()
    optimiser = torch.optim.Adam([said], lr=0.1)
    first = float(layering_error(said.detach().softmax(dim=1), motion))
    for _ in range(100):
        optimiser.zero_grad()
        layering_error(said.softmax(dim=1), motion).sum().backward()
        optimiser.step()
    assert float(layering_error(said.detach().softmax(dim=1), motion)) < 0.1 * first
    thing = said.softmax(dim=1)[0, :, 1:4, 2:5].mean(dim=(1, 2))
    rest = said.softmax(dim=1)[0, :, 0].mean(dim=1)
    assert int(thing.argmax()) != int(rest.argmax())


def test_mixed_precision_does_not_blur_it() -> None:
    motion = torch.randn(2, 4, FRAMES, ROWS, COLUMNS, generator=torch.Generator().manual_seed(2))
    motion[:, 3] = 1
    masks = torch.rand(2, LAYERS, ROWS, COLUMNS, generator=torch.Generator().manual_seed(3))
    masks = masks.softmax(dim=1)
    plain = layering_error(masks, motion)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = layering_error(masks.bfloat16().float(), motion)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, layering_error(masks.bfloat16().float(), motion))
    torch.testing.assert_close(mixed, plain, rtol=0.02, atol=0)
