"""The parts of a model folder, each loaded whole or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from kineograph.core.errors import ModelError

_MADE = ("pos_embed.pe", "position_ids")
"""Ends of the names of tables that networks make themselves; files may have or lack them."""


def load_part(
    loader: Any, folder: Path, *, dtype: torch.dtype = torch.float32, device: Any = "cpu"
) -> Any:
    """A network from a folder of diffusers or transformers, in evaluation mode.

    Read from safetensors where there are some, else from torch's files as tensors only; nothing in
    them is run, and the network is not asked for.

    Args:
        loader: the class, with a `from_pretrained`.
        folder: with a config.json and weights.
        dtype: of its weights.
        device: where they go.

    Raises:
        ModelError: the folder is missing or broken, or holds the weights of another network.
    """
    check_folder(folder)
    options: dict[str, Any] = {"torch_dtype": dtype, "local_files_only": True}
    variant = _variant(folder)
    if variant:
        options["variant"] = variant
    with quiet():
        try:
            network, told = loader.from_pretrained(str(folder), output_loading_info=True, **options)
        except Exception as error:  # loaders fail in many ways
            raise ModelError(f"cannot load {folder}: {first_line(error)}") from error
        _check_whole(folder, told)
        return network.eval().to(device)


def load_plain(loader: Any, folder: Path) -> Any:
    """A tokenizer or processor from a folder.

    Raises:
        ModelError: the folder is missing or broken.
    """
    if not folder.is_dir():
        raise _missing(folder)
    with quiet():
        try:
            return loader.from_pretrained(str(folder), local_files_only=True)
        except Exception as error:  # loaders fail in many ways
            raise ModelError(f"cannot load {folder}: {first_line(error)}") from error


def check_folder(folder: Path) -> None:
    """Say whether a part is there.

    Raises:
        ModelError: it is not.
    """
    if not (folder / "config.json").is_file():
        raise _missing(folder)


def first_line(error: Exception) -> str:
    """An error of a library in one short line."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return lines[0].strip().rstrip(".:")[:200]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep diffusers and transformers from warning and from drawing bars meanwhile."""
    from diffusers.utils import logging as diffusers
    from transformers.utils import logging as transformers

    levels = diffusers.get_verbosity(), transformers.get_verbosity()
    bars = diffusers.is_progress_bar_enabled(), transformers.is_progress_bar_enabled()
    for library in (diffusers, transformers):
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, level, bar in zip((diffusers, transformers), levels, bars, strict=True):
            library.set_verbosity(level)
            if bar:
                library.enable_progress_bar()


def _missing(folder: Path) -> ModelError:
    return ModelError(
        f"{folder.parent} has no {folder.name}; give a folder in diffusers' layout, with unet, "
        "vae, text_encoder, tokenizer and scheduler in it"
    )


def _variant(folder: Path) -> str | None:
    """The variant in the names of a folder's weights, if all of them are of one."""
    names = [path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")]
    return "fp16" if names and all(".fp16." in name for name in names) else None


def _check_whole(folder: Path, told: dict[str, Any]) -> None:
    for key, what in (
        ("missing_keys", "lacks"),
        ("unexpected_keys", "has the unknown"),
        ("mismatched_keys", "has the misshapen"),
    ):
        names = _named(told.get(key) or ())
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise ModelError(
                f"the weights in {folder} do not fit its config: it {what} "
                f"{', '.join(names[:3])}{more}; fetch the model again"
            )


def _named(keys: Iterable[Any]) -> list[str]:
    names = (key if isinstance(key, str) else str(key[0]) for key in keys)
    return sorted(name for name in names if not name.endswith(_MADE))
