"""The likely cause when the tensors of a file are not those of a network."""

from collections.abc import Iterable, Mapping

Shapes = Mapping[str, tuple[int, ...]]

_LORA_MARKS = ("lora_up", "lora_down", "lora_A", "lora_B", "_lora.up", "_lora.down", "hada_w1")
_MID = "mid_block.motion_modules."
_PICTURE_MODEL = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.")


def likely_cause(found: Shapes, needed: Shapes) -> str:
    """A few words on what the file probably is, and what to do.

    Args:
        found: names to shapes in the file.
        needed: names to shapes of the network.
    """
    causes = (_lora, _picture_model, _folder_of_diffusers, _other_base, _other_motion, _nothing)
    told = (cause(found, needed) for cause in causes)
    return next(filter(None, told), "it is of another version or another network")


def _has(names: Iterable[str], *marks: str) -> bool:
    return any(mark in name for name in names for mark in marks)


def _lora(found: Shapes, needed: Shapes) -> str | None:
    given, wanted = _has(found, *_LORA_MARKS), _has(needed, *_LORA_MARKS)
    if given and not wanted:
        return "it is a LoRA, which is applied to a whole model, not a model itself"
    return "it is a whole model, not a LoRA" if wanted and not given else None


def _picture_model(found: Shapes, needed: Shapes) -> str | None:
    if _has(found, *_PICTURE_MODEL) and not _has(needed, *_PICTURE_MODEL):
        return "it is a single-file checkpoint of Stable Diffusion: give it as the base"
    return None


def _folder_of_diffusers(found: Shapes, needed: Shapes) -> str | None:
    """The names tell AnimateDiff's own motion modules from diffusers' conversion of them."""
    original = [_has(names, ".temporal_transformer.") for names in (found, needed)]
    if original == [False, True] and _has(found, "motion_modules."):
        return "it has the names of diffusers' MotionAdapter: load its folder with its config.json"
    if original == [True, False]:
        return "it has AnimateDiff's own names: convert it first"
    return None


def _text_width(shapes: Shapes) -> int | None:
    widths = [s[-1] for n, s in shapes.items() if n.endswith("attn2.to_k.weight") and len(s) == 2]
    return max(widths, default=None)


def _other_base(found: Shapes, needed: Shapes) -> str | None:
    given, wanted = _text_width(found), _text_width(needed)
    if given is None or wanted is None or given == wanted:
        return None
    names = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x", 2048: "SDXL"}
    made, fits = (names.get(n, f"a text width of {n}") for n in (given, wanted))
    return f"it is made for {made}, not {fits}"


def _other_motion(found: Shapes, needed: Shapes) -> str | None:
    if not (_has(found, "motion_modules.") and _has(needed, "motion_modules.")):
        return None
    given, wanted = _has(found, _MID), _has(needed, _MID)
    if given and not wanted:
        return "it has motion layers in the middle block, as v2; v1 and v3 have none there"
    if wanted and not given:
        return "it lacks the motion layers of the middle block, which v2 has and v1 and v3 have not"
    lengths = [{s[1] for n, s in shapes.items() if n.endswith(".pe")} for shapes in (found, needed)]
    if all(lengths) and lengths[0] != lengths[1]:
        given_frames, fits = (max(length) for length in lengths)
        return f"it knows {given_frames} frames, not {fits}: another version of the motion module"
    return None


def _nothing(found: Shapes, needed: Shapes) -> str | None:
    return None if set(found) & set(needed) else "it has no name in common with it"
