"""DINO and DINOv2: vision transformers taught without labels (arXiv 2104.14294, 2304.07193)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from kineograph.evaluation.backbones.folders import check_kind, colours_of, load_network, told
from kineograph.evaluation.backbones.normal import unit_rows
from kineograph.evaluation.backbones.resizing import IMAGENET_COLOURS, View

BATCH = 16
"""Pictures that go through the network at once."""

DinoView = Literal["own", "whole"]


class Dino:
    """DINO's class token, from a folder of transformers such as facebook/dino-vitb16.

    Views: "own" prepares pictures as DINO's authors do for evaluation: the shorter side to 256
    (8/7 of the network's 224), bicubic and rounded to bytes as Pillow does, the middle 224 cut out.
    "whole" is VBench's way in its subject consistency: the shorter side to 224, bilinear without
    smoothing nor rounding, nothing cut; positions are interpolated where a picture is not square
    (bicubic to the grid's size; the original adds a tenth of a cell to it).

    Args:
        place: the folder.
        device: where it runs.

    Raises:
        EvaluationError: the folder is broken or holds something else.
    """

    name: ClassVar[str] = "dino"
    kinds: ClassVar[tuple[str, ...]] = ("vit",)
    options: ClassVar[Mapping[str, Any]] = {"add_pooling_layer": False}
    side: ClassVar[int | None] = None
    """Of the pictures; the network's own if None."""

    def __init__(self, place: Path, device: str = "cpu") -> None:
        from transformers import AutoModel

        config = check_kind(place, self.name, self.kinds)
        self._network = load_network(AutoModel, place, self.name, **self.options).to(device)
        with told(place, self.name):
            colours = colours_of(place, IMAGENET_COLOURS)
        self._device = device
        side = self.side or int(self._network.config.image_size)
        patch = int(self._network.config.patch_size)
        self._views: Mapping[DinoView, View] = {
            "own": View(side * 8 // 7, side, colours=colours),
            "whole": View(side, None, mode="bilinear", pillow=False, colours=colours),
        }
        called = config.get("_name_or_path") or place.name
        self.said = f"{self.name}, {called} ({side} px, patch {patch})"

    @torch.inference_mode()
    def pictures(
        self, frames: UInt8[np.ndarray, "n height width 3"], view: DinoView = "own"
    ) -> Float32[np.ndarray, "n features"]:
        """Unit features of pictures: the class token after the last norm.

        Raises:
            EvaluationError: a feature is not finite.
        """
        prepare = self._views[view]
        made = [
            self._classes(prepare(part, self._device))
            for part in np.array_split(frames, range(BATCH, len(frames), BATCH))
        ]
        return unit_rows(torch.cat(made), self.name)

    def _classes(self, pixels: Any) -> Any:
        made = self._network(pixel_values=pixels, interpolate_pos_encoding=True)
        return made.last_hidden_state[:, 0]


class DinoV2(Dino):
    """DINOv2's class token, from a folder of transformers such as facebook/dinov2-base.

    See `Dino`; pictures are 224 pixels, as in its authors' evaluation, not the 518 it was last
    trained at.
    """

    name = "dinov2"
    kinds = ("dinov2", "dinov2_with_registers")
    options: ClassVar[Mapping[str, Any]] = {}
    side = 224

    def _classes(self, pixels: Any) -> Any:
        return self._network(pixel_values=pixels).last_hidden_state[:, 0]
