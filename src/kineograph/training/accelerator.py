"""Accelerate as a stage wants it: devices, precision and processes are its business."""

import torch
from accelerate import (  # type: ignore[import-untyped]
    Accelerator,
    DistributedDataParallelKwargs,
)
from accelerate.state import (  # type: ignore[import-untyped]
    AcceleratorState,
    DistributedType,
)

from kineograph.core.errors import TrainingError
from kineograph.training.contracts import Learner
from kineograph.training.stage import Stage


def accelerator_for(stage: Stage, subject: Learner) -> Accelerator:
    """Accelerate, as a stage wants it, on the device where the subject is.

    Raises:
        TrainingError: the precision does not work there.
    """
    device = next(iter(subject.trainable().values())).device
    if stage.precision == "fp16" and device.type == "cpu":
        raise TrainingError(
            f"stage {stage.name} says precision: fp16, which needs a GPU; say bf16 or no"
        )
    AcceleratorState._reset_state()  # a recipe's stages may differ in precision
    try:
        return Accelerator(
            cpu=device.type == "cpu",
            mixed_precision=stage.precision,
            gradient_accumulation_steps=stage.accumulate,
            kwargs_handlers=[
                # Which weights a step uses depends on what its batch has: conditions are optional.
                DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)
            ],
        )
    except ValueError as error:
        raise TrainingError(
            f"stage {stage.name} says precision: {stage.precision}, which does not work on this "
            f"{device.type} ({' '.join(str(error).split())[:120]}); say another"
        ) from error


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether FSDP spreads the weights over processes.

    Raises:
        TrainingError: it is its first version, which mixes what learns with what is frozen.
    """
    if accelerator.distributed_type != DistributedType.FSDP:
        return False
    if not accelerator.is_fsdp2:
        raise TrainingError(
            "FSDP of version 1 was asked for; say fsdp_version: 2 in Accelerate's configuration"
        )
    return True


def memory_used(device: torch.device) -> float:
    """MiB of the device that were used at most so far; 0 on the processor."""
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
