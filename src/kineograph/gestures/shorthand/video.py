"""Shorthand of what comes out of files: another video's motion, a video's own, a recorded mouse.

transfer   monkey.mp4 count=1500 speed=2 pair=120,80>300,200 pair=200,80>420,190 short=hold
magnify    engine.mp4 factor=16 band=0.5-3 steady
recording  mouse.json radius=24 persist
"""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from kineograph.core.errors import DocumentError
from kineograph.gestures.base import Gesture
from kineograph.gestures.magnify import Magnify
from kineograph.gestures.recording import Recording
from kineograph.gestures.scene import Scene
from kineograph.gestures.shorthand.words import NUMBER, time_span
from kineograph.gestures.transfer import Transfer
from kineograph.gestures.writing.messages import nearest

FIGURES = {
    "speed": "speed",
    "count": "count",
    "scale": "scale",
    "seed": "seed",
    "factor": "factor",
    "blur-space": "blur_space",
    "blur-time": "blur_time",
    "radius": "radius",
    "stride": "stride",
    "depth": "depth",
    "strength": "strength",
}
"""Words that take a number, and the fields they give."""

TEXTS = {
    "ease": "timing",
    "name": "name",
    "short": "if_short",
    "align": "align",
    "tracker": "tracker",
    "weights": "weights",
}
"""Words that take a word."""

FLAGS: dict[str, tuple[str, bool]] = {
    "compensate": ("compensate", True),
    "no-calm": ("calm", False),
    "steady": ("steady", True),
    "persist": ("persist", True),
    "release": ("persist", False),
}
"""Words that stand alone."""

COMMON = ("@", "ease=", "depth=", "strength=", "name=")
SOURCE = (
    *COMMON,
    "speed=",
    "short=",
    "count=",
    "region=",
    "mask=",
    "tracker=",
    "weights=",
)
WORDS = {
    "transfer": (*SOURCE, "align=", "pair=", "scale=", "seed="),
    "magnify": (
        *SOURCE,
        "factor=",
        "band=",
        "blur-space=",
        "blur-time=",
        "compensate",
        "no-calm",
        "steady",
    ),
    "recording": ("radius=", "stride=", "persist", "release", "depth=", "strength="),
}
"""The words that may follow the file; those that end in = take a value."""

FORMS = {
    "transfer": 'write it as "video.mp4 count=1500 speed=2 pair=120,80>300,200"',
    "magnify": 'write it as "video.mp4 factor=16 band=0.5-3"',
    "recording": 'write it as "mouse.json radius=24 persist"',
}


def parse_transfer(text: str) -> Transfer:
    """A transfer out of a line such as `monkey.mp4 count=1500 speed=2 short=hold`.

    Args:
        text: the video, or a `.npz` of tracks, then words: @start-end, ease=, speed=, short=
            (refuse, hold, stretch, release), scale=, count=, seed=, region=x0,y0,x1,y1 or
            region=x,y;x,y;x,y and mask=FILE (of the video's first frame), pair=x,y>x,y (from the
            video to the canvas; any number), align= (canvas, similarity, thin-plate), tracker=,
            weights=, depth=, strength=, name=. All in pixels.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    line = _FileLine("transfer", text)
    return line.build(lambda words: Transfer(path=line.file, **words), Transfer)


def parse_magnify(text: str) -> Magnify:
    """A gesture magnify out of a line such as `engine.mp4 factor=16 band=0.5-3`.

    Args:
        text: the video whose first frame is the picture, then words: factor=, band=low-high (Hz),
            blur-space= (pixels), blur-time= (seconds), compensate, no-calm, steady, and of those of
            `parse_transfer` all but scale=, seed=, pair= and align=.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    line = _FileLine("magnify", text)
    return line.build(lambda words: Magnify(path=line.file, **words), Magnify)


