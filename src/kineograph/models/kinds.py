"""The kinds of adapters there are; each is imported when it is first wanted."""

from collections.abc import Mapping
from typing import Any

ADAPTERS: dict[str, str] = {
    "boximator": "kineograph.models.grounding.boximator:Boximator",
    "grounding": "kineograph.models.grounding.grounding:Grounding",
    "joint-motion": "kineograph.models.joint_motion:JointMotion",
    "picture-concat": "kineograph.models.picture.concat:PictureConcat",
    "picture-control": "kineograph.models.picture.control:PictureControl",
    "picture-cross": "kineograph.models.picture.cross:PictureCross",
    "picture-dual": "kineograph.models.picture.dual:PictureDual",
    "picture-gated": "kineograph.models.picture.gated:PictureGated",
    "sparse-control": "kineograph.models.control.sparse_control:SparseControl",
    "track-control": "kineograph.models.control.track_control:TrackControl",
    "track-diffusion": "kineograph.models.grounding.track_diffusion:TrackDiffusion",
    "track-head": "kineograph.models.tracks.head:TrackHead",
    "track-propagation": "kineograph.models.tracks.propagation:TrackPropagation",
}
"""Kind to "module:Class"."""

READS: Mapping[str, tuple[str, ...]] = {
    "boximator": ("boxes",),
    "grounding": ("boxes",),
    "joint-motion": ("boxes", "picture", "tracks"),
    "picture-concat": ("picture",),
    "picture-control": ("picture",),
    "picture-cross": ("picture",),
    "picture-dual": ("picture",),
    "picture-gated": ("picture",),
    "sparse-control": ("picture",),
    "track-control": ("tracks",),
    "track-diffusion": ("boxes",),
    "track-head": ("tracks",),
    "track-propagation": ("picture", "tracks"),
}
"""What each kind reads, besides text; the classes say the same, and loading them takes torch.

SparseCtrl's scribble variant reads less: key frames alone, which only Python can give."""


def sparse_variant(network: Mapping[str, Any]) -> str:
    """Which variant of SparseCtrl a network's config is of: "rgb" or "scribble"."""
    return "rgb" if network.get("use_simplified_condition_embedding", True) else "scribble"


def reads_of(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """What an adapter reads, told by its kind and its config, without loading it.

    Args:
        kind: a key of `READS`.
        config: the "config" of its config.json.
    """
    network = config.get("network")
    if kind == "sparse-control" and isinstance(network, Mapping):
        return READS[kind] if sparse_variant(network) == "rgb" else ()
    return READS[kind]
