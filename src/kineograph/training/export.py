"""What a stage has trained, on disk, so that engine `unet` and the next stage can take it up.

An export is a folder with README.md and engine.json, the settings with which engine `unet`
generates with it; beside them, as far as it was trained:

- adapters/NAME/: an adapter, as `models/adapter_folder.py` has it;
- motion/: AnimateDiff's motion layers, a MotionAdapter of diffusers;
- lora/STAGE.safetensors: low-rank changes under the names of diffusers;
- base/: the whole model in diffusers' layout, if more of it than its motion layers was trained, or
  if they were trained to predict something else; its scheduler's config says what.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kineograph.core.files import whole_folder
from kineograph.models.adapter_folder import save_adapter
from kineograph.models.base import Base
from kineograph.models.checkpoint import write_tensors
from kineograph.models.converting.card import NAME, write_card
from kineograph.models.description import ADAPTERS
from kineograph.models.loading.parts import quiet
from kineograph.training.low_rank import lora_tensors, own_tensors
from kineograph.training.origin import SETTINGS, placed
from kineograph.training.part import is_in
from kineograph.training.subject import Subject

BASE, MOTION, LORA = "base", "motion", "lora"
_WEIGHTS = "diffusion_pytorch_model.safetensors"
_PIPELINES = {"animatediff": "AnimateDiffPipeline", "modelscope": "TextToVideoSDPipeline"}


def export(subject: Subject, folder: Path, card: str | None = None) -> None:
    """Write what a subject has trained, whole or not at all.

    Args:
        subject: as it is now.
        folder: where; an export that stands there is replaced.
        card: the model card; a short one is written if None.

    Raises:
        OutputError: it cannot be written, or something else stands there.
    """
    card = card or short_card(subject)
    with whole_folder(folder, replaceable=(folder / SETTINGS).is_file()) as partial:
        said = subject.origin.settings(folder)
        if _whole(subject):
            write_base(subject.trained_base, partial / BASE)
            said |= {"model": BASE, "motion": None}
        elif _trains(subject, "unet.motion"):
            write_motion(subject.base.unet, partial / MOTION)
            said["motion"] = MOTION
        if subject.stage.lora is not None:
            name = f"{LORA}/{subject.stage.name}.safetensors"
            write_tensors(partial / name, lora_tensors(subject.base, subject.stage.lora))
            said["loras"].append(name)
        said["adapters"] = _adapters(subject, folder, partial, card)
        (partial / SETTINGS).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        (partial / NAME).write_text(card, encoding="utf-8")


def engine_settings(folder: Path | str) -> dict[str, Any]:
    """The settings of engine `unet` that generate with an export, its paths made whole.

    Args:
        folder: of an export.
    """
    folder = Path(folder)
    said = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    whole: dict[str, Any] = {}
    for name, held in said.items():
        if isinstance(held, list):
            whole[name] = tuple(str((folder / place).resolve()) for place in held)
        elif held is not None:
            inside = (folder / held).resolve()
            whole[name] = str(inside) if inside.exists() else held
    return whole


def short_card(subject: Subject) -> str:
    """A model card with what the subject itself knows."""
    stage, parts = subject.stage, subject.parts()
    learned = sum(part.parameters for part in parts if part.trains)
    facts = {
        "stage": stage.name,
        "trained": ", ".join(stage.trains),
        "parameters trained": f"{learned:,}",
        "base": f"{subject.base.name} ({subject.base.family})",
        "steps": f"{stage.steps:,}",
    }
    return write_card(
        f"Kineograph, stage {stage.name}", facts, [stage.about] if stage.about else []
    )


def write_base(base: Base, folder: Path) -> None:
    """A whole model in diffusers' folder layout; low-rank changes on it are left out.

    Raises:
        OutputError: it cannot be written.
    """
    index: dict[str, Any] = {"_class_name": _PIPELINES[base.family]}
    for name, network in {"unet": base.unet, "vae": base.vae}.items():
        network.save_config(folder / name)
        write_tensors(folder / name / _WEIGHTS, own_tensors(network))
        index[name] = ["diffusers", type(network).__name__]
    if base.family == "animatediff":
        index["motion_adapter"] = [None, None]  # its layers are in the U-Net
    text = {"text_encoder": base.text.model}
    vision = {} if base.vision is None else {"image_encoder": base.vision.model}
    for name, network in (text | vision).items():
        with quiet():
            network.config.save_pretrained(folder / name)
        write_tensors(folder / name / "model.safetensors", own_tensors(network), {"format": "pt"})
        index[name] = ["transformers", type(network).__name__]
    base.text.tokenizer.save_pretrained(folder / "tokenizer")
    index["tokenizer"] = ["transformers", "CLIPTokenizer"]
    index["scheduler"] = ["diffusers", base.scheduler["_class_name"]]
    _write_json(folder / "scheduler" / "scheduler_config.json", base.scheduler)
    if base.vision is not None:
        said: dict[str, Any] = {"image_mean": base.vision.mean, "image_std": base.vision.std}
        said["image_processor_type"] = "CLIPImageProcessor"
        _write_json(folder / "feature_extractor" / "preprocessor_config.json", said)
        index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    for name, adapter in base.adapters.items():
        save_adapter(adapter, folder / ADAPTERS / name)
    _write_json(folder / "model_index.json", index)


def write_motion(unet: Any, folder: Path) -> None:
    """The motion layers of a UNetMotionModel as a MotionAdapter of diffusers."""
    from diffusers import MotionAdapter

    config = unet.config
    with torch.device("meta"):
        motion = MotionAdapter(
            block_out_channels=config["block_out_channels"],
            motion_layers_per_block=config["layers_per_block"],
            motion_norm_num_groups=config["norm_num_groups"],
            motion_num_attention_heads=config["motion_num_attention_heads"],
            motion_max_seq_length=config["motion_max_seq_length"],
            use_motion_mid_block=config["use_motion_mid_block"],
        )
    _fill(motion, {k: v for k, v in own_tensors(unet).items() if "motion_modules." in k})
    with quiet():
        motion.save_pretrained(folder)


def _fill(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    network.load_state_dict({k: v.detach() for k, v in tensors.items()}, assign=True)


def _adapters(subject: Subject, folder: Path, partial: Path, card: str) -> list[str]:
    """Write those that were trained; where each of them is, frozen ones too."""
    places = []
    for name, adapter in subject.adapters.items():
        if f"adapters.{name}" in subject.stage.trains or name not in subject.sources:
            save_adapter(adapter, partial / ADAPTERS / name, card)
            places.append(f"{ADAPTERS}/{name}")
        else:
            places.append(placed(subject.sources[name], folder))
    return places


def _whole(subject: Subject) -> bool:
    """Whether the model itself has to be written, not its motion layers alone."""
    if subject.origin.is_new or subject.trained_base.scheduler != subject.base.scheduler:
        return True
    if _trains(subject, "unet.motion") and subject.base.family != "animatediff":
        return True
    return any(_trains(subject, part) for part in ("unet.spatial", "text", "vae"))


def _trains(subject: Subject, name: str) -> bool:
    return any(part.trains and is_in(part.name, [name]) for part in subject.parts())


def _write_json(path: Path, held: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(held, indent=2) + "\n", encoding="utf-8")
