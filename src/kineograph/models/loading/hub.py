"""Where a model is: a folder, or a name on the Hugging Face hub that becomes one."""

import os
from pathlib import Path

from kineograph.core.errors import ModelError

_READ = ("*.json", "*/*.json", "*/*.txt", "*/*.model", "*/*.safetensors", "diffusion_*.safetensors")
_LEFT = ("*.fp16.*", "*.non_ema.*", "safety_checker/*", "flax_*", "*.onnx")


def offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids to ask the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def local_folder(where: str | Path, what: str = "model") -> Path:
    """The folder that is meant; a name on the hub is fetched first, unless HF_HUB_OFFLINE is set.

    Only configs, tokenizers and safetensors are fetched; of a name that is on this machine
    already, what is there is taken.

    Args:
        where: a folder, or a name such as "stable-diffusion-v1-5/stable-diffusion-v1-5".
        what: what is looked for, for the messages.

    Raises:
        ModelError: it is a file, or neither a folder nor a name that can be fetched.
    """
    path, name = Path(where).expanduser(), str(where)
    if path.is_dir():
        return path
    if path.is_file():
        raise ModelError(
            f"{where} is a file; the {what} has to be a folder in diffusers' layout; see what the "
            f"file is with: kineograph models inspect {where}"
        )
    if name.startswith((".", "/", "~")) or name.count("/") != 1 or path.suffix in _WEIGHTS:
        raise ModelError(
            f"there is no {what} at {where}; give a folder in diffusers' layout, or the name of "
            "one on the Hugging Face hub"
        )
    return _snapshot(name, what)


_WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")


def _snapshot(name: str, what: str) -> Path:
    from huggingface_hub import snapshot_download

    away = offline()
    try:
        found = snapshot_download(
            name, local_files_only=away, allow_patterns=list(_READ), ignore_patterns=list(_LEFT)
        )
    except Exception as error:  # the network, the hub and its cache fail in many ways
        if away:
            told = "is not on this machine, and HF_HUB_OFFLINE is set"
        else:
            line = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")
            told = f"cannot be fetched ({line})"
        raise ModelError(f"the {what} {name} {told}; fetch it: hf download {name}") from error
    return Path(found)
