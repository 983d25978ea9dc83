"""A training step: from a batch of clips to the loss, the same way for every recipe."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from kineograph.conditioning.first_motion import CHANNELS, revealed
from kineograph.core.errors import TrainingError
from kineograph.data.batch import Batch
from kineograph.models.layered_motion import masks_said
from kineograph.training.dropout import Dropped
from kineograph.training.layering import layering_error
from kineograph.training.noising import Noising, check_prediction, schedule_config
from kineograph.training.objective import (
    Loss,
    heat_on,
    inside_boxes,
    motion_error,
    squared_error,
)
from kineograph.training.reconstruction import reconstruction
from kineograph.training.stage import Objective, Stage
from kineograph.training.subject import Subject
from kineograph.training.told import (
    Chance,
    boxes_of,
    conditions_of,
    given_of,
    latents_of,
    painted,
    reads,
    with_motion,
)
from kineograph.training.words import Words


@dataclass(frozen=True, eq=False)
class Tools:
    """What stays from step to step: text features that are known, and the noise schedule."""

    words: Words
    noising: Noising

    @staticmethod
    def of(subject: Subject) -> "Tools":
        """For a subject; kept as long as it is.

        Raises:
            TrainingError: its stage cannot be trained on its base.
        """
        if subject not in _KEPT:
            stage, base = subject.stage, subject.base
            check_prediction(stage, base.scheduler)
            config = schedule_config(base.scheduler, base.family, temporal=stage.temporal)
            _KEPT[subject] = Tools(Words(base.text), Noising(config, stage.objective.prediction))
        return _KEPT[subject]


_KEPT: WeakKeyDictionary[Subject, Tools] = WeakKeyDictionary()


def training_step(
    subject: Subject,
    batch: Batch,
    generator: torch.Generator,
    *,
    dropping: bool = True,
    places: Float[Tensor, " batch"] | None = None,
) -> Loss:
    """The loss of a batch, with gradients into what the stage trains.

    Frozen networks compute without gradients and in the numbers that they are kept in; the rest
    follows mixed precision if that is on. Nothing outside `generator` is drawn from.

    Args:
        subject: what is trained.
        batch: of clips, on any device.
        generator: draws dropout, identities, soft boxes, latents, timesteps and noise, in this
            order; best on the CPU, where a seed means the same for every device.
        dropping: whether conditions are dropped as the stage says; a measured loss keeps them all.
        places: in the noise schedule, from 0 to 1, where a measured loss wants its own timesteps
            instead of drawn ones.

    Raises:
        TrainingError: the stage cannot be trained on its base, or the batch lacks what its
            objective reads.
        ModelError: what a clip holds does not suit an adapter, such as boxes without labels.
    """
    stage, base = subject.stage, subject.base
    batch = batch.to(base.device)
    if "vae" in stage.trains:
        _check_alone(stage)
        return reconstruction(base.vae, batch.video, generator)
    tools, denoiser = Tools.of(subject), subject.denoiser
    count = len(batch)
    dropped = Dropped.draw(stage.dropout, count, generator)
    dropped = dropped if dropping else Dropped.nothing(count)
    chance = Chance.of(generator)
    boxes, told = boxes_of(batch, tools.words, denoiser, stage.sampling, dropped, chance)
    seen = batch.video
    shown = stage.sampling.picture == "first" and reads(denoiser, "picture")
    given = given_of(batch, told, seen[:, :, 0] if shown else None, base, dropped)
    if stage.sampling.painted == "boxes" and boxes is not None:
        seen = painted(seen, boxes, stage.sampling, chance)
    clean = with_motion(latents_of(base, seen, generator), batch)
    text = tools.words.captions(dropped.texts(batch.captions))
    conditions = conditions_of(denoiser, given, dropped, chance)
    steps = tools.noising.timesteps(count, generator, clean.device)
    if places is not None:
        steps = tools.noising.at(places).to(clean.device)
    noise = _noise_like(clean, generator)
    noisy = tools.noising.noisy(clean, noise, steps)
    with masks_said(denoiser) as masks:
        prediction = denoiser(noisy, steps, text, conditions)
    target = tools.noising.target(clean, noise, steps)
    loss = weighed(prediction, target, batch, stage.objective, tools.noising, steps)
    if masks and batch.motion is not None:
        loss = loss.with_layers(layering_error(masks[0], batch.motion), stage.objective.layers)
    return loss


def weighed(
    prediction: Float[Tensor, "batch channels frames height width"],
    target: Float[Tensor, "batch channels frames height width"],
    batch: Batch,
    objective: Objective,
    noising: Noising,
    timesteps: Tensor,
) -> Loss:
    """The loss of a prediction, as the objective weighs its errors.

    Raises:
        TrainingError: the batch lacks what the objective reads.
    """
    if batch.motion is not None:
        own = target.shape[1] - CHANNELS
        pictures = _pictures(
            prediction[:, :own], target[:, :own], batch, objective, noising, timesteps
        )
        return pictures.with_motion(
            motion_error(
                prediction[:, own:],
                target[:, own:],
                batch.motion,
                (timesteps / noising.steps).clamp(1e-3, 1),
                objective,
            ),
            objective.motion,
        )
    return _pictures(prediction, target, batch, objective, noising, timesteps)


def _pictures(
    prediction: Tensor,
    target: Tensor,
    batch: Batch,
    objective: Objective,
    noising: Noising,
    timesteps: Tensor,
) -> Loss:
    """The loss of the pictures' channels."""
    height, width = target.shape[-2:]
    heat = inside = each = None
    focal = objective.focal
    if focal is not None:
        heat = heat_on((height, width), focal, heatmap=batch.heatmap, flow=batch.flow)
    if objective.inside_boxes > 1:
        if batch.boxes is None:
            raise TrainingError(
                f"objective.inside_boxes is {objective.inside_boxes:g} and the clips have no "
                "boxes; train on clips with boxes, or set it to 1"
            )
        inside = inside_boxes(batch.boxes, (height, width), objective.inside_boxes)
    if objective.revealed and batch.motion is not None:
        new = 1 + objective.revealed * revealed(batch.motion)
        inside = new if inside is None else inside * new
    if objective.min_snr is not None:
        each = noising.min_snr(timesteps, objective.min_snr)
    strength = 0.0 if focal is None else focal.strength
    return squared_error(prediction, target, each=each, inside=inside, heatmap=heat, focal=strength)


def _noise_like(clean: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(clean.shape, generator=generator, device=generator.device)
    return drawn.to(clean.device, non_blocking=True)


def _check_alone(stage: Stage) -> None:
    if len(stage.trains) > 1:
        raise TrainingError(
            f"stage {stage.name} trains {', '.join(stage.trains)}; an autoencoder is trained by "
            'itself: give it a stage with trains: ["vae"]'
        )