def parse_recording(text: str, scene: Scene) -> list[Gesture]:
    """The drags of a line such as `mouse.json radius=24 persist`.

    Args:
        text: a recording, `.json` or `.csv`, then words for every drag: radius=, stride=, persist
            or release, depth=, strength=.
        scene: the canvas and clip that they are for.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    line = _FileLine("recording", text)
    return line.build(lambda words: Recording.load(line.file).gestures(scene, **words), None)


class _FileLine:
    """A line of shorthand that begins with the name of a file."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind, self.text = kind, " ".join(text.split())
        try:
            tokens = shlex.split(text)
        except ValueError:
            self.fail("has a quotation mark without its partner")
        count = next((i for i, token in enumerate(tokens) if self._is_word(token)), len(tokens))
        if count == 0:
            self.fail("names no file")
        self.file = Path(" ".join(tokens[:count])).absolute().as_posix()
        self.words = tokens[count:]

    def fail(self, what: str, remedy: str | None = None) -> NoReturn:
        """Say what is wrong with the line.

        Raises:
            DocumentError: always.
        """
        raise DocumentError(f'the {self.kind} "{self.text}" {what}; {remedy or FORMS[self.kind]}')

    def build(self, make: Callable[[dict[str, Any]], Any], kind: type[Gesture] | None) -> Any:
        """What `make` makes of the words."""
        fields: dict[str, Any] = {}
        for word in self.words:
            for name, value in self._fields(word).items():
                if name == "pairs":
                    fields[name] = (*fields.get(name, ()), value)
                elif name in fields:
                    self.fail(f"says {name} twice", "say it once")
                else:
                    fields[name] = value
        try:
            return make(fields)
        except DocumentError as error:
            title = "" if kind is None else kind.title(fields)
            told = str(error).removeprefix(title)
            raise DocumentError(f'the {self.kind} "{self.text}"{_joined(told)}') from None

    def _is_word(self, token: str) -> bool:
        return token.startswith("@") or "=" in token or token in WORDS[self.kind]

    def _fields(self, word: str) -> dict[str, Any]:
        """The fields that a word stands for."""
        name, equals, value = word.partition("=")
        key = "@" if word.startswith("@") else name + equals
        known = WORDS[self.kind]
        if key not in known:
            told = ", ".join(known).replace("@", "@start-end")
            self.fail(f"has the unknown word {word!r}", f"{nearest(key, known)}known: {told}")
        if name in FIGURES:
            return {FIGURES[name]: self._number(name, value)}
        if name in TEXTS:
            return {TEXTS[name]: value}
        if name in FLAGS:
            return dict([FLAGS[name]])
        match name:
            case "mask":
                return {name: Path(value).absolute().as_posix()}
            case "region":
                return {name: self._region(value)}
            case "pair":
                return {"pairs": tuple(self._numbers(end, 2, word) for end in self._ends(value))}
            case "band":
                return {name: self._band(value)}
        return time_span(word, self.fail)

    def _number(self, name: str, value: str) -> float | int:
        if not re.fullmatch(NUMBER, value):
            self.fail(f"has {name}={value}", f"give a number, such as {name}=2")
        return int(value) if re.fullmatch(r"[+-]?\d+", value) else float(value)

    def _numbers(self, text: str, count: int, word: str) -> tuple[float, ...]:
        parts = text.split(",")
        if len(parts) != count or not all(re.fullmatch(NUMBER, part) for part in parts):
            self.fail(f"has {word}", f"give {count} numbers of pixels with commas where {text} is")
        return tuple(float(part) for part in parts)

    def _ends(self, value: str) -> list[str]:
        ends = value.split(">")
        if len(ends) != 2:
            self.fail(f"has pair={value}", "give a point of each, as pair=120,80>300,200")
        return ends

    def _region(self, value: str) -> Any:
        if ";" in value:
            return tuple(self._numbers(corner, 2, f"region={value}") for corner in value.split(";"))
        return self._numbers(value, 4, f"region={value}")

    def _band(self, value: str) -> tuple[float, float]:
        ends = value.split("-")
        if len(ends) != 2 or not all(re.fullmatch(NUMBER, end) for end in ends):
            self.fail(f"has band={value}", "give two frequencies in hertz, as band=0.5-3")
        return float(ends[0]), float(ends[1])


def _joined(told: str) -> str:
    """A message as the end of a sentence about the line."""
    return told if told.startswith((" ", ":")) else f": {told}"
