"""From a request to what the networks are told: text features, pictures, tracks and boxes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.engines.base import Request
from kineograph.engines.diffusion.sampler import Told
from kineograph.engines.diffusion.terms import Branch
from kineograph.models import vae
from kineograph.models.adapter import Adapter
from kineograph.models.base import Base
from kineograph.models.condition import Condition
from kineograph.models.given import Given


def given_of(
    request: Request, base: Base, generator: torch.Generator, device: torch.device
) -> Given:
    """What a request gives, as tensors on a device: a batch of one clip.

    Raises:
        ModelError: a label is longer than the text encoder reads.
    """
    given = Given(
        batch=1,
        frames=request.frames,
        size=request.size,
        stride=base.stride,
        generator=generator,
        grow_soft=True,
        **_motion(request),
    )
    given = given.to(device)
    if request.picture is None:
        return given
    image = vae.to_pictures(torch.from_numpy(request.picture.copy())[None]).to(device)
    seen = None if base.vision is None else base.vision.tokens(image).float().to(device)
    latent = vae.encode(base.vae, image).float().to(device)
    return replace(given, picture=image, picture_latent=latent, picture_tokens=seen)


def with_labels(given: Given, base: Base) -> Given:
    """The same with the text encoder's feature of each box's label.

    Raises:
        ModelError: a box has no label, or a label is longer than the text encoder reads.
    """
    boxes = given.boxes
    if boxes is None:
        return given
    boxes.require_labels()
    names = [label for labels in boxes.labels for label in labels]
    features = rearrange(base.text.labels(names), "(b o) d -> b o d", b=boxes.batch)
    return replace(given, boxes=boxes.with_labels(features))


def _motion(request: Request) -> dict[str, Any]:
    tracks, boxes = request.tracks, request.boxes
    clip: dict[str, Any] = {"frames": request.frames, "size": request.size}
    return {
        "tracks": None if tracks is None else TrackBatch.of([tracks], **clip),
        "boxes": None if boxes is None else BoxBatch.of([boxes], **clip, max_objects=None),
    }


def branches_told(
    branches: Iterable[Branch],
    texts: Mapping[bool, Tensor],
    given: Given,
    adapters: Mapping[str, Adapter],
) -> dict[Branch, Told]:
    """What the model is told in each branch.

    Args:
        branches: each by the names of the conditions that it is not told.
        texts: features of the text (True) and of the negative text (False).
        given: everything that is given.
        adapters: those that act.
    """
    held: dict[tuple[str, Branch], Condition] = {}

    def condition(name: str, dropped: Branch) -> Condition:
        adapter = adapters[name]
        key = (name, dropped & adapter.reads)
        if key not in held:
            made = adapter.condition(given.without(*sorted(key[1])))
            held[key] = made.to(device=adapter.device, dtype=adapter.dtype)
        return held[key]

    with torch.no_grad():
        return {
            branch: Told(
                texts["text" not in branch],
                {name: condition(name, branch) for name in adapters},
            )
            for branch in branches
        }


def acting(adapters: Mapping[str, Adapter], request: Request) -> dict[str, Adapter]:
    """The adapters that read something that the request holds; the others are left aside."""
    given = request.given()
    return {name: held for name, held in adapters.items() if held.reads & given}
