"""Accelerate as a stage wants it: devices, precision and processes are its business."""

import os

import torch
from accelerate import (  # type: ignore[import-untyped]
    Accelerator,
    DistributedDataParallelKwargs,
    FullyShardedDataParallelPlugin,
)
from accelerate.state import (  # type: ignore[import-untyped]
    AcceleratorState,
    DistributedType,
)
from torch.distributed.fsdp.wrap import size_based_auto_wrap_policy, transformer_auto_wrap_policy

from kineograph.core.errors import TrainingError
from kineograph.training.contracts import Learner
from kineograph.training.sharding import blocks_of
from kineograph.training.stage import Stage


def accelerator_for(stage: Stage, subject: Learner) -> Accelerator:
    """Accelerate, as a stage wants it, on the device where the subject is.

    Raises:
        TrainingError: the precision does not work there, or FSDP was asked for in a way that does
            not work.
    """
    device = next(iter(subject.trainable().values())).device
    if stage.precision == "fp16" and device.type == "cpu":
        raise TrainingError(
            f"stage {stage.name} says precision: fp16, which needs a GPU; say bf16 or no"
        )
    AcceleratorState._reset_state()  # a recipe's stages may differ in precision
    try:
        made = Accelerator(
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
    _shard_on_processors(made)
    if is_sharded(made):
        settle_sharding(made, subject)
    return made


def _shard_on_processors(accelerator: Accelerator) -> None:
    """Turn FSDP on where processors train together and it was asked for.

    Accelerate looks at what was asked for where accelerators train together, and nowhere else,
    although what it does then works on processors too; without a word every process would hold all
    weights.
    """
    state = accelerator.state
    asked = os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
    if asked and state.distributed_type == DistributedType.MULTI_CPU:
        state.fsdp_plugin = FullyShardedDataParallelPlugin()
        state.distributed_type = DistributedType.FSDP


def settle_sharding(accelerator: Accelerator, subject: Learner) -> None:
    """Set what is not a user's choice of how weights are spread.

    Blocks are spread one by one, as they are always called as a whole; an autoencoder, say, is not.
    Every process has read all weights. Precision is autocast's business, as it is without FSDP,
    whose own would round what a batch holds, places of tracks for one.

    Raises:
        TrainingError: modules are to be spread by their size.
    """
    plugin = accelerator.state.fsdp_plugin
    plugin.mixed_precision_policy = None
    plugin.cpu_ram_efficient_loading = False
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "False"  # else the next stage reads in one only
    if plugin.auto_wrap_policy is size_based_auto_wrap_policy:
        raise TrainingError(
            "FSDP was asked to wrap by size, which tears networks apart where they are not called "
            "as a whole; leave fsdp_auto_wrap_policy out of Accelerate's configuration"
        )
    if not plugin.transformer_cls_names_to_wrap:
        plugin.auto_wrap_policy = transformer_auto_wrap_policy
        plugin.transformer_cls_names_to_wrap = blocks_of(subject)


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
