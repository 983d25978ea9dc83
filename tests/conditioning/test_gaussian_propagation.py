"""The first frame's latent spread along the tracks in soft spots."""

import numpy as np
import pytest
import torch
from plain_loops import spots_loop
from wandering import batch, seen, wandering

from kineograph.conditioning import spots
from kineograph.conditioning.gaussian_propagation import propagate_gaussian
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError

SIZE = (48, 32)
"""6x4 cells of 8 pixels."""

WIDE = (832, 480)
"""104x60 cells of 8 pixels, as ATI is used."""


def latent(clips: int = 1, frames: int = 0, grid: tuple[int, int] = (4, 6)) -> torch.Tensor:
    """Random latents of first frames, or of a whole clip."""
    shape = (clips, 5, frames, *grid) if frames else (clips, 5, *grid)
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("like", ["kineograph", "ati"])
@pytest.mark.parametrize("per_latent", [1, 4])
@pytest.mark.parametrize("deep", [False, True])
def test_equals_the_plain_loop(like: str, per_latent: int, deep: bool) -> None:
    tracks = batch(wandering(0, deep=deep), None, wandering(1, count=1, deep=deep))
    latents = 1 + 8 // per_latent
    first, base = latent(3), latent(3, latents)
    found = propagate_gaussian(first, tracks, frames_per_latent=per_latent, like=like, base=base)
    assert found.mask.shape == (3, 1, latents, 4, 6)
    for clip in range(3):
        expected, mask = spots_loop(first[clip], tracks, clip, 8, per_latent, base[clip], like)
        torch.testing.assert_close(found.latents[clip], expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(found.mask[clip, 0], mask, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("like", ["kineograph", "ati"])
def test_a_search_around_tracks_finds_all_there_is(
    like: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, grid = (256, 128), (32, 64)
    tracks = batch(wandering(3, count=40, frames=3, size=size))
    first, base = latent(1, grid=grid), latent(1, 3, grid)
    found = propagate_gaussian(first, tracks, stride=4, like=like, base=base)
    expected, mask = spots_loop(first[0], tracks, 0, 4, 1, base[0], like)
    torch.testing.assert_close(found.latents[0], expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.mask[0, 0], mask, atol=1e-5, rtol=1e-4)
    monkeypatch.setattr(spots, "CHUNK", 1)
    again = propagate_gaussian(first, tracks, stride=4, like=like, base=base)
    assert torch.equal(again.latents, found.latents)


def test_weights_at_480p_are_atis() -> None:
    # cell 50 of ATI's axis, border to border, is at 50 * 832 / 103 pixels less 416
    x, y = 50 * 832 / 103 + 0.5, 30 * 480 / 59 + 0.5
    tracks = seen([[[x, y], [x, y]]], WIDE)
    found = propagate_gaussian(latent(1, grid=(60, 104)), tracks, like="ati")
    line = found.mask[0, 0, 1, 30, 50:54].tolist()
    step = 832 / 103 / 240
    assert line == pytest.approx([np.exp(-220 * (n * step) ** 2) for n in range(4)], abs=1e-4)
    assert line[1:] == pytest.approx([0.78, 0.37, 0.105], abs=0.01)
    middle = seen([[[404, 244], [404, 244]]], WIDE)
    mended = propagate_gaussian(latent(1, grid=(60, 104)), middle).mask[0, 0, 1, 30]
    expected = [np.exp(-220 * (n / 30) ** 2) for n in (1, 0, 1, 2, 3)]
    assert mended[49:54].tolist() == pytest.approx(expected, abs=1e-5)


def test_overlapping_spots_sum_beyond_1_in_ati_and_share_here() -> None:
    first, base = latent(), latent(1, 2)
    tracks = seen([[[12, 12], [20, 12]], [[36, 28], [20, 12]]], SIZE)
    # on ATI's axes, border to border, column 2 of 6 and row 1 of 4 are here
    there = [2 / 5 * 48 + 0.5, 1 / 3 * 32 + 0.5]
    stretched = seen([[[12, 12], there], [[36, 28], there]], SIZE)
    ati = propagate_gaussian(first, stretched, like="ati", base=base)
    assert ati.mask[0, 0, 1, 1, 2].item() == pytest.approx(2, abs=1e-5)
    found = propagate_gaussian(first, tracks, base=base)
    assert found.mask.max() == 1
    torch.testing.assert_close(found.latents[0, :, 1, 1, 2], first[0, :, 1, 1])


def test_the_nearer_takes_its_weight_first() -> None:
    first = latent()
    paths = [[[12, 12], [20, 12]], [[36, 28], [21, 12]]]
    front = propagate_gaussian(first, seen(paths, SIZE, depth=[[2, 2], [1, 1]]))
    weight = np.exp(-220 * (1 / 16) ** 2)
    expected = weight * first[0, :, 3, 4] + (1 - weight) * first[0, :, 1, 1]
    torch.testing.assert_close(front.latents[0, :, 1, 1, 2], expected, atol=1e-5, rtol=1e-5)
    behind = propagate_gaussian(first, seen(paths, SIZE, depth=[[1, 1], [2, 2]]))
    torch.testing.assert_close(behind.latents[0, :, 1, 1, 2], first[0, :, 1, 1])


def test_a_track_that_enters_late_is_marked_and_writes_nothing() -> None:
    late = seen([[[12, 12], [12, 12]]], SIZE, state=np.array([[2, 1]], np.uint8))
    first, base = latent(), latent(1, 2)
    found = propagate_gaussian(first, late, base=base)
    assert torch.equal(found.latents[:, :, 1], base[:, :, 1])
    assert found.mask[0, 0, 1, 1, 1] == -1
    ati = propagate_gaussian(first, late, base=base, like="ati")
    assert not torch.equal(ati.latents[:, :, 1], base[:, :, 1])


def test_a_short_last_group_and_strength() -> None:
    points = [[4, 4], [12, 12], [20, 12], [28, 12], [44, 12]]
    tracks = seen([points], SIZE, strength=[0.5])
    found = propagate_gaussian(latent(), tracks, frames_per_latent=3)
    assert found.latents.shape[2] == 3
    assert [mask.argmax().item() for mask in found.mask[0, 0, 1:]] == [6 + 2, 6 + 5]
    assert found.mask[0, 0, 1:].amax(dim=(1, 2)).tolist() == [0.5, 0.5]


def test_more_tracks_a_cell() -> None:
    meet = seen([[[12, 12], [20, 12]]] * 3, SIZE, strength=0.25)
    found = [propagate_gaussian(latent(), meet, top=top).mask.flatten()[-16] for top in (1, 2, 3)]
    assert [value.item() for value in found] == [0.25, 0.5, 0.75]


@pytest.mark.parametrize("like", ["kineograph", "ati"])
def test_tracks_that_say_nothing_leave_the_base(like: str) -> None:
    first, base = latent(), latent(1, 9)
    for tracks in (batch(wandering(0)).cleared(), TrackBatch.of([None], frames=9, size=SIZE)):
        found = propagate_gaussian(first, tracks, base=base, like=like)
        assert torch.equal(found.latents[:, :, 1:], base[:, :, 1:])
        assert not found.mask[:, :, 1:].any()
    alone = TrackBatch.of([None], frames=1, size=SIZE)
    assert propagate_gaussian(first, alone, like=like).latents.shape == (1, 5, 1, 4, 6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype) -> None:
    tracks = batch(wandering(0))
    found = propagate_gaussian(latent().to(dtype), tracks, like="ati")
    assert found.latents.dtype == found.mask.dtype == dtype
    full = propagate_gaussian(latent(), tracks, like="ati")
    torch.testing.assert_close(found.latents.float(), full.latents, atol=0.03, rtol=0.02)


def test_what_does_not_fit_is_refused() -> None:
    tracks = batch(wandering(0))
    with pytest.raises(ModelError, match="latent is 6x4 cells and the tracks are for 12x8"):
        propagate_gaussian(latent(), tracks, stride=4)
    with pytest.raises(ModelError, match="a temperature of 0 and the top 2 were given"):
        propagate_gaussian(latent(), tracks, temperature=0)
    with pytest.raises(ModelError, match="9 frames does not fold to latents of 3"):
        propagate_gaussian(latent(), tracks, frames_per_latent=3, like="ati")
