"""Packing: what a stage exported as one folder in diffusers' layout, small enough to be shipped."""

from pathlib import Path

import torch

from kineograph.core.errors import TrainingError
from kineograph.core.files import whole_folder
from kineograph.models.adapter_folder import load_adapter, save_adapter, short_card
from kineograph.models.base import load_base
from kineograph.models.converting.card import NAME
from kineograph.models.description import ADAPTERS
from kineograph.training.export import engine_settings, write_base

MARK = "model_index.json"
"""By this file a folder is known as a model that may be replaced."""


def pack(export: Path | str, out: Path | str, *, dtype: torch.dtype = torch.float16) -> Path:
    """Write an export's base and all its adapters as one folder, which engines take by itself.

    Args:
        export: the folder that a stage wrote.
        out: the folder to write; a model that stands there is replaced.
        dtype: of all weights.

    Returns:
        The folder.

    Raises:
        TrainingError: low-rank changes belong to it, which such a folder has no place for.
        ModelError: a part is missing, broken or does not fit.
        OutputError: it cannot be written.
    """
    export, out = Path(export), Path(out)
    said = engine_settings(export)
    if said.get("loras"):
        raise TrainingError(
            f"{export} has low-rank changes, which a packed model has no place for; name it to "
            "engine unet as it is"
        )
    base = load_base(said["model"], motion=said.get("motion"), dtype=dtype)
    adapters = dict(base.adapters)
    for folder in map(Path, said["adapters"]):
        adapters[folder.name] = load_adapter(folder).to(dtype=dtype)
    with whole_folder(out, replaceable=(out / MARK).is_file()) as partial:
        write_base(base, partial)
        for name, adapter in adapters.items():
            save_adapter(adapter, partial / ADAPTERS / name, short_card(adapter))
        card = export / NAME
        (partial / NAME).write_text(card.read_text(encoding="utf-8"), encoding="utf-8")
    return out
