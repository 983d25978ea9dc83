"""Adapters on disk: a folder of config.json, model.safetensors and a model card."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.core.files import whole_folder
from kineograph.models.adapter import Adapter
from kineograph.models.checkpoint import compare_keys, read_tensors, write_tensors
from kineograph.models.kinds import ADAPTERS

FORMAT = 1
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"


def adapter_class(kind: str) -> type[Adapter]:
    """The class of a kind of adapter.

    Raises:
        ModelError: there is no such kind.
    """
    if kind not in ADAPTERS:
        raise ModelError(f"there is no adapter {kind!r}; there are: {', '.join(sorted(ADAPTERS))}")
    module, _, name = ADAPTERS[kind].partition(":")
    found: type[Adapter] = getattr(import_module(module), name)
    return found


def save_adapter(adapter: Adapter, folder: Path | str, card: str | None = None) -> None:
    """Write an adapter, whole or not at all; an adapter that stood there is replaced.

    Args:
        adapter: what to write.
        folder: where.
        card: the model card, Markdown; a short one is written if None.

    Raises:
        OutputError: it cannot be written, or something else stands there.
    """
    path = Path(folder)
    said = {
        "kind": adapter.kind,
        "format": FORMAT,
        "config": adapter.config.model_dump(mode="json"),
    }
    with whole_folder(path, replaceable=(path / CONFIG).is_file()) as partial:
        (partial / CONFIG).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        write_tensors(partial / WEIGHTS, adapter.state_dict(), {"kind": adapter.kind})
        (partial / CARD).write_text(card or short_card(adapter), encoding="utf-8")


def load_adapter(folder: Path | str) -> Adapter:
    """Read an adapter, on the CPU, in evaluation mode and of the type it was saved in.

    Raises:
        ModelError: the folder is missing, broken, or of something else.
    """
    path = Path(folder)
    said = read_config(path)
    made = build_adapter(said, path)
    tensors = read_tensors(path / WEIGHTS)
    return fill_adapter(made, tensors, str(path)).eval()


def build_adapter(said: dict[str, Any], where: Path | str) -> Adapter:
    """The adapter that a config describes, its weights on the meta device.

    Raises:
        ModelError: the kind is unknown or the config does not fit it.
    """
    kind = adapter_class(said["kind"])
    try:
        config = kind.config_of(**said["config"])
    except ModelError as error:
        raise ModelError(
            f"{where} was written by another version, or changed by hand: {error}"
        ) from None
    with torch.device("meta"):
        return kind(config)


def fill_adapter(adapter: Adapter, tensors: dict[str, Tensor], where: str) -> Adapter:
    """Give a built adapter its weights, every one and no other.

    Raises:
        ModelError: keys are missing, surplus or of another shape.
    """
    compare_keys(tensors, adapter.state_dict(), f"the {adapter.kind} adapter {where}")
    adapter.load_state_dict(tensors, assign=True)
    return adapter


def read_config(path: Path) -> dict[str, Any]:
    """What an adapter's config.json says; neither weights nor torch's random state are touched.

    Raises:
        ModelError: there is none, or it is not an adapter's.
    """
    if not path.is_dir():
        raise ModelError(f"there is no folder {path} with an adapter in it")
    try:
        said = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} holds no adapter: {CONFIG} is missing or not JSON; convert other layouts with "
            "`kineograph models convert`"
        ) from error
    if not isinstance(said, dict) or not {"kind", "format", "config"} <= set(said):
        raise ModelError(
            f"{path} holds no adapter of Kineograph: its {CONFIG} has no kind; convert other "
            "layouts with `kineograph models convert`"
        )
    if said["format"] != FORMAT:
        raise ModelError(
            f"{path} holds an adapter of format {said['format']}; this version reads {FORMAT}; "
            "update Kineograph"
        )
    return said


def short_card(adapter: Adapter, note: str = "") -> str:
    """A model card with what the adapter itself knows."""
    base, count = adapter.config.base, sum(held.numel() for held in adapter.parameters())
    lines = [
        f"# {adapter.kind} adapter",
        "",
        f"- reads: {', '.join(sorted(adapter.reads)) or 'nothing that a document holds'}",
        f"- base: {base.family}, channels {list(base.widths)}, text width {base.text_width}",
        f"- parameters: {count:,}",
        *([f"- {note}"] if note else []),
    ]
    return "\n".join(lines) + "\n"
