"""A tiny model folder with adapters that read tracks and the picture, their weights random."""

from pathlib import Path

import torch

from kineograph.models.adapter_folder import adapter_class, save_adapter
from tiny import randomise, tiny_model_folder, tiny_motion_unet, tiny_unet3d

KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "tracks": ("track-control", {"stride": 2, "raster": 1, "channels": 16}),
    "picture": ("picture-concat", {}),
    "boxes": ("grounding", {}),
    "motion": ("joint-motion", {}),
}


def tiny_model(folder: Path, family: str, kinds: tuple[str, ...] = ("tracks", "picture")) -> Path:
    """Write the model with an adapter for each of `kinds`, named so, and return its folder."""
    tiny_model_folder(folder, family)
    unet = tiny_unet3d() if family == "modelscope" else tiny_motion_unet()
    for seed, name in enumerate(kinds):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            kind, options = KINDS[name]
            adapter = adapter_class(kind).for_base(unet, **options)
            randomise(adapter)
        save_adapter(adapter, folder / "adapters" / name)
    return folder
