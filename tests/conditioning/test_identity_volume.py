"""The identity volume of Motion Prompting."""

import pytest
import torch
from plain_loops import identity_loop, sinusoid
from wandering import batch, seen, wandering

from kineograph.conditioning.cells import workplace
from kineograph.conditioning.identity_volume import draw_ids, identity_embedding, identity_volume
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def wanderers() -> TrackBatch:
    return batch(wandering(0, count=200), wandering(1, count=60), None)


@pytest.mark.parametrize("stride", [1, 2, 8])
def test_equals_the_plain_loop(stride: int) -> None:
    tracks = wanderers()
    ids = draw_ids(3, tracks.count, generator=seeded())
    volume = identity_volume(tracks, stride=stride, ids=ids)
    assert volume.shape == (3, 64, 9, 32 // stride, 48 // stride)
    for clip in range(3):
        codes = torch.tensor([sinusoid(int(number), 64) for number in ids[clip]])
        expected = identity_loop(tracks, clip, codes, stride).permute(3, 0, 1, 2)
        torch.testing.assert_close(volume[clip], expected, atol=1e-5, rtol=1e-5)
    assert volume[:2].any()
    assert not volume[2].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype: torch.dtype) -> None:
    tracks = wanderers()
    ids = draw_ids(3, tracks.count, generator=seeded())
    volume = identity_volume(tracks, ids=ids, dtype=dtype)
    assert volume.dtype == dtype
    full = identity_volume(tracks, ids=ids)
    torch.testing.assert_close(volume.float(), full, atol=0.03, rtol=0.01)


def test_embedding_is_vaswanis() -> None:
    found = identity_embedding(torch.tensor([0, 1, 16383]), 64)
    expected = torch.tensor([sinusoid(number, 64) for number in (0, 1, 16383)])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert found[0].tolist() == [0, 1] * 32
    assert len(identity_embedding(torch.arange(16384)).unique(dim=0)) == 16384
    with pytest.raises(ModelError, match="7 channels were asked for; give an even number"):
        identity_embedding(torch.arange(3), 7)


def test_conditions_are_not_computed_where_operations_are_missing() -> None:
    places = [workplace(torch.device(name)).type for name in ("mps", "cuda", "cpu")]
    assert places == ["cpu", "cuda", "cpu"]


def test_identities_are_drawn_without_replacement_from_the_whole_pool() -> None:
    ids = draw_ids(2, 128 * 128, generator=seeded())
    for clip in ids:
        assert torch.equal(clip.sort().values, torch.arange(128 * 128))
    assert not torch.equal(ids[0], ids[1])
    with pytest.raises(ModelError, match="17 tracks were given and there are 16 identities"):
        draw_ids(1, 17, generator=seeded(), pool=16)


