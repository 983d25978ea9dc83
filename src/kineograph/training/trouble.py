"""What can go wrong in a step, said so that it can be mended."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite

import torch

from kineograph.core.errors import TrainingError
from kineograph.training.stage import Stage

_FULL = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def memory_watched(stage: Stage) -> Iterator[None]:
    """Inside, running out of memory becomes an error that says which setting to change.

    Raises:
        TrainingError: there was not enough memory for a step.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        full = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not full and not any(said in str(error) for said in _FULL):
            raise
        raise TrainingError(
            f"stage {stage.name} ran out of memory with {_shown(stage)}; {remedy(stage)}; the last "
            "checkpoint is kept"
        ) from error


def remedy(stage: Stage) -> str:
    """The setting to change first when memory is short: what costs least comes first."""
    if not stage.checkpointing:
        return "say checkpointing: true, which costs about a third more time and changes nothing"
    if stage.precision == "no":
        return "say precision: bf16"
    if stage.batch > 1:
        half = stage.batch // 2
        return (
            f"say batch: {half} and accumulate: {stage.accumulate * stage.batch // half}, which "
            "trains the same more slowly"
        )
    if stage.optimiser.name == "adamw":
        return "say optimiser.name: adafactor, which needs far less beside the weights"
    return "take fewer sampling.frames, a smaller sampling.size, or shard the model (FSDP)"


def check_finite(stage: Stage, step: int, loss: float, norm: float) -> None:
    """Stop before numbers that are none get into the weights.

    Raises:
        TrainingError: the loss or the norm of the gradients is not finite.
    """
    if isfinite(loss) and isfinite(norm):
        return
    what = f"the loss is {loss}" if not isfinite(loss) else f"its gradients' norm is {norm}"
    half = " or precision: bf16" if stage.precision == "fp16" else ""
    raise TrainingError(
        f"stage {stage.name}, step {step}: {what}; take a lower optimiser.lr{half}, and go on from "
        "the last checkpoint"
    )


def _shown(stage: Stage) -> str:
    width, height = stage.sampling.size
    return f"batch {stage.batch} of {stage.sampling.frames} frames of {width}x{height}"
