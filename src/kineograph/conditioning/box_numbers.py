"""Boximator's control of motion by boxes: eight numbers a box, soft boxes, boxes painted in.

Wang et al. 2024 (arXiv 2402.01566), sections 4 and 5.
"""

from dataclasses import replace

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.core.errors import ModelError

PALETTE: Float32[Tensor, "colours 3"] = torch.tensor(
    [
        (red / 2, green / 2, blue / 2)
        for red in range(3)
        for green in range(3)
        for blue in range(3)
        if not red == green == blue
    ]
)
"""24 RGB colours in 0..1, each at least 0.5 from the others in some channel; no greys."""

SPREAD = 8.0
"""Soft boxes grow by shares of the picture drawn from Beta(1, SPREAD): a ninth in the mean."""

SOFT_SHARE = 0.8
"""How many of the boxes become soft in Boximator's second and third stage."""

OUTLINE = 4
"""Width in pixels of the boxes painted onto frames, as in TrackDiffusion's training."""


def identity_colours(
    instance: Int64[Tensor, "batch objects"], generator: torch.Generator | None = None
) -> Float32[Tensor, "batch objects 3"]:
    """A colour of `PALETTE` for each object, other objects of a clip having others.

    The palette is shuffled for each clip, so that a colour says which boxes are one object's and
    nothing else.

    Args:
        instance: which object each slot holds, as in `BoxBatch`.
        generator: draws the shuffles; None leaves the palette in its order.

    Raises:
        ModelError: there are more objects than colours.
    """
    batch, count = instance.shape
    if count > len(PALETTE):
        raise ModelError(
            f"{count} boxed objects were given and there are {len(PALETTE)} identity colours; "
            "leave some out"
        )
    if generator is None:
        order = torch.arange(len(PALETTE)).repeat(batch, 1)
    else:
        order = _drawn((batch, len(PALETTE)), generator).argsort(dim=1)
    order = order.to(instance.device)
    return PALETTE.to(instance.device)[order.gather(1, instance)]


def box_numbers(
    boxes: BoxBatch, colours: Float[Tensor, "batch objects 3"]
) -> Float32[Tensor, "batch objects frames 8"]:
    """Boximator's eight numbers a box: x0, y0, x1, y1, red, green, blue, and 1 if it is hard.

    All are in 0..1. Where `boxes.given` is false they are 0, and the model reads its null token.
    """
    frames = boxes.frames
    colour = rearrange(colours.float(), "b o c -> b o 1 c").expand(-1, -1, frames, -1)
    numbers = torch.cat([boxes.boxes, colour, boxes.hard[..., None].float()], dim=-1)
    return torch.where(boxes.given[..., None], numbers, 0.0)


def relax(
    boxes: BoxBatch, which: Bool[Tensor, "batch objects frames"], generator: torch.Generator
) -> BoxBatch:
    """Some boxes grown to soft ones: each side moves outwards by its own Beta(1, 8) share.

    The share is one of the picture's width or height; at the border the box ends. What is not given
    stays as it is.
    """
    chosen = which & boxes.given
    # Beta(1, b) has the distribution function 1 - (1 - x)^b, which is inverted here
    grown = 1 - (1 - _drawn(tuple(boxes.boxes.shape), generator)) ** (1 / SPREAD)
    outwards = torch.tensor([-1.0, -1.0, 1.0, 1.0], device=boxes.boxes.device)
    loose = (boxes.boxes + grown.to(outwards.device) * outwards).clamp(0, 1)
    return replace(
        boxes,
        boxes=torch.where(chosen[..., None], loose, boxes.boxes),
        hard=boxes.hard & ~chosen,
    )


def relax_for_training(
    boxes: BoxBatch, generator: torch.Generator, share: float | int = SOFT_SHARE
) -> BoxBatch:
    """A random `share` of the hard boxes made soft, each frame's box on its own."""
    drawn = _drawn(tuple(boxes.hard.shape), generator).to(boxes.hard.device)
    return relax(boxes, boxes.hard & (drawn < share), generator)


def relax_for_inference(
    boxes: BoxBatch,
    generator: torch.Generator,
    keys: Bool[Tensor, "batch objects frames"] | None = None,
) -> BoxBatch:
    """Boxes between a person's key frames made soft, and those at key frames left as they are.

    Args:
        boxes: at key frames as the person drew them, interpolated in between.
        generator: draws how far each side moves.
        keys: where the boxes are the person's own. None takes the hard ones for these, and grows
            every box that is already marked soft.
    """
    return relax(boxes, ~(boxes.hard if keys is None else keys), generator)


