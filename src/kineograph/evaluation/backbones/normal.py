"""Features of unit length, as arrays."""

import numpy as np
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional

from kineograph.core.errors import EvaluationError


def unit_rows(features: Float[Tensor, "n size"], name: str) -> Float32[np.ndarray, "n size"]:
    """Features divided by their length.

    Args:
        features: of a network, one a row.
        name: the network's, for the message.

    Raises:
        EvaluationError: one is not finite.
    """
    if not bool(features.isfinite().all()):
        raise EvaluationError(
            f"{name} gave features that are not finite; its weights are broken, fetch them again"
        )
    made: np.ndarray = functional.normalize(features.float()).cpu().numpy()
    return made
