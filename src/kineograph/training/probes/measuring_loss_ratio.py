"""MotiF's loss ratio of fixed clips: how much worse a network does where they move."""

from dataclasses import replace

import torch

from kineograph.core.errors import TrainingError
from kineograph.data.batch import collate
from kineograph.data.clip import Clip
from kineograph.training.chance import chance_kept
from kineograph.training.probes.generating import precision
from kineograph.training.stage import Focal, Stage
from kineograph.training.step import training_step
from kineograph.training.subject import Subject


def loss_ratios(subject: Subject, clip: Clip, count: int, seed: int) -> dict[float, float]:
    """The mean error where a clip moves over its mean error, at evenly spaced timesteps.

    MotiF (arXiv:2412.16153), figure 6; the same numbers as `evaluation.metrics.loss_ratio` with its
    threshold. No condition is dropped, the noise is fixed, and whatever weights the stage trains
    with are left out: errors are plain squares, so that runs with and without the motion focal loss
    can be compared.

    Args:
        subject: what is trained.
        clip: a true clip with flow.
        count: how many timesteps.
        seed: of the noise.

    Returns:
        Place in the noise schedule, 0 (no noise) to 1, to ratio; NaN where nothing of the clip
        moves.

    Raises:
        TrainingError: the stage trains an autoencoder, or the clip has one frame or no flow.
    """
    plain = replace(subject, stage=_weightless(subject.stage))
    device = subject.base.device
    batch = collate([clip], device=device, max_objects=subject.stage.sampling.max_objects)
    generator = torch.Generator("cpu").manual_seed(seed)
    found = {}
    with torch.no_grad(), chance_kept(), precision(subject):
        for index in range(count):
            place = (index + 0.5) / count
            exact = torch.tensor([place], dtype=torch.float64)
            loss = training_step(plain, batch, generator, dropping=False, places=exact)
            if "moving" not in loss.parts:
                raise TrainingError(
                    f"the probe loss-ratio needs flow, and clip {clip.name or 'without a name'} of "
                    f"{clip.frames} frames has none; choose another measure"
                )
            found[place] = _ratio(loss.parts)
    return found


def _ratio(parts: dict[str, float]) -> float:
    # An error of exactly 0 where things move means that nothing does.
    known = parts["moving"] > 0 and parts["plain"] > 0
    return parts["moving"] / parts["plain"] if known else float("nan")


def _weightless(stage: Stage) -> Stage:
    """The stage with plain errors, and heatmaps from flow by its own options."""
    if "vae" in stage.trains:
        raise TrainingError(
            f"stage {stage.name} trains an autoencoder, which has no timesteps; choose another "
            "measure than loss-ratio"
        )
    focal = stage.objective.focal or Focal()
    told = focal.model_copy(update={"strength": 0.0, "masks": False, "inverse": False})
    update = {"focal": told, "inside_boxes": 1.0, "min_snr": None}
    return stage.model_copy(update={"objective": stage.objective.model_copy(update=update)})
