"""Shorthand for cameras and depth, as the command line takes them.

camera  orbit 20 @0-2 ease=ease-in-out          dolly 0.3           zoom 1.5
        follow 120,200 > 260,180 sphere         path walk.txt scale=2
depth   prior       depth.png near=white        FOLDER_OF_WEIGHTS
"""

import re
import shlex
from pathlib import Path
from typing import Any, NoReturn, get_args

from kineograph.core.errors import DocumentError
from kineograph.core.files import sha256_of
from kineograph.gestures.camera import NEEDS, Camera, Move
from kineograph.gestures.shorthand.words import NUMBER, time_span
from kineograph.gestures.writing.messages import nearest
from kineograph.vision.depth_file import READS

Size = tuple[int, int]

MOVES = tuple(move.replace(" ", "-") for move in get_args(Move) if move != "keys")
"""The moves that can be told in a line; `keys` need a document."""

FORM = 'write it as "orbit 20", "dolly 0.3 @0-2", "follow 120,200 > 260,180" or "path walk.txt"'

WORDS = (
    "@",
    "ease=",
    "focus=",
    "point=",
    "count=",
    "fov=",
    "radius=",
    "threshold=",
    "scale=",
    "strength=",
    "name=",
    "plane",
    "sphere",
    "scene",
    "2d",
)
"""The words that may follow; those that end in = take a value."""

DEGREES = ("°", "deg")


def parse_camera(text: str, size: Size) -> Camera:
    """A camera out of a line such as `orbit 20` or `dolly 0.3 @0-2 ease=ease-in-out`.

    Args:
        text: the move and its amount (or the cursor's points joined by >, or a file), then words:
            @start-end, ease=, focus= (a distance, or a point x,y), point=x,y, count=, fov=,
            radius=, threshold=, scale=, strength=, name=, plane or sphere (where `follow` holds the
            camera), scene (lengths in the depth's unit), 2d (add what moves in the picture).
        size: (width, height) of the canvas; percent of points are of it.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    return _Line(text, size).camera()


def parse_depth(text: str) -> Any:
    """What a document says of depth, out of `prior`, `depth.png near=white` or weights.

    A name with the ending of a depth file is a file; anything else is a folder of weights, or
    their name on the Hugging Face hub. Paths are made absolute.

    Returns:
        "prior", or a dictionary that `Document` takes as its `depth`.

    Raises:
        DocumentError: it cannot be understood, or the file is not there.
    """
    whole = Path(text).expanduser()
    name, near = (text, None) if whole.exists() else _near(text)
    path = Path(name).expanduser()
    if name == "prior" and near is None:
        return "prior"
    if path.suffix.lower() in READS and not path.is_dir():
        if not path.is_file():
            raise DocumentError(f"there is no depth file {name}; name one, or say prior")
        held = {"path": path.absolute().as_posix(), "sha256": sha256_of(path)}
        return held if near is None else held | {"near_is_white": near}
    if near is not None:
        raise DocumentError(f'the depth "{text}" says near= of something that is no depth file')
    return {"model": path.absolute().as_posix() if path.is_dir() else name}


def _near(text: str) -> tuple[str, bool | None]:
    """The name and what near= says."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    given = [word for word in words if word.startswith("near=")]
    names = [word for word in words if not word.startswith("near=")]
    if len(names) != 1 or len(given) > 1:
        raise DocumentError(
            f'the depth "{text}" is no one name; write "prior", "depth.png near=white" '
            "or a folder of weights, with quotation marks around blanks"
        )
    if not given:
        return names[0], None
    if given[0] not in ("near=white", "near=black"):
        raise DocumentError(f'the depth "{text}" has {given[0]}; write near=white or near=black')
    return names[0], given[0] == "near=white"


class _Line:
    """A line of shorthand for a camera."""

    def __init__(self, text: str, size: Size) -> None:
        self.text, self.size = " ".join(text.split()), size
        self.fields: dict[str, Any] = {}
        try:
            joined = re.sub(r"\s*([,>])\s*", r"\1", self.text).replace("dolly zoom", "dolly-zoom")
            self.tokens = shlex.split(joined)
        except ValueError:
            self.fail("has a quotation mark without its partner")

    def fail(self, what: str, remedy: str = FORM) -> NoReturn:
        """Say what is wrong with the line.

        Raises:
            DocumentError: always.
        """
        raise DocumentError(f'the camera "{self.text}" {what}; {remedy}')

    def camera(self) -> Camera:
        """What the line says."""
        if not self.tokens:
            self.fail("is empty")
        move, *rest = self.tokens
        if move == "keys":
            self.fail("has keys, which do not fit in a line", "write them in a motion document")
        if move not in MOVES:
            self.fail(
                f"has the unknown move {move!r}", f"{nearest(move, MOVES)}known: {', '.join(MOVES)}"
            )
        if not rest:
            self.fail(
                f"does not say how far to {move}" if move not in NEEDS else f"has a bare {move}"
            )
        self.fields["move"] = move.replace("-", " ")
        self._take_value(move, rest[0])
        for word in rest[1:]:
            self._take_word(word)
        try:
            return Camera(**self.fields)
        except DocumentError as error:
            told = str(error).removeprefix(Camera.title(self.fields))
            raise DocumentError(f'the camera "{self.text}"{told}') from None

    def _take_value(self, move: str, value: str) -> None:
        """The move's amount, the cursor's way, or the file."""
        if move == "follow":
            self.fields["path"] = tuple(self._point(part) for part in value.split(">"))
        elif move == "path":
            self.fields["file"] = Path(value).expanduser().absolute().as_posix()
        else:
            for unit in DEGREES:
                value = value.removesuffix(unit)
            self.fields["amount"] = self._number(move, value)

    def _take_word(self, word: str) -> None:
        name, equals, value = word.partition("=")
        key = "@" if word.startswith("@") else name + equals
        if key not in WORDS:
            known = ", ".join(WORDS).replace("@", "@start-end")
            self.fail(f"has the unknown word {word!r}", f"{nearest(key, WORDS)}known: {known}")
        for field, held in self._told(key, name, value, word).items():
            if field in self.fields:
                self.fail(f"says {field} twice", "say it once")
            self.fields[field] = held

    def _told(self, key: str, name: str, value: str, word: str) -> dict[str, Any]:
        """The fields that a word stands for."""
        match key:
            case "@":
                return time_span(word, self.fail)
            case "ease=":
                return {"timing": value}
            case "name=":
                return {"name": value}
            case "plane" | "sphere":
                return {"hold": key}
            case "scene":
                return {"unit": key}
            case "2d":
                return {"compose": key}
            case "point=":
                return {"point": self._point(value)}
            case "focus=" if "," in value:
                return {"focus": self._point(value)}
            case "count=":
                if not re.fullmatch(r"\d+", value):
                    self.fail(f"has count={value}", "give a whole number, such as count=1024")
                return {"count": int(value)}
            case _:
                return {name: self._number(name, value)}

    def _point(self, text: str) -> tuple[float, float]:
        parts = text.split(",")
        if len(parts) != 2 or not all(re.fullmatch(f"{NUMBER}%?", part) for part in parts):
            self.fail(f"has {text or 'nothing'} where a point x,y should be")
        x, y = (
            float(part.removesuffix("%")) * (whole / 100 if part.endswith("%") else 1.0)
            for part, whole in zip(parts, self.size, strict=True)
        )
        return x, y

    def _number(self, name: str, value: str) -> float:
        if not re.fullmatch(NUMBER, value):
            self.fail(f"has {value or 'nothing'} for {name}, which is no number")
        return float(value)