def onto_crop(
    boxes: BoxBatch, crop: tuple[float | int, float | int, float | int, float | int]
) -> BoxBatch:
    """The boxes on a part of the picture, as shares of that part and cut to it.

    A box that is wholly outside becomes a line on the side of the crop that it lies beyond, or the
    corner, so that a model can be told that an object enters or leaves.

    Args:
        boxes: shares of the picture.
        crop: x0, y0, x1, y1 as shares of the picture.

    Raises:
        ModelError: the crop holds nothing, or is not a part of the picture.
    """
    x0, y0, x1, y1 = crop
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise ModelError(
            f"a crop to {x0:g}, {y0:g}, {x1:g}, {y1:g} was asked for; give left, top, right and "
            "bottom as shares of the picture, 0 to 1"
        )
    corner = boxes.boxes.new_tensor([x0, y0, x0, y0])
    extent = boxes.boxes.new_tensor([x1 - x0, y1 - y0, x1 - x0, y1 - y0])
    moved = ((boxes.boxes - corner) / extent).clamp(0, 1)
    return replace(boxes, boxes=torch.where(boxes.given[..., None], moved, boxes.boxes))


def paint_boxes(
    video: Float[Tensor, "batch frames 3 height width"],
    boxes: BoxBatch,
    colours: Float[Tensor, "batch objects 3"],
    *,
    width: int = OUTLINE,
    span: tuple[float | int, float | int] = (-1, 1),
    clean: int = 0,
) -> Float[Tensor, "batch frames 3 height width"]:
    """Frames with the outline of every given box in its object's colour: self-tracking's targets.

    Give the boxes as they are, before `relax` makes some soft: a model learns to find the object
    in a soft box by drawing its true one. Later slots are painted over earlier ones.

    Convention: the outline is centred on the box's sides; a pixel is painted if its centre is
    less than half of `width` from a side, so `width` pixels if nothing of it is off the picture.

    Args:
        video: values in `span`.
        boxes: of the same clips and frames.
        colours: RGB in 0..1, as `identity_colours` makes them.
        width: of the outline, in pixels.
        span: the values of black and of full colour.
        clean: how many first frames are left unpainted, such as the one a model is given.

    Raises:
        ModelError: the boxes are of other clips or frames.
    """
    if (boxes.batch, boxes.frames) != tuple(video.shape[:2]):
        raise ModelError(
            f"boxes of {boxes.batch} clips of {boxes.frames} frames were to be painted onto "
            f"{video.shape[0]} of {video.shape[1]}; give the boxes of these clips"
        )
    low, high = span
    paint = (low + (high - low) * colours).to(video)
    shown = boxes.given & (torch.arange(boxes.frames, device=boxes.state.device) >= clean)
    painted = video
    for slot in range(boxes.count):  # one after the other: later ones cover earlier ones
        mask = (
            _outline(boxes.boxes[:, slot], video.shape[-2:], width) & shown[:, slot, :, None, None]
        )
        colour = rearrange(paint[:, slot], "b c -> b 1 c 1 1")
        painted = torch.where(rearrange(mask, "b t h w -> b t 1 h w"), colour, painted)
    return painted


def _outline(
    boxes: Float32[Tensor, "batch frames 4"], sides: tuple[int, ...], width: int
) -> Bool[Tensor, "batch frames height width"]:
    height, columns = sides
    x0, y0, x1, y1 = boxes.mul(boxes.new_tensor([columns, height] * 2)).unbind(dim=-1)
    across_out, across_in = _along(x0, x1, columns, width / 2)
    down_out, down_in = _along(y0, y1, height, width / 2)
    outer = down_out[..., :, None] & across_out[..., None, :]
    return outer & ~(down_in[..., :, None] & across_in[..., None, :])


def _along(
    low: Tensor, high: Tensor, length: int, reach: float
) -> tuple[Bool[Tensor, "batch frames n"], Bool[Tensor, "batch frames n"]]:
    """Which pixels of one axis are within the outline's outer, and its inner, two sides."""
    centre = torch.arange(length, device=low.device) + 0.5
    low, high = low[..., None], high[..., None]
    outer = (centre >= low - reach) & (centre < high + reach)
    inner = (centre >= low + reach) & (centre < high - reach)
    return outer, inner


def _drawn(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform numbers in [0, 1), on the generator's device."""
    return torch.rand(shape, generator=generator, device=generator.device)
