"""The first frame's latent carried along the tracks, as channels at the input."""

import numpy as np
import pytest
import torch

from clip_given import (
    BASES,
    BATCH,
    FRAMES,
    SIZE,
    both_bases,
    clips,
    prediction,
    shaken,
)
from kineograph.conditioning.gaussian_propagation import propagate_gaussian
from kineograph.conditioning.latent_propagation import propagate_latent
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.errors import ModelError
from kineograph.core.tracks import Tracks
from kineograph.models.tracks.propagation import TrackPropagation

METHODS = [
    ("latent", "kineograph"),
    ("latent", "wan-move"),
    ("gaussian", "kineograph"),
    ("gaussian", "ati"),
]


@both_bases
@pytest.mark.parametrize("method, like", METHODS)
def test_at_first_nothing_changes_and_later_it_does(family: str, method: str, like: str) -> None:
    unet = BASES[family]()
    bare = prediction(unet, {}, clips())
    adapter = TrackPropagation.for_base(unet, method=method, like=like)
    assert torch.equal(prediction(unet, {"p": adapter}, clips()), bare)
    made = prediction(unet, {"p": shaken(adapter)}, clips())
    assert not torch.allclose(made, bare, atol=1e-4)


def test_the_channels_are_the_latent_carried_the_mask_and_the_plain_latent() -> None:
    given = clips()
    adapter = TrackPropagation.for_base(BASES["animatediff"](), plain=True)
    channels = adapter.condition(given).channels
    wanted = propagate_latent(given.picture_latent, given.tracks, stride=2)
    assert channels.shape == (BATCH, 9, FRAMES, 6, 8) and adapter.conv.in_channels == 9
    assert torch.equal(channels[:, :4], wanted.latents)
    assert torch.equal(channels[:, 4:5], wanted.mask)
    for frame in range(FRAMES):
        assert torch.equal(channels[:, 5:, frame], given.picture_latent)


def test_soft_spots_are_atis() -> None:
    given = clips()
    adapter = TrackPropagation.for_base(BASES["animatediff"](), method="gaussian", like="ati")
    wanted = propagate_gaussian(given.picture_latent, given.tracks, stride=2, like="ati")
    channels = adapter.condition(given).channels
    assert torch.equal(channels, torch.cat([wanted.latents, wanted.mask], dim=1))


@pytest.mark.parametrize("method", ["latent", "gaussian"])
def test_a_track_through_cell_centres_copies_its_cell(method: str) -> None:
    # cells of 2x2 pixels; the middle of cell (row 1, column 0) is (1, 3)
    points = np.array([[[1, 3], [7, 9], [15, 3]]], np.float32)
    tracks = TrackBatch.of([Tracks.of(points, size=SIZE, fps=8.0), None], frames=FRAMES, size=SIZE)
    given = clips(tracks=tracks)
    adapter = TrackPropagation.for_base(BASES["animatediff"](), method=method)
    channels = adapter.condition(given).channels
    source = given.picture_latent[0, :, 1, 0]
    torch.testing.assert_close(channels[0, :4, 1, 4, 3], source)
    torch.testing.assert_close(channels[0, :4, 2, 1, 7], source)
    torch.testing.assert_close(channels[0, 4, 1, 4, 3], torch.tensor(1.0))
    if method == "latent":
        assert channels[0, 4, 1].count_nonzero() == 1
    assert not channels[1, :, 1:].any()
    assert torch.equal(channels[1, :4, 0], given.picture_latent[1])


def test_without_tracks_only_the_first_frame_is_there() -> None:
    adapter = TrackPropagation.for_base(BASES["animatediff"]())
    for given in (clips(tracks=None), clips().without("tracks")):
        channels = adapter.condition(given).channels
        assert torch.equal(channels[:, :4, 0], given.picture_latent)
        assert (channels[:, 4, 0] == 1).all() and not channels[:, :, 1:].any()


def test_without_a_picture_there_is_nothing_to_carry() -> None:
    unet = BASES["animatediff"]()
    adapter = shaken(TrackPropagation.for_base(unet, plain=True))
    one = adapter.condition(clips(picture_given=torch.tensor([False, True]))).channels
    assert not one[0].any()
    torch.testing.assert_close(one[1], adapter.condition(clips()).channels[1])
    bare = prediction(unet, {}, clips())
    for given in (clips(picture=None, picture_latent=None), clips().without("picture")):
        assert torch.equal(prediction(unet, {"p": adapter}, given), bare)


def test_frames_are_grouped_for_latents_that_compress_time() -> None:
    points = np.full((1, 5, 2), 3, np.float32)
    tracks = TrackBatch.of([Tracks.of(points, size=SIZE, fps=8.0)] * 2, frames=5, size=SIZE)
    adapter = TrackPropagation.for_base(BASES["animatediff"](), frames_per_latent=4, plain=True)
    condition = adapter.condition(clips(frames=5, tracks=tracks))
    assert condition.channels.shape == (BATCH, 9, 2, 6, 8) and condition.frames == 2


def test_what_does_not_suit_is_refused() -> None:
    unet = BASES["animatediff"]()
    with pytest.raises(ModelError, match="gaussian propagation like 'wan-move' was asked for"):
        TrackPropagation.for_base(unet, method="gaussian", like="wan-move")
    with pytest.raises(
        ModelError, match=r"latent propagation like 'ati' .* kineograph or wan-move"
    ):
        TrackPropagation.for_base(unet, like="ati")
    adapter = TrackPropagation.for_base(unet)
    other = TrackBatch.of([None, None], frames=FRAMES, size=(32, 12))
    with pytest.raises(ModelError, match="of 32x12 and the clip is 16x12; resize them"):
        adapter.condition(clips(tracks=other))
    with pytest.raises(ModelError, match="given without its latent"):
        adapter.condition(clips(picture_latent=None))
