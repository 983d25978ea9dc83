"""What changes the weights, and how fast at which step."""

from collections.abc import Iterable
from typing import Any

import torch
from diffusers.optimization import get_scheduler
from torch.optim.lr_scheduler import LRScheduler
from transformers.optimization import Adafactor

from kineograph.training.stage import Optimiser


def optimiser_for(
    settings: Optimiser, parameters: Iterable[torch.nn.Parameter]
) -> torch.optim.Optimizer:
    """The optimiser of a stage.

    Adafactor (Shazeer & Stern 2018) is without its own step size and momentum: `lr` times the
    update, whose root mean square is at most 1. It does not scale steps by the size of the
    parameters, because zero convolutions and gates start at 0 and would never leave it. "sgd" is
    plain, without momentum.

    Args:
        settings: of the stage; `schedule_for` reads the others.
        parameters: those that train.
    """
    held = list(parameters)
    common: dict[str, Any] = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    if settings.name == "adafactor":
        return Adafactor(held, scale_parameter=False, relative_step=False, **common)
    if settings.name == "sgd":
        return torch.optim.SGD(held, **common)
    on_gpu = all(parameter.is_cuda for parameter in held)
    return torch.optim.AdamW(held, betas=settings.betas, fused=on_gpu, **common)


def schedule_for(settings: Optimiser, optimiser: torch.optim.Optimizer, steps: int) -> LRScheduler:
    """The rate at each step: up from 0 in the warm-up, then as the settings say.

    Args:
        settings: of the stage.
        optimiser: whose rate it sets.
        steps: of the whole stage; "linear" and "cosine" reach 0 there.
    """
    constant = settings.schedule == "constant"
    return get_scheduler(
        "constant_with_warmup" if constant else settings.schedule,
        optimizer=optimiser,
        num_warmup_steps=settings.warmup,
        num_training_steps=steps,
    )
