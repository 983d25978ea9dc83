"""The kinds of adapters there are; each is imported when it is first wanted."""

ADAPTERS: dict[str, str] = {
    "boximator": "kineograph.models.grounding.boximator:Boximator",
    "grounding": "kineograph.models.grounding.grounding:Grounding",
    "picture-concat": "kineograph.models.picture.concat:PictureConcat",
    "picture-control": "kineograph.models.picture.control:PictureControl",
    "picture-cross": "kineograph.models.picture.cross:PictureCross",
    "picture-dual": "kineograph.models.picture.dual:PictureDual",
    "picture-gated": "kineograph.models.picture.gated:PictureGated",
    "sparse-control": "kineograph.models.control.sparse_control:SparseControl",
    "track-control": "kineograph.models.control.track_control:TrackControl",
    "track-diffusion": "kineograph.models.grounding.track_diffusion:TrackDiffusion",
    "track-head": "kineograph.models.track_head:TrackHead",
    "track-propagation": "kineograph.models.propagation:TrackPropagation",
}
"""Kind to "module:Class"."""
