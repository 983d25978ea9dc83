"""A displacement that is affine in the place, frame by frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32


@dataclass(frozen=True, eq=False)
class Affine:
    """What `render.motion_field.fit_affine` finds, to be asked for any place.

    Args:
        matrices: (frames, 2, 3) displacement of (x, y, 1), in the unit of the places.
    """

    matrices: Float[np.ndarray, "frames 2 3"]

    def __call__(
        self, places: Float32[np.ndarray, "places 2"]
    ) -> Float32[np.ndarray, "places frames 2"]:
        """The displacement of each place."""
        flat = np.concatenate([places, np.ones((len(places), 1), np.float32)], axis=1)
        return np.einsum("fij,nj->nfi", self.matrices, flat).astype(np.float32)
