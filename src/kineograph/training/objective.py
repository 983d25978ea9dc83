"""The objective: how errors of a prediction count, element by element."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.motion_heatmap import motion_heatmap
from kineograph.core.errors import TrainingError
from kineograph.core.state import State
from kineograph.training.stage import Focal, Objective

Latents = Float[Tensor, "batch channels frames height width"]
Weights = Float[Tensor, "batch 1 frames height width"]

MOVING = 0.5
"""The heat from which a cell counts as moving in what is recorded."""


@dataclass(frozen=True, eq=False)
class Loss:
    """The loss of a batch.

    Args:
        total: what is minimised.
        held: figures to be recorded, each of no axes; they stay on their device until `parts`.
    """

    total: Float[Tensor, ""]
    held: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, float]:
        """The figures by name, in one transfer; it waits for the device."""
        if not self.held:
            return {}
        stacked = torch.stack([figure.detach().float() for figure in self.held.values()])
        return dict(zip(self.held, stacked.tolist(), strict=True))

    def with_motion(self, motion: "Loss", weight: float | int) -> "Loss":
        """Both losses in one, that of the motion weighted."""
        held = {**self.held, **{f"motion_{name}": part for name, part in motion.held.items()}}
        return Loss(self.total + weight * motion.total, held)

    def with_layers(self, errors: Float[Tensor, " batch"], weight: float | int) -> "Loss":
        """The loss, and what layers leave of each clip's motion, weighted."""
        left = errors.mean()
        return Loss(self.total + weight * left, {**self.held, "layers": left.detach()})


def motion_error(
    prediction: Latents,
    target: Latents,
    motion: Float[Tensor, "batch 4 frames height width"],
    level: Float[Tensor, " batch"],
    objective: Objective,
) -> Loss:
    """The mean squared error of the motion that is said beside the pictures, where it is known.

    Of the motion itself: a flow's error is that over the level.

    The motion focal loss counts what goes far for more here too: its map is the length of the
    motion on the first frame's grid, 1 where that is longest in the clip.

    Args:
        prediction: of the network.
        target: what it was to say.
        motion: the clips', as of `conditioning.first_motion.motion_of`.
        level: of the noise, 0 to 1.
        objective: of the stage.
    """
    told = motion[:, 3:]
    errors = (prediction.float() - target.float()) ** 2 * told
    errors = errors * level[:, None, None, None, None] ** 2
    held = {"plain": errors.detach().sum() / (told.sum() * errors.shape[1]).clamp(min=1)}
    if objective.focal is not None and objective.focal.strength:
        length = motion[:, :2].norm(dim=1, keepdim=True)
        heat = length / reduce(length, "b c t h w -> b 1 1 1 1", "max").clamp(min=0.1)
        heat = 1 - heat if objective.focal.inverse else heat
        errors = errors * focal_weight(heat, objective.focal.strength)
    return Loss(errors.sum() / (told.sum() * errors.shape[1]).clamp(min=1), held)


def squared_error(
    prediction: Latents,
    target: Latents,
    *,
    each: Float[Tensor, " batch"] | None = None,
    inside: Weights | None = None,
    heatmap: Weights | None = None,
    focal: float | int = 0.0,
) -> Loss:
    """The mean of the weighted squared errors; without weights the plain mean, to the bit.

    Args:
        prediction: of the network.
        target: what it was to say.
        each: a weight for each clip, such as min-SNR's.
        inside: a weight for each cell, such as `inside_boxes`.
        heatmap: where clips move, 0 to 1.
        focal: MotiF's lambda. Its map is within the square, ||m (e - e')||^2, so that an element
            counts 1 + lambda m^2 (arXiv:2412.16153, section 3).

    Raises:
        TrainingError: the motion focal loss is asked for without a heatmap.
    """
    exact = torch.promote_types(prediction.dtype, torch.float32)
    errors = (prediction.to(exact) - target.to(exact)) ** 2
    held = {"plain": errors.detach().mean()}
    if heatmap is not None:
        held |= _moving(errors.detach(), heatmap)
    if each is not None:
        errors = errors * each[:, None, None, None, None]
    if inside is not None:
        errors = errors * inside
    if focal:
        if heatmap is None:
            raise TrainingError(
                "the motion focal loss was asked for and the clips have nothing that says where "
                "they move; prepare the data with --flow (with heatmaps if focal.masks is on), or "
                "leave objective.focal out"
            )
        errors = errors * focal_weight(heatmap, focal)
    return Loss(errors.mean(), held)


