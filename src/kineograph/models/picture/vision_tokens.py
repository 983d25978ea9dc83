"""The vision encoder's tokens of the first frame, as arms of image conditioning take them."""

import torch
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.given import Given


def vision_tokens(given: Given, width: int, like: Tensor) -> Float[Tensor, "batch length width"]:
    """What the base's vision encoder made of the picture; zeros for clips without a picture.

    Where no clip has one there is a single token of zeros: attention to any number of equal tokens
    gives the same.

    Args:
        given: the clips.
        width: of the tokens that the adapter was made for.
        like: a tensor of the wanted type and device.

    Raises:
        ModelError: the tokens are of another width, or there is a picture but no tokens of it.
    """
    held = given.picture_tokens
    if held is None:
        if bool(given.has_picture().any()):
            raise ModelError(
                "the picture was given without the tokens of a vision encoder, which this adapter "
                "reads; take a base that has an image_encoder, or an adapter that reads the latent"
            )
        return torch.zeros(given.batch, 1, width, dtype=like.dtype, device=like.device)
    if held.shape[0] != given.batch or held.shape[2] != width:
        raise ModelError(
            f"the picture's tokens are {tuple(held.shape)}; {given.batch} clips of width {width} "
            "are wanted; take the vision encoder that the adapter was made with"
        )
    if given.picture_given is None:
        return held.to(like)
    said = given.picture_given.to(device=held.device)
    return torch.where(said[:, None, None], held, 0.0).to(like)
