"""AnimateBench: 105 cases of PIA (arXiv:2312.13964), in seven styles, three prompts a picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import yaml

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.suites.picture_suite import Pair, PictureSuite
from kineograph.evaluation.suites.reading import check_there, pictures_in
from kineograph.evaluation.suites.suite import Published

_NOTE = "its CLIP is not stated; text is 100 x 2.5 x cosine (CLIPScore), image 100 x cosine"
_TABLE = "MotiF (arXiv:2412.16153), table A3"
_ROWS = {
    "a still picture": (99.29, 66.24),
    "Cinemo": (93.28, 66.16),
    "Conditional image leakage": (94.05, 66.56),
    "DynamiCrafter": (93.41, 66.58),
    "AnimateAnything": (96.78, 66.64),
    "VideoCrafter": (84.45, 66.94),
    "SEINE": (91.55, 67.22),
    "ConsistI2V": (91.33, 67.38),
    "MotiF": (92.68, 67.73),
}


class AnimateBench(PictureSuite):
    """Each style has a folder of five pictures and a file of prompts; 16 frames of 512x512.

    In a style's file, `prompts` is a list with one list of prompts a picture, in the pictures'
    order by name, as in PIA's own configs; a list of plain texts is taken for each picture. What
    the files hold beyond that is not read, and what does not fit together is refused.
    """

    name = "animate-bench"
    title = "AnimateBench"
    source = "PIA (arXiv:2312.13964); figures of MotiF (arXiv:2412.16153), table A3"
    layout = (
        "configs/STYLE.yaml with prompts, and img/STYLE/1.png ... for each style "
        "(hf download ymzhang319/AnimateBench --repo-type dataset)"
    )
    metrics: ClassVar[tuple[str, ...]] = ("image-alignment", "text-alignment", "fff-dino")
    usual_size = (512, 512)
    published: ClassVar[tuple[Published, ...]] = tuple(
        Published(system, "", {"image-alignment": image, "text-alignment": text}, _TABLE, _NOTE)
        for system, (image, text) in _ROWS.items()
    )

    def pairs(self) -> Sequence[Pair]:
        """See `PictureSuite`."""
        assert self.data is not None
        folder = self.data / "configs"
        check_there([folder, self.data / "img"], "parts of it", self.layout)
        files = sorted(folder.glob("*.yaml"))
        if not files:
            raise EvaluationError(f"{folder} holds no .yaml; wanted: {self.layout}")
        return [pair for file in files for pair in self._style(file)]

    def _style(self, file: Path) -> Iterator[Pair]:
        assert self.data is not None
        folder = self.data / "img" / file.stem
        check_there([folder], "the pictures of a style", self.layout)
        pictures, prompts = pictures_in(folder), _prompts(file)
        if all(isinstance(prompt, str) for prompt in prompts):
            prompts = [prompts] * len(pictures)
        if len(prompts) != len(pictures) or not pictures:
            raise EvaluationError(
                f"{file} has prompts for {len(prompts)} pictures, {folder} has {len(pictures)}; "
                "there has to be a list of prompts for each"
            )
        for picture, texts in zip(pictures, prompts, strict=True):
            for number, text in enumerate(texts):
                yield Pair(f"{file.stem}-{picture.stem}-{number}", picture, text)


def _prompts(file: Path) -> list[Any]:
    """The prompts in a style's file: texts, or lists of them."""
    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        first = " ".join(str(error).split())
        raise EvaluationError(f"{file} cannot be read as YAML: {first}") from error
    prompts = held.get("prompts") if isinstance(held, dict) else None
    if not isinstance(prompts, list) or not all(map(_is_said, prompts)) or not prompts:
        raise EvaluationError(f"{file} has no list of prompts, or something in it is no text")
    return prompts


def _is_said(prompt: object) -> bool:
    if isinstance(prompt, list):
        return bool(prompt) and all(isinstance(text, str) for text in prompt)
    return isinstance(prompt, str)