def test_the_seed_decides() -> None:
    tracks = wanderers()
    one, same, other = (
        identity_volume(tracks, generator=seeded(seed)).contiguous() for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_order_of_the_tracks_does_not_matter() -> None:
    tracks = batch(wandering(0, count=300, firm=True))
    ids = draw_ids(1, 300, generator=seeded())
    order = torch.randperm(300, generator=seeded(5))
    turned = TrackBatch(
        tracks.points[:, order], tracks.state[:, order], tracks.strength, None, tracks.size
    )
    one = identity_volume(tracks, ids=ids)
    other = identity_volume(turned, ids=ids[:, order])
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_codes_that_meet_are_summed_times_their_strength() -> None:
    tracks = seen([[[3.5, 1.5]], [[3.2, 1.9]]], (8, 4), strength=[1, 0.25])
    volume = identity_volume(tracks, ids=torch.tensor([[5, 9]]))
    expected = torch.tensor(sinusoid(5, 64)) + 0.25 * torch.tensor(sinusoid(9, 64))
    torch.testing.assert_close(volume[0, :, 0, 1, 3], expected)
    assert volume.abs().sum(1).count_nonzero() == 1


def test_cells_are_floored_and_the_far_edge_is_outside() -> None:
    points = [[[0.0, 0.0], [7.99, 3.99], [8.0, 2.0], [2.0, 4.0], [-0.4, 2.0]]]
    volume = identity_volume(seen(points, (8, 4)), stride=2, ids=torch.tensor([[3]]))
    assert volume[0].abs().sum(0).nonzero().tolist() == [[0, 0, 0], [1, 1, 3]]


def test_tracks_that_say_nothing_leave_zeros() -> None:
    volume = identity_volume(wanderers().cleared(), generator=seeded())
    assert not volume.any()
    none = TrackBatch.of([None], frames=3, size=(8, 8))
    assert identity_volume(none, generator=seeded()).shape == (1, 64, 3, 8, 8)


@pytest.mark.parametrize("released", [False, True])
def test_frames_fold_into_channels_the_first_alone(released: bool) -> None:
    tracks = wanderers()
    ids = draw_ids(3, tracks.count, generator=seeded())
    how = {"ids": ids, "stride": 4, "released_channel": released}
    flat = identity_volume(tracks, **how)
    folded = identity_volume(tracks, frames_per_latent=4, **how)
    codes = flat.shape[1]
    assert folded.shape == (3, 4 * codes, 3, 8, 12)
    assert not folded[:, : 3 * codes, 0].any()
    assert torch.equal(folded[:, 3 * codes :, 0], flat[:, :, 0])
    for latent in (1, 2):
        for slot in range(4):
            part = folded[:, slot * codes : (slot + 1) * codes, latent]
            assert torch.equal(part, flat[:, :, 4 * (latent - 1) + slot + 1])


def test_released_and_occluded_differ_in_their_own_channel() -> None:
    tracks = wanderers()
    ids = draw_ids(3, tracks.count, generator=seeded())
    volume = identity_volume(tracks, ids=ids, stride=4, released_channel=True)
    assert volume.shape[1] == 65
    torch.testing.assert_close(volume[:, :64], identity_volume(tracks, ids=ids, stride=4))
    expected = torch.zeros(3, 9, 8, 12)
    for b, n, t in tracks.occluded.nonzero().tolist():
        x, y = tracks.points[b, n, t].tolist()
        if 0 <= x < 48 and 0 <= y < 32:
            expected[b, t, int(y // 4), int(x // 4)] += tracks.strength[b, n]
    assert expected.any()
    torch.testing.assert_close(volume[:, 64], expected)


def test_channels_of_a_cell_lie_side_by_side() -> None:
    volume = identity_volume(wanderers(), generator=seeded())
    assert volume.is_contiguous(memory_format=torch.channels_last_3d)


def test_what_does_not_fit_is_refused() -> None:
    tracks = wanderers()
    with pytest.raises(ModelError, match="48x32 has no whole number of cells of 5 pixels"):
        identity_volume(tracks, stride=5, generator=seeded())
    with pytest.raises(ModelError, match="a latent stride of 0 was given"):
        identity_volume(tracks, stride=0, generator=seeded())
    with pytest.raises(ModelError, match=r"multiple of 3, such as 7 or 10"):
        identity_volume(tracks, frames_per_latent=3, generator=seeded())
    with pytest.raises(ModelError, match="0 frames a latent were given; give 1 or more"):
        identity_volume(tracks, frames_per_latent=0, generator=seeded())
    with pytest.raises(ModelError, match="neither ids nor a generator"):
        identity_volume(tracks)
    with pytest.raises(ModelError, match=r"ids of shape \(3, 5\) were given for 3 clips of 200"):
        identity_volume(tracks, ids=torch.zeros(3, 5, dtype=torch.int64))
    with pytest.raises(ModelError, match="200 tracks were given and there are 100 identities"):
        identity_volume(tracks, generator=seeded(), pool=100)
