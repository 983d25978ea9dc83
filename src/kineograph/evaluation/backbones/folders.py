"""Networks from folders of transformers: whole, or a sentence that says what is wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.known import BACKBONES

Colours = tuple[float, float, float]

_MADE = ("position_ids",)
"""Ends of the names of tables that networks make themselves; files may have or lack them."""


def load_network(loader: Any, place: Path, name: str, **options: Any) -> Any:
    """A network in evaluation mode, in single precision.

    Read from safetensors where there are some, else from torch's files as tensors only; nothing in
    them is run, and the network is not asked for.

    Args:
        loader: the class, with a `from_pretrained`.
        place: the folder.
        name: the backbone's, for messages.
        options: passed on to the loader.

    Raises:
        EvaluationError: the folder is broken, or its weights do not fit its config.
    """
    import torch

    with _quiet(), told(place, name):
        network, loaded = loader.from_pretrained(
            str(place),
            local_files_only=True,
            output_loading_info=True,
            dtype=torch.float32,
            **options,
        )
    lacking = sorted(
        {*map(str, loaded.get("missing_keys") or ()), *_first(loaded.get("mismatched_keys") or ())}
    )
    lacking = [key for key in lacking if not key.endswith(_MADE)]
    if lacking:
        raise EvaluationError(
            f"the weights in {place} do not fit {name}: they lack {lacking[0]}"
            f"{f' and {len(lacking) - 1} more' if len(lacking) > 1 else ''}; {remedy(name)}"
        )
    return network.eval()


def check_kind(place: Path, name: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    """What a folder's config.json says, if it is of one of these kinds of networks.

    Raises:
        EvaluationError: there is none, it cannot be read, or it is of another kind.
    """
    path = place / "config.json"
    if not path.is_file():
        raise EvaluationError(
            f"{place} is no folder of transformers for {name}, it has no config.json; "
            f"{remedy(name)}"
        )
    with told(place, name):
        config = dict(json.loads(path.read_text(encoding="utf-8")))
    if config.get("model_type") not in kinds:
        raise EvaluationError(
            f"{place} holds a network of the kind {config.get('model_type')}; {name} has to be "
            f"{' or '.join(kinds)}; {remedy(name)}"
        )
    return config


def colours_of(place: Path, usual: tuple[Colours, Colours]) -> tuple[Colours, Colours]:
    """Mean and spread of colours that a folder's processor says; the usual ones if it has none."""
    path = place / "preprocessor_config.json"
    if not path.is_file():
        return usual
    said = json.loads(path.read_text(encoding="utf-8"))
    if "image_mean" not in said or "image_std" not in said:
        return usual
    (r, g, b), (red, green, blue) = (map(float, said[k]) for k in ("image_mean", "image_std"))
    return (r, g, b), (red, green, blue)


def remedy(name: str) -> str:
    """What to do where a network's folder cannot be used."""
    return f"fetch it again: {BACKBONES[name].get}"


@contextmanager
def told(place: Path, name: str) -> Iterator[None]:
    """Turn whatever a loader raises into a sentence."""
    try:
        yield
    except Exception as error:  # loaders fail in many ways
        first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(" .:")[:200]
        raise EvaluationError(f"cannot load {place}: {first}; {remedy(name)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from warning and from drawing bars meanwhile."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _first(keys: Any) -> list[str]:
    return [key if isinstance(key, str) else str(key[0]) for key in keys]
