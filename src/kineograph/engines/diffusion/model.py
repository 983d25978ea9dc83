"""A loaded model: the base, the adapters on it, and where it computes."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from kineograph.engines.base import Progress
from kineograph.engines.diffusion.device import Place, choose
from kineograph.engines.diffusion.memory import prepare
from kineograph.engines.unet import UnetSettings
from kineograph.engines.weight_paths import with_scale
from kineograph.models.adapter import Adapter
from kineograph.models.adapter_folder import load_adapter
from kineograph.models.base import Base, load_base
from kineograph.models.denoiser import Denoiser
from kineograph.models.description import describe_adapter
from kineograph.models.motion_module import follow_original
from kineograph.models.personal import Personal

LOADED_BY = (
    "model",
    "motion",
    "checkpoint",
    "original_norms",
    "loras",
    "adapters",
    "device",
    "dtype",
    "memory",
    "compile",
)
"""The settings that decide what is loaded and where; the others are free from clip to clip."""


@dataclass(eq=False)
class Model:
    """What engine `unet` generates with.

    Args:
        base: the frozen base, LoRAs applied.
        adapters: on it, by name.
        place: where the networks compute, and in which numbers.
        settings: that it was loaded by.
    """

    base: Base
    adapters: dict[str, Adapter]
    place: Place
    settings: UnetSettings
    denoiser: Denoiser = field(init=False)

    def __post_init__(self) -> None:
        self.denoiser = Denoiser(self.base.unet, self.adapters).eval()

    @staticmethod
    def load(settings: UnetSettings, progress: Progress | None = None) -> "Model":
        """Load what the settings name.

        Raises:
            ModelError: something is missing, broken or does not fit.
        """
        place = choose(settings.device, settings.dtype)
        base = load_base(
            settings.model,
            motion=settings.motion,
            checkpoint=settings.checkpoint,
            dtype=place.dtype,
        )
        loras = Personal.of(base)
        for given in settings.loras:
            path, scale = with_scale(given)
            loras.add(path, float(scale or 1))
        adapters = dict(base.adapters)
        for folder in settings.adapters:
            adapters[describe_adapter(Path(folder)).name] = load_adapter(folder)
        for adapter in adapters.values():
            adapter.to(dtype=place.dtype).requires_grad_(False)
        if settings.original_norms:
            follow_original(base.unet, adapters=adapters.values())
        model = Model(base, adapters, place, settings)
        prepare(model.networks(), settings.memory, device=place.device, compiled=settings.compile)
        return model

    def serves(self, settings: UnetSettings) -> bool:
        """Whether it is what other settings name as well."""
        return all(getattr(self.settings, name) == getattr(settings, name) for name in LOADED_BY)

    def networks(self) -> dict[str, nn.Module]:
        """Every network by name."""
        own = {f"adapters/{name}": held for name, held in self.adapters.items()}
        return {**self.base.networks, **own}

    @property
    def device(self) -> torch.device:
        """Where the networks compute; their weights may wait elsewhere."""
        return self.place.device

    @property
    def dtype(self) -> torch.dtype:
        """What the networks compute in."""
        return self.place.dtype
