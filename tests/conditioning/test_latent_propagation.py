"""The first frame's latent copied along the tracks."""

import numpy as np
import pytest
import torch
from plain_loops import covering_loop, replacing_loop
from wandering import batch, seen, wandering

from kineograph.conditioning.latent_propagation import propagate_latent
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError

SIZE = (48, 32)
"""6x4 cells of 8 pixels."""


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def latent(clips: int = 1, frames: int = 0) -> torch.Tensor:
    """Random latents of first frames, or of a whole clip."""
    shape = (clips, 5, frames, 4, 6) if frames else (clips, 5, 4, 6)
    return torch.randn(shape, generator=seeded(7))


def along(points: list) -> TrackBatch:
    return seen([points], SIZE)


@pytest.mark.parametrize("per_latent", [1, 3, 4, 8, 11])
@pytest.mark.parametrize("deep", [False, True])
def test_equals_the_plain_loop(per_latent: int, deep: bool) -> None:
    tracks = batch(wandering(0, deep=deep), None, wandering(1, count=70, deep=deep))
    latents = 1 + -(-8 // per_latent)
    first, base = latent(3), latent(3, latents)
    found = propagate_latent(first, tracks, frames_per_latent=per_latent, base=base)
    assert found.mask.shape == (3, 1, latents, 4, 6)
    assert found.mask.min() < 0 < found.mask.max()
    for clip in range(3):
        expected, mask = covering_loop(first[clip], tracks, clip, 8, per_latent, base[clip])
        torch.testing.assert_close(found.latents[clip], expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(found.mask[clip, 0], mask, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("per_latent", [1, 4, 8])
@pytest.mark.parametrize("drawn", [False, True])
def test_wan_moves_way_equals_its_plain_loop(per_latent: int, drawn: bool) -> None:
    tracks = batch(wandering(0), None, wandering(1, count=70))
    first = latent(3)
    order = torch.randperm(70, generator=seeded(4)) if drawn else torch.arange(70)
    found = propagate_latent(
        first,
        tracks,
        frames_per_latent=per_latent,
        like="wan-move",
        generator=seeded(4) if drawn else None,
    )
    for clip in range(3):
        expected, mask = replacing_loop(first[clip], tracks, clip, 8, per_latent, order.tolist())
        torch.testing.assert_close(found.latents[clip], expected, atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(found.mask[clip, 0], mask, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("like", ["kineograph", "wan-move"])
def test_a_grid_of_tracks_that_moves_by_a_cell_moves_the_latent(like: str) -> None:
    x, y = np.meshgrid(np.arange(6) * 8 + 4.5, np.arange(4) * 8 + 4.5)
    start = np.stack([x, y], axis=-1).reshape(-1, 1, 2)
    tracks = seen(start + np.array([[0, 0], [8, 0], [8, 8]]), SIZE)
    if like == "kineograph":
        tracks = seen(start - 0.5 + np.array([[0, 0], [8, 0], [8, 8]]), SIZE)
    first = latent()
    found = propagate_latent(first, tracks, like=like)
    torch.testing.assert_close(found.latents[:, :, 0], first)
    torch.testing.assert_close(found.latents[:, :, 1, :, 1:], first[..., :5])
    torch.testing.assert_close(found.latents[:, :, 2, 1:, 1:], first[..., :3, :5])
    assert not found.latents[:, :, 1:, :, 0].any()
    assert found.mask[0, 0].sum(dim=(1, 2)).tolist() == [24, 20, 15]


def test_half_a_cell_is_half_in_each() -> None:
    first, base = latent(), latent(1, 2)
    found = propagate_latent(first, along([[12, 12], [16, 12]]), base=base)
    carried = first[0, :, 1, 1]
    for column in (1, 2):
        expected = 0.5 * carried + 0.5 * base[0, :, 1, 1, column]
        torch.testing.assert_close(found.latents[0, :, 1, 1, column], expected)
    assert found.mask[0, 0, 1, 1].tolist() == [0, 0.5, 0.5, 0, 0, 0]
    assert torch.equal(found.latents[0, :, 1, 0], base[0, :, 1, 0])


def test_wan_move_loses_what_is_less_than_a_cell_and_k_frames() -> None:
    first = latent()
    small = along([[9, 9], [15, 9], [9, 15], [15, 15], [10, 10]])
    found = propagate_latent(first, small, like="wan-move", frames_per_latent=4)
    assert torch.equal(found.latents[0, :, 1, 1, 1], first[0, :, 1, 1])
    assert found.mask[0, 0, 1].count_nonzero() == 1
    assert propagate_latent(first, small, frames_per_latent=4).mask[0, 0, 1].count_nonzero() == 4


def test_a_track_that_enters_late_copies_the_corner_in_wan_move_and_is_marked_here() -> None:
    late = seen([[[12, 12], [12, 12]]], SIZE, state=np.array([[2, 1]], np.uint8))
    first = latent()
    wan = propagate_latent(first, late, like="wan-move")
    assert torch.equal(wan.latents[0, :, 1, 1, 1], first[0, :, 3, 5])
    mended = propagate_latent(first, late)
    assert not mended.latents[:, :, 1].any()
    assert mended.mask[0, 0, 1, 1, 1] == -1
    assert mended.mask[0, 0, 1].count_nonzero() == 1


def test_the_nearer_wins_and_else_the_later() -> None:
    first = latent()
    meet = [[[4, 4], [20, 12]], [[12, 28], [20, 12]], [[36, 12], [20, 12]]]
    for depth, source in [
        (None, (1, 4)),
        ([[1, 1], [2, 2], [3, 3]], (0, 0)),
        ([[2, 2], [1, 1], [3, 3]], (3, 1)),
        ([[2, 2], [1, 1], [1, 1]], (1, 4)),
    ]:
        tracks = seen(meet, SIZE, depth=depth)
        found = propagate_latent(first, tracks)
        torch.testing.assert_close(found.latents[0, :, 1, 1, 2], first[0, :, source[0], source[1]])
        assert found.mask.max() == 1


def test_what_is_behind_fills_what_is_left() -> None:
    first = latent()
    tracks = seen([[[4, 4], [20, 12]], [[44, 28], [24, 12]]], SIZE, depth=[[2, 2], [1, 1]])
    found = propagate_latent(first, tracks)
    front, back = first[0, :, 3, 5], first[0, :, 0, 0]
    torch.testing.assert_close(found.latents[0, :, 1, 1, 2], 0.5 * front + 0.5 * back)
    torch.testing.assert_close(found.latents[0, :, 1, 1, 3], 0.5 * front)


def test_strength_is_how_much_is_written() -> None:
    first, base = latent(), latent(1, 2)
    tracks = seen([[[12, 12], [20.4, 12.4]]], SIZE, strength=[0.25])
    wan = propagate_latent(first, tracks, like="wan-move", base=base)
    expected = 0.25 * first[0, :, 1, 1] + 0.75 * base[0, :, 1, 1, 2]
    torch.testing.assert_close(wan.latents[0, :, 1, 1, 2], expected)
    assert wan.mask[0, 0, 1, 1, 2] == 0.25
    found = propagate_latent(first, tracks)
    assert found.mask[0, 0, 1].sum().item() == pytest.approx(0.25)


def test_a_short_last_group_is_its_own_mean() -> None:
    points = [[4, 4], [12, 12], [20, 12], [28, 12], [44, 12]]
    found = propagate_latent(latent(), along(points), frames_per_latent=3)
    assert found.latents.shape[2] == 3
    assert found.mask[0, 0, 1].nonzero().tolist() == [[1, 2]]
    assert found.mask[0, 0, 2].nonzero().tolist() == [[1, 5]]


def test_a_border_cell_keeps_the_whole_of_a_point_near_the_border() -> None:
    first = latent()
    found = propagate_latent(first, along([[0, 0], [0.5, 0.5], [47.9, 31.9]]))
    torch.testing.assert_close(found.latents[0, :, 1, 0, 0], first[0, :, 0, 0])
    torch.testing.assert_close(found.latents[0, :, 2, 3, 5], first[0, :, 0, 0])
    torch.testing.assert_close(found.mask[0, 0, 1:].sum(dim=(1, 2)), torch.ones(2))


def test_tracks_that_say_nothing_leave_the_base() -> None:
    first, base = latent(), latent(1, 9)
    for tracks in (batch(wandering(0)).cleared(), TrackBatch.of([None], frames=9, size=SIZE)):
        for like in ("kineograph", "wan-move"):
            found = propagate_latent(first, tracks, base=base, like=like)
            assert torch.equal(found.latents[:, :, 1:], base[:, :, 1:])
            assert not found.mask[:, :, 1:].any()
            assert found.mask[:, :, 0].all()
    alone = TrackBatch.of([None], frames=1, size=SIZE)
    assert propagate_latent(first, alone).latents.shape == (1, 5, 1, 4, 6)


def test_the_seed_decides_who_wins_in_wan_move() -> None:
    meet = seen([[[4 + 8 * (n % 6), 4 + 8 * (n // 6)], [20, 12]] for n in range(24)], SIZE)
    found = [
        propagate_latent(latent(), meet, like="wan-move", generator=seeded(seed)).latents
        for seed in (0, 0, 1)
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("like", ["kineograph", "wan-move"])
def test_half_precision(dtype: torch.dtype, like: str) -> None:
    tracks = batch(wandering(0))
    found = propagate_latent(latent().to(dtype), tracks, like=like, base=latent(1, 9).to(dtype))
    assert found.latents.dtype == found.mask.dtype == dtype
    full = propagate_latent(latent(), tracks, like=like, base=latent(1, 9))
    torch.testing.assert_close(found.latents.float(), full.latents, atol=0.03, rtol=0.02)


def test_what_does_not_fit_is_refused() -> None:
    tracks = batch(wandering(0))
    with pytest.raises(ModelError, match="latent is 6x4 cells and the tracks are for 12x8"):
        propagate_latent(latent(), tracks, stride=4)
    with pytest.raises(ModelError, match="latents of 2 first frames were given for the tracks of"):
        propagate_latent(latent(2), tracks)
    with pytest.raises(ModelError, match=r"a base of shape \(1, 5, 3, 4, 6\) was given; it has to"):
        propagate_latent(latent(), tracks, base=latent(1, 3))
    with pytest.raises(ModelError, match="9 frames does not fold to latents of 3"):
        propagate_latent(latent(), tracks, frames_per_latent=3, like="wan-move")
