"""How alike pictures are in the eyes of a network: cosines between unit features."""

import numpy as np
from jaxtyping import Float, Float64

from kineograph.evaluation.look import Look

Features = Float[np.ndarray, "frames size"]


def of_video(look: Look, network: str, view: str = "own") -> Features:
    """Unit features of the generated frames; each goes through a network once a view.

    Args:
        look: at the sample.
        network: a backbone with `pictures`: "clip", "dino", "dinov2".
        view: how it is shown the pictures.
    """
    return _kept(look, network, view, "the video", look.sample.frames)


def of_truth(look: Look, network: str, view: str = "own") -> Features:
    """The same of the true video."""
    return _kept(look, network, view, "the true video", look.truth.video)


def of_picture(look: Look, network: str, view: str = "own") -> Float[np.ndarray, " size"]:
    """The same of the picture that was asked to be animated, which there has to be."""
    picture = look.sample.request.picture
    assert picture is not None
    made: np.ndarray = _kept(look, network, view, "the picture", picture[None])[0]
    return made


def of_text(look: Look) -> Float[np.ndarray, " size"]:
    """CLIP's unit feature of the request's text."""
    text = look.sample.request.text
    made: np.ndarray = look.once("clip of the text", lambda: look.backbones.get("clip").text(text))
    return made


def to_one(features: Features, one: Float[np.ndarray, " size"]) -> Float64[np.ndarray, " frames"]:
    """The cosine of each frame to one feature."""
    return _cosine(features.astype(np.float64) @ one.astype(np.float64))


def consecutive(features: Features) -> Float64[np.ndarray, " pairs"]:
    """The cosine of each frame to the one before it, from the second on."""
    wide = features.astype(np.float64)
    return _cosine((wide[1:] * wide[:-1]).sum(axis=1))


def to_each(features: Features, others: Features) -> Float64[np.ndarray, "frames others"]:
    """The cosine of each frame to each of other features."""
    return _cosine(features.astype(np.float64) @ others.T.astype(np.float64))


def _cosine(products: np.ndarray) -> np.ndarray:
    """Without the last digits by which lengths differ from 1."""
    return np.asarray(products.clip(-1, 1))


def _kept(look: Look, network: str, view: str, what: str, frames: np.ndarray) -> Features:
    made: np.ndarray = look.once(
        f"{network} {view} of {what}",
        lambda: look.backbones.get(network).pictures(frames, view),
    )
    return made
