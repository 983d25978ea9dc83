"""Remembering features: each video once, by what is in it, within bounds."""

import numpy as np
import pytest
from random_weights import frames_of

from kineograph.evaluation.backbones.remembering import Remembering


class Network:
    """Counts what it is shown."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        self.seen += 1
        return frames.mean(axis=(1, 2)).astype(np.float32)


def test_a_video_is_seen_once_whatever_array_holds_it() -> None:
    remembered, network, video = Remembering(), Network(), frames_of(0, 4, (8, 6))
    first = remembered(network, video)
    flipped = remembered(network, video[:, ::-1])
    assert network.seen == 2 and not np.shares_memory(first, flipped)
    for again in (video.copy(), video[:, ::-1][:, ::-1]):
        np.testing.assert_array_equal(remembered(network, again), first)
    np.testing.assert_array_equal(first, network(video))
    assert network.seen == 3


def test_the_same_bytes_in_another_shape_are_another_video() -> None:
    remembered, network, video = Remembering(), Network(), frames_of(0, 4, (8, 6))
    assert remembered(network, video).shape == (4, 3)
    assert remembered(network, video.reshape(2, 12, 8, 3)).shape == (2, 3)
    assert remembered(network, video.reshape(4, 8, 6, 3)).shape == (4, 3)
    assert network.seen == 3


def test_what_is_kept_is_bounded() -> None:
    videos = [frames_of(seed, 4, (8, 6)) for seed in range(3)]  # 48 bytes of features each
    remembered, network = Remembering(most=100), Network()
    for video in (*videos[:2], videos[0], videos[2]):
        remembered(network, video)  # the second goes
    assert network.seen == 3
    remembered(network, videos[0])
    assert network.seen == 3
    remembered(network, videos[1])
    assert network.seen == 4
    tight = Remembering(most=10)
    for _ in range(2):
        assert tight(network, videos[0]).shape == (4, 3)
    assert network.seen == 6


def test_what_is_given_cannot_be_changed_for_others() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Remembering()(Network(), frames_of(0, 2, (4, 4)))[0] = 1