def focal_weight(heatmap: Weights, strength: float | int) -> Weights:
    """MotiF's weight of each cell, 1 + strength * m^2."""
    return 1 + strength * heatmap**2


def inside_boxes(
    boxes: BoxBatch, grid: tuple[int, int], factor: float | int
) -> Float[Tensor, "batch 1 frames height width"]:
    """`factor` in every cell that a box of a visible object covers a part of, else 1; mean 1.

    Brought back to a mean of 1 over each clip, so that clips with large boxes count as much as
    others (TrackDiffusion, arXiv:2312.00651, weighs foreground by 2).

    Args:
        boxes: of the clips.
        grid: (height, width) of the latents.
        factor: 1 or more.
    """
    height, width = grid
    x0, y0, x1, y1 = (boxes.boxes.unbind(dim=-1)[side][..., None] for side in range(4))
    left = torch.arange(width, device=boxes.boxes.device) / width
    top = torch.arange(height, device=boxes.boxes.device) / height
    across = (x0 < left + 1 / width) & (x1 > left)
    down = (y0 < top + 1 / height) & (y1 > top)
    shown = boxes.in_picture & (boxes.state == int(State.VISIBLE))
    covered = down[..., :, None] & across[..., None, :] & shown[..., None, None]
    weights = torch.where(covered.any(dim=1), float(factor), 1.0)
    weights = weights / reduce(weights, "b t h w -> b 1 1 1", "mean")
    return rearrange(weights, "b t h w -> b 1 t h w")


def heat_on(
    grid: tuple[int, int],
    focal: Focal,
    *,
    heatmap: Float[Tensor, "batch 1 frames rows columns"] | None = None,
    flow: Float[Tensor, "batch pairs 2 rows columns"] | None = None,
) -> Float[Tensor, "batch 1 frames height width"] | None:
    """Where clips move, on the latent grid; None if nothing tells.

    Args:
        grid: (height, width) of the latents.
        focal: how flow becomes a heatmap.
        heatmap: made beforehand; it goes before flow. One of the grid's size is taken as it is, one
            of the pictures' size is brought to the grid, and inverted if that is asked for.
        flow: from each frame to the next, in pixels.
    """
    if heatmap is not None:
        return _brought(heatmap.float(), grid, focal)
    if flow is None or focal.masks:
        return None
    return motion_heatmap(
        flow.float(),
        stride=flow.shape[-2] // grid[0],
        normalise=focal.normalise,
        last=focal.last,
        downsample=focal.downsample,
        inverse=focal.inverse,
    )


def _brought(heatmap: Tensor, grid: tuple[int, int], focal: Focal) -> Tensor:
    if tuple(heatmap.shape[-2:]) == grid:
        return heatmap
    stride, rest = divmod(heatmap.shape[-2], grid[0])
    if rest or tuple(side * stride for side in grid) != tuple(heatmap.shape[-2:]):
        raise TrainingError(
            f"heatmaps of {heatmap.shape[-1]}x{heatmap.shape[-2]} were given for latents of "
            f"{grid[1]}x{grid[0]}; make them as large as the clips or as their latents"
        )
    if focal.downsample == "nearest":
        heatmap = heatmap[..., stride // 2 :: stride, stride // 2 :: stride]
    else:
        pool = functional.max_pool3d if focal.downsample == "max" else functional.avg_pool3d
        heatmap = pool(heatmap, (1, stride, stride))
    return 1 - heatmap if focal.inverse else heatmap


def _moving(errors: Tensor, heatmap: Tensor) -> dict[str, Tensor]:
    """The mean error where clips move beside that of everything (MotiF, figure 6)."""
    mask = (heatmap > MOVING).to(errors)
    within = (errors * mask).sum() / (mask.sum() * errors.shape[1]).clamp(min=1)
    return {"moving": within}
