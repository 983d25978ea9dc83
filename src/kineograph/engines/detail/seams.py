"""Generated content where nothing is known, in the tone of what is known around it."""

import cv2
import numpy as np
from jaxtyping import Float32

from kineograph.render.splat import push_pull

FOREIGN = 15.0
"""Grey levels: where generated and known colours are this far apart they are of different things,
and say little of the tone; unless most colours are, and little can be trusted anyway."""

LEAST = 1e-3
"""What they count for nevertheless, where nothing else is near."""

LARGE = 1 / 16
"""Standard deviation of what counts as tone, as a share of the longer side."""

PLAIN = 2.0
"""Grey levels: of pictures that vary less than this it cannot be told, and they are believed."""

SOLID = 0.99
"""Share from which on a pixel's known colour is its own."""


def joined(
    image: Float32[np.ndarray, "height width 3"],
    share: Float32[np.ndarray, "height width"],
    generated: Float32[np.ndarray, "height width 3"],
    faith: float | int = 1.0,
) -> Float32[np.ndarray, "height width 3"]:
    """The known image, and the generated one where it is not known.

    What both show differs in tone; that difference is continued into the holes as a membrane would
    (Perez et al. 2003, by push and pull), so that no seam shows.

    Args:
        image: RGB, 0 to 255.
        share: how much of each pixel is known.
        generated: RGB, of all of the frame.
        faith: how much of what was generated is believed beyond its tone; see `faith_in`.
    """
    if float(share.min()) >= SOLID:
        return image
    sure = share >= SOLID
    unlike = np.abs(image - generated).max(axis=2)
    usual = float(np.median(unlike[sure])) if sure.any() else 0.0
    alike = np.exp(-0.5 * (unlike / max(FOREIGN, usual)) ** 2)
    trust = (sure * np.maximum(alike, LEAST)).astype(np.float32)
    believed = generated * np.float32(faith)
    filled = believed + push_pull(image - believed, trust)
    return image * share[..., None] + filled * (1 - share[..., None])


def faith_in(
    image: Float32[np.ndarray, "height width 3"],
    share: Float32[np.ndarray, "height width"],
    generated: Float32[np.ndarray, "height width 3"],
) -> float:
    """By how much what was generated has to be multiplied to be the most like what is known, 0..1.

    The least squares' answer over what both vary beyond `LARGE` structures: 1 for a faithful
    picture, also a soft one, and near 0 for one of other things, which is then not shown.
    """
    sure = (share >= SOLID).astype(np.float32)
    size = LARGE * max(share.shape)
    mass = np.maximum(cv2.GaussianBlur(sure, (0, 0), size), 1e-3)[..., None]

    def detail(picture: np.ndarray) -> np.ndarray:
        flat = cv2.GaussianBlur(picture * sure[..., None], (0, 0), size) / mass
        return (picture - flat) * sure[..., None]

    true, made = detail(image), detail(generated)
    doubt = PLAIN**2 * max(3 * float(sure.sum()), 1)
    faith = (float((true * made).sum()) + doubt) / (float((made * made).sum()) + doubt)
    return min(max(faith, 0.0), 1.0)
