"""What a generated motion says of the whole picture, as of a camera."""

import numpy as np
from einops import rearrange
from jaxtyping import Float32

from kineograph.engines.detail.affine import Affine
from kineograph.render.motion_field import fit_affine


def calmed(
    motion: Float32[np.ndarray, "3 frames rows columns"],
) -> Float32[np.ndarray, "3 frames rows columns"]:
    """The affine motion that most cells follow, as of a gentle camera; nothing is hidden by it.

    Where neither words nor tracks nor boxes ask for anything, what a model makes up for single
    parts is mere chance, and would bend what is firm; where words move a camera, it is noise.

    Args:
        motion: as of `conditioning.first_motion`.
    """
    _, frames, rows, columns = motion.shape
    places = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
    anchors = places.reshape(-1, 2).astype(np.float32)
    gone = rearrange(motion[:2], "xy t h w -> (h w) t xy")
    camera = Affine(fit_affine(anchors, gone, np.ones(len(anchors), np.float32)))
    fitted = rearrange(camera(anchors), "(h w) t xy -> xy t h w", h=rows)
    return np.concatenate([fitted, np.ones((1, frames, rows, columns))]).astype(np.float32)
