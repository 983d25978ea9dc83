"""CLIP: pictures and texts as directions in one space (Radford et al. 2021, arXiv 2103.00020)."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.folders import (
    check_kind,
    colours_of,
    load_network,
    remedy,
    told,
)
from kineograph.evaluation.backbones.normal import unit_rows
from kineograph.evaluation.backbones.resizing import CLIP_COLOURS, View

BATCH = 16
"""Pictures that go through the network at once."""

ClipView = Literal["own", "vbench"]


class ClipNetwork:
    """CLIP's two encoders, from a folder of transformers such as openai/clip-vit-base-patch32.

    Views: "own" prepares pictures as CLIP does: the shorter side to the network's (224), bicubic
    and rounded to bytes as Pillow does, the middle cut out. "vbench" is VBench's way with the
    frames of a video: bicubic without smoothing nor rounding.

    Args:
        place: the folder.
        device: where it runs.

    Raises:
        EvaluationError: the folder is broken or holds something else.
    """

    def __init__(self, place: Path, device: str = "cpu") -> None:
        from transformers import CLIPModel, CLIPTokenizer

        config = check_kind(place, "clip", ("clip",))
        self._network = load_network(CLIPModel, place, "clip").to(device)
        _check_words(place)
        with told(place, "clip"):
            self._tokenizer = CLIPTokenizer.from_pretrained(str(place), local_files_only=True)
            colours = colours_of(place, CLIP_COLOURS)
        self._device = device
        side = int(self._network.config.vision_config.image_size)
        self._views: Mapping[ClipView, View] = {
            "own": View(side, side, colours=colours),
            "vbench": View(side, side, pillow=False, colours=colours),
        }
        patch = self._network.config.vision_config.patch_size
        self.said = f"CLIP, {config.get('_name_or_path') or place.name} ({side} px, patch {patch})"

    @property
    def length(self) -> int:
        """Tokens of a text that are read, the marks of its start and end among them."""
        return int(self._network.config.text_config.max_position_embeddings)

    @torch.inference_mode()
    def pictures(
        self, frames: UInt8[np.ndarray, "n height width 3"], view: ClipView = "own"
    ) -> Float32[np.ndarray, "n features"]:
        """Unit features of pictures, the projected class token.

        Raises:
            EvaluationError: a feature is not finite.
        """
        prepare = self._views[view]
        made = [
            self._network.get_image_features(pixel_values=prepare(part, self._device)).pooler_output
            for part in np.array_split(frames, range(BATCH, len(frames), BATCH))
        ]
        return unit_rows(torch.cat(made), "clip")

    @torch.inference_mode()
    def text(self, text: str) -> Float32[np.ndarray, " features"]:
        """The unit feature of a text; of a longer one than `length` its beginning, with a warning.

        Raises:
            EvaluationError: a feature is not finite.
        """
        ids = self._tokenizer(text, verbose=False).input_ids
        if len(ids) > self.length:
            warnings.warn(
                f"a text of {len(ids) - 2} tokens is longer than CLIP reads; only its first "
                f"{self.length - 2} count in text similarities: {text[:60]}...",
                stacklevel=2,
            )
            ids = [*ids[: self.length - 1], ids[-1]]
        given = torch.tensor([ids], device=self._device)
        made = self._network.get_text_features(input_ids=given).pooler_output
        return unit_rows(made, "clip")[0]


def _check_words(place: Path) -> None:
    """There is a tokenizer; without its files transformers makes one that knows no word."""
    pair = all((place / name).is_file() for name in ("vocab.json", "merges.txt"))
    if not pair and not (place / "tokenizer.json").is_file():
        raise EvaluationError(
            f"{place} has neither tokenizer.json nor vocab.json and merges.txt; {remedy('clip')}"
        )
