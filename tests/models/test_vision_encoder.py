"""Pictures as a vision encoder's tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from kineograph.core.errors import ModelError
from kineograph.models.base import load_base


def test_pictures_are_prepared_as_the_processor_does(tmp_path: Path) -> None:
    folder = tiny.tiny_model_folder(tmp_path / "model", vision=True)
    vision = load_base(folder).vision
    assert vision is not None and (vision.size, vision.width) == (32, 32)
    smooth = torch.linspace(0, 6, 64)
    picture = torch.stack([smooth.sin()[:, None] * (smooth[:48] + i).cos() for i in range(3)])
    frame = ((picture + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
    processor = tiny.tiny_image_processor()
    wanted = torch.from_numpy(np.array(processor(frame)["pixel_values"]))
    given = (torch.from_numpy(frame).permute(2, 0, 1).float() / 127.5 - 1)[None]
    assert (vision.prepare(given) - wanted).abs().max() < 0.03
    tokens = vision.tokens(given)
    assert tokens.shape == (1, 17, 32)
    assert not torch.allclose(vision.tokens(given, skip=1), tokens)
    with pytest.raises(ModelError, match="the vision encoder has 2 layers; give 0 to 1"):
        vision.tokens(given, skip=2)
