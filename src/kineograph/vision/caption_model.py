"""Captions by a learned model, through transformers: BLIP, GIT and others of its kind."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from kineograph.core.errors import VisionError
from kineograph.vision.eyes import EYES
from kineograph.vision.weights import load

WORDS = 40
"""How many tokens a caption may have."""


class CaptionModel:
    """Says what a picture shows; see `Captioner`.

    Args:
        weights: a folder, or a name on the hub, of an image-to-text model of transformers that
            needs no prompt, such as BLIP, with its tokenizer and image processor.
        device: where it runs: "cpu", "cuda", "cuda:1".

    Raises:
        VisionError: the weights are missing, or those of something else.
    """

    def __init__(self, weights: str | Path, device: str = "cpu") -> None:
        from transformers import AutoModelForImageTextToText, AutoTokenizer

        eye = EYES["caption"]["model"]
        self._model: Any = load(AutoModelForImageTextToText.from_pretrained, weights, eye)
        self._model = self._model.to(device).eval()
        self._words: Any = load(AutoTokenizer.from_pretrained, weights, eye)
        self._look: Any = load(_processor(self._model.config.model_type), weights, eye)
        self._device = device

    def __call__(self, picture: UInt8[np.ndarray, "height width 3"]) -> str:
        """A sentence about an RGB picture, without a full stop at its end.

        Raises:
            VisionError: the model has nothing to say.
        """
        import torch

        pixels = self._look(images=Image.fromarray(picture), return_tensors="pt").pixel_values
        with torch.inference_mode():
            tokens = self._model.generate(
                pixel_values=pixels.to(self._device), max_new_tokens=WORDS, do_sample=False
            )
        said = self._words.batch_decode(tokens, skip_special_tokens=True)[0]
        sentence = " ".join(said.split()).rstrip(" .")
        if not sentence:
            raise VisionError("the caption model says nothing about this picture; write the text")
        return sentence


def _processor(kind: str) -> Any:
    """The loader of a model's picture preparation, in the form that needs no torchvision."""
    import transformers

    names = {"blip": "BlipImageProcessorPil", "git": "CLIPImageProcessorPil"}
    name = names.get(kind)
    found = getattr(transformers, name, None) if name else None
    return (found or transformers.AutoImageProcessor).from_pretrained
