"""Weights of learned eyes: from a folder or the Hugging Face hub, and what to say if they fail."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kineograph.core.errors import VisionError
from kineograph.vision.eyes import Eye


def load(loader: Callable[..., Any], weights: str | Path, eye: Eye, **options: Any) -> Any:
    """What `loader` (a `from_pretrained` of transformers) makes of `weights`.

    Weights are read from safetensors; no pickle is ever loaded. A folder is read as it is; any
    other name is one on the hub, which is asked unless `HF_HUB_OFFLINE` is set.

    Args:
        loader: called with the folder or hub name.
        weights: a folder, or a name on the hub such as "facebook/sam2.1-hiera-tiny".
        eye: what they are for, for the messages.
        options: passed on to the loader.

    Raises:
        VisionError: they are missing, incomplete or of something else.
    """
    name = str(weights)
    local = Path(name).is_dir()
    if not local and (name.startswith((".", "/", "~")) or name.count("/") != 1):
        raise VisionError(f"there is no folder {name} of weights; {_remedy(eye)}")
    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    try:
        return loader(name, local_files_only=local or offline, **options)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")
        raise VisionError(f"cannot load weights from {name}: {told}; {_remedy(eye)}") from error


def _remedy(eye: Eye) -> str:
    return f"fetch them: {eye.fetch}, then give {eye.folder}"
