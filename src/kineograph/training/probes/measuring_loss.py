"""The loss of fixed clips under fixed noise at fixed timesteps: no chance is in its curve."""

import torch

from kineograph.data.batch import collate
from kineograph.data.clip import Clip
from kineograph.training.chance import chance_kept
from kineograph.training.probes.generating import precision
from kineograph.training.step import training_step
from kineograph.training.subject import Subject


def fixed_loss(subject: Subject, clip: Clip, count: int, seed: int) -> float:
    """The mean loss of a clip at evenly spaced timesteps, no condition dropped.

    Loss says how well noise is predicted, not whether conditions are followed (Motion Prompting,
    Geng et al. 2024, 3.2); it is for comparing runs, and for stages that generate nothing.

    Args:
        subject: what is trained.
        clip: a true clip.
        count: how many timesteps.
        seed: of the noise.
    """
    device = subject.base.device
    batch = collate([clip], device=device, max_objects=subject.stage.sampling.max_objects)
    generator = torch.Generator("cpu").manual_seed(seed)
    losses = []
    with torch.no_grad(), chance_kept(), precision(subject):
        for index in range(count):
            place = torch.tensor([(index + 0.5) / count], dtype=torch.float64)
            loss = training_step(subject, batch, generator, dropping=False, places=place)
            losses.append(float(loss.total))
    return sum(losses) / len(losses)
