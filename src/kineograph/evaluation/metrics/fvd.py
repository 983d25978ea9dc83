"""FVD: how unlike videos are to true ones, as a set (Unterthiner et al. 2018, arXiv 1812.01717)."""

from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric, Part
from kineograph.evaluation.metrics.frechet import frechet


def fvd(look: Look) -> Part | None:
    """I3D's logits of the whole video and of the true one; None if they are shorter than it reads.

    Their Fréchet distance is 0 and up, lower is better. All frames are read, at the clip's own
    rate, the given first one too: FVD is about motion, and motion starts there. It depends on the
    number of frames, on the rate, on the number of clips (Motion Prompting's 30 are far below any
    stable number) and on the weights: rgb_imagenet.pt and i3d_pretrained_400.pt differ by about a
    tenth. Compare what has all four in common. Videos of fewer than 10 frames are left out.
    """
    return _part(look, "i3d")


def fvd_videomae(look: Look) -> Part | None:
    """The same with VideoMAE's mean token of 16 frames; None if there are fewer.

    Ge et al. 2024 (arXiv 2404.12391) show that FVD on I3D is blind to much that goes wrong in time,
    and that features learned without labels are not. Theirs is VideoMAE v2's largest network; the
    figure depends on which folder was given.
    """
    return _part(look, "videomae")


def _part(look: Look, backbone: str) -> Part | None:
    network, frames = look.backbones.get(backbone), look.sample.frames
    if len(frames) < network.frames:
        return None
    return Part(network.features(frames)[None], network.features(look.truth.video)[None])


METRICS = (
    Metric(
        name="fvd",
        title="FVD",
        what="Fréchet distance of I3D's Kinetics-400 logits of whole videos and of the true ones",
        measure=fvd,
        better="lower",
        needs=frozenset({"truth"}),
        backbones=("i3d",),
        kind="set",
        settle=frechet,
        least=401,  # more items than features
        source="Unterthiner et al. 2018 (arXiv 1812.01717)",
    ),
    Metric(
        name="fvd-videomae",
        title="FVD (VideoMAE)",
        what="Fréchet distance of VideoMAE's mean tokens of 16 frames and of the true videos'",
        measure=fvd_videomae,
        better="lower",
        needs=frozenset({"truth"}),
        backbones=("videomae",),
        kind="set",
        settle=frechet,
        least=769,  # more items than features
        source="Ge et al. 2024 (arXiv 2404.12391)",
    ),
)
