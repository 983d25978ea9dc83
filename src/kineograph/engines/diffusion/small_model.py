"""The model of engine `mini`, loaded: small clips with their motion, and the picture's detail."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.core.picture import fit
from kineograph.engines.base import Frame, Progress, Request
from kineograph.engines.detail.detail import Detail
from kineograph.engines.detail.heeded import heeded
from kineograph.engines.detail.times import at_keys, frames_between, motion_between
from kineograph.engines.diffusion.generation import Generation
from kineograph.engines.diffusion.model import Model
from kineograph.engines.lowering import asked_tracks
from kineograph.engines.mini import MiniSettings, unet_settings
from kineograph.engines.read_text import read_part
from kineograph.engines.unet import UnetSettings
from kineograph.models import vae
from kineograph.models.short_attention import attend_shortly

AT_ONCE = 16
"""Frames that are decoded at once."""

STEP = 32
"""What the sides that it works at are multiples of: its stride on its coarsest level."""

MOST = 3
"""Longer sides at most, in shorter ones; beyond it the model sees a picture squeezed."""


@dataclass(frozen=True, eq=False)
class Small:
    """What the model generated.

    Args:
        images: its frames.
        motion: of the first frame's parts; where it is not to be the model's own, as far as it is
            asked for (`detail.heeded`). None without a picture, or where the model says none.
    """

    images: UInt8[np.ndarray, "keys height width 3"]
    motion: Float32[np.ndarray, "3 keys rows columns"] | None


@dataclass(frozen=True, eq=False)
class SmallModel:
    """A loaded model that clips are made with, one after the other."""

    model: Model

    @staticmethod
    def load(settings: MiniSettings) -> "SmallModel":
        """Load the folder that the settings name.

        Raises:
            ModelError: it is missing or broken.
        """
        model = Model.load(unet_settings(settings))
        attend_shortly(model.base.unet)
        return SmallModel(model)

    def serves(self, settings: MiniSettings) -> bool:
        """Whether it is what other settings name as well."""
        return self.model.serves(unet_settings(settings))

    def frames(
        self, request: Request, settings: MiniSettings, progress: Progress | None = None
    ) -> Iterator[Frame]:
        """The frames of a request.

        Args:
            request: what is asked, lowered.
            settings: of the engine.
            progress: told of the denoising steps.
        """
        painted = request.picture is None
        if painted and settings.detail:
            request = self._with_picture(request, settings)
        if request.picture is not None and request.frames == 1:
            yield Frame(
                request.picture, np.full(request.size[::-1], 0 if painted else 255, np.uint8)
            )
            return
        small = self._small(request, settings, progress)
        images = frames_between(small.images, request.frames)
        if small.motion is None or not settings.detail:
            yield from _plain(images, request.size)
            return
        assert request.picture is not None
        motion = motion_between(small.motion, request.frames)
        tracks = asked_tracks(request) if settings.motion == "asked" else None
        made = Detail(request.picture, motion, images, tracks, request.fps)
        for frame in made:
            known = frame.known if not painted else np.zeros_like(frame.image[..., 0])
            yield Frame(frame.image, known)

    def _with_picture(self, request: Request, settings: MiniSettings) -> Request:
        """The request with a picture that the model paints for its text."""
        alone = replace(request, frames=1, tracks=None, boxes=None)
        first = self._small(alone, settings, None).images[0]
        return replace(request, picture=fit(first, request.size))

    def _small(self, request: Request, settings: MiniSettings, progress: Progress | None) -> Small:
        told: UnetSettings = unet_settings(settings, request.text)
        asked = _asked(request, settings, self.model.base.description.folder)
        latents = Generation(self.model, asked, told).latents(progress)
        channels = self.model.base.description.channels
        parts = vae.decode(self.model.base.vae, latents[:, :channels], slices=AT_ONCE)
        images = np.concatenate([part[0].numpy() for part in parts])
        motion = latents[0, channels:].float().cpu().numpy()
        if len(motion) == 0 or request.picture is None:
            return Small(images, None)
        if settings.motion == "own" or not settings.detail:
            return Small(images, motion)
        return Small(images, heeded(motion, asked, request.picture))


def _asked(request: Request, settings: MiniSettings, model: Path) -> Request:
    """The request as the model makes it: small, and in key frames."""
    keyed = at_keys(request, settings.keys if request.frames > 1 else 1)
    size = small_size(request.size, settings.side)
    return replace(
        keyed,
        size=size,
        text=read_part(request.text, model),
        negative_text=read_part(request.negative_text, model),
        picture=None if request.picture is None else fit(request.picture, size),
        tracks=None if keyed.tracks is None else keyed.tracks.resize(size),
        boxes=None if keyed.boxes is None else keyed.boxes.resize(size),
    )


def small_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """(width, height) that the model works at: about the same shape, in its steps.

    Args:
        size: (width, height) of the clip.
        side: of the shorter side.
    """
    scale = side / min(size)
    longest = MOST * side // STEP * STEP
    width, height = (
        min(max(STEP, round(length * scale / STEP) * STEP), longest) for length in size
    )
    return width, height


def _plain(
    images: UInt8[np.ndarray, "frames rows columns 3"], size: tuple[int, int]
) -> Iterator[Frame]:
    """Generated frames at the size that was asked for; nothing in them is from a picture."""
    for image in images:
        grown = fit(image, size)
        yield Frame(grown, np.zeros_like(grown[..., 0]))
