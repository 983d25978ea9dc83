"""What is left of a generated motion when nothing is asked."""

import numpy as np

from kineograph.engines.detail.calm import calmed


def test_a_camera_stays_and_what_single_parts_do_goes() -> None:
    time = np.linspace(0, 1, 4, dtype=np.float32)[:, None, None]
    columns = np.arange(12, dtype=np.float32)
    camera = np.stack([time * (0.1 * columns + 0.2) + np.zeros((1, 8, 1), np.float32)] * 2)
    motion = np.concatenate([camera, np.full((1, 4, 8, 12), -1, np.float32)])
    odd = motion.copy()
    odd[:2, :, 2:4, 3:5] += 2 * time
    made = calmed(odd)
    assert made.shape == motion.shape and made.dtype == np.float32
    assert np.abs(made[:2] - motion[:2]).max() < 0.06
    assert (made[2] > 0).all()
    assert not made[:2, 0].any()
