"""Shorthand: gestures in a line of text, as the command line takes them.

    drag  120,200 > 200,120 > 260,180 @0.5-2 radius=24 persist ease=ease-in-out
    pin   0,0,640,90                      or a polygon: 0,0 640,0 320,200
    box   10,10,90,90 > 200,10,280,90 @0.5-2 label=dog soft

Numbers are pixels, or percent of the canvas: `50%,20%`. Words may follow in any order.
"""

import re
import shlex
from collections.abc import Callable
from typing import Any, NoReturn

from kineograph.core.errors import DocumentError
from kineograph.gestures.base import Gesture
from kineograph.gestures.box import Box, BoxKey
from kineograph.gestures.drag import Drag
from kineograph.gestures.pin import Pin
from kineograph.gestures.shorthand.words import NUMBER, time_span
from kineograph.gestures.solid import Solid
from kineograph.gestures.writing.messages import nearest

Size = tuple[int, int]

KINDS: dict[str, type[Gesture]] = {"drag": Drag, "pin": Pin, "box": Box, "solid": Solid}

FORMS = {
    "drag": 'write it as "120,200 > 260,180", in pixels or percent',
    "pin": 'write it as "0,0,640,90" or "0,0 640,0 320,200", in pixels or percent',
    "box": 'write it as "10,10,90,90 > 200,10,280,90", in pixels or percent',
    "solid": 'write it as "sphere 256,200 r=80 : 256,200 > 330,200", in pixels or percent',
}
"""What to do about each kind."""

COMMON = ("@", "depth=", "name=")
WORDS = {
    "drag": (
        *COMMON,
        "radius=",
        "stride=",
        "persist",
        "release",
        "ease=",
        "strength=",
        "straight",
        "leave",
        "whole=",
        "part=",
        "joints=",
    ),
    "pin": (*COMMON, "stride=", "strength="),
    "box": (*COMMON, "persist", "release", "ease=", "label=", "soft", "leave"),
    "solid": (
        *COMMON,
        "r=",
        "radius=",
        "height=",
        "size=",
        "posed=",
        "yaw=",
        "pitch=",
        "roll=",
        "to=",
        "scale=",
        "fov=",
        "stride=",
        "persist",
        "release",
        "ease=",
        "strength=",
        "straight",
        "leave",
    ),
}
"""The words that may follow; those that end in = take a value."""


def parse_drag(text: str, size: Size) -> Drag:
    """A drag out of a line such as `120,200 > 260,180 @0.5-2 radius=24 persist`.

    Args:
        text: points joined by >, then words: @start-end, radius=, stride=, persist or release,
            ease=, depth=, strength=, name=, straight, leave; whole=rigid, similarity or bend to
            take the part under it along, part=mask.png, x0,y0,x1,y1 or x,y;x,y;x,y to say which,
            joints=x,y;x,y.
        size: (width, height) of the canvas; percent are of it, those of radius and stride of its
            short side.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    line = _Line("drag", text, size)
    groups = line.groups(2, "x,y")
    if len(groups) < 2:
        line.fail("has one point; a drag needs two or more")
    return line.build(lambda words: Drag(path=tuple(groups), **words))


def parse_pin(text: str, size: Size) -> Pin:
    """A pin out of a line such as `0,0,640,90` or, a polygon, `0,0 640,0 320,200 @1-2`.

    Args:
        text: a box x0,y0,x1,y1 or three or more points x,y with blanks in between, then words:
            @start-end, stride=, depth=, strength=, name=.
        size: (width, height) of the canvas; percent are of it, those of stride of its short side.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    line = _Line("pin", text, size)
    if len(line.places) == 1 and ">" not in line.places[0]:
        region: Any = line.numbers(line.places[0], 4, "x0,y0,x1,y1")
    else:
        region = [line.numbers(place, 2, "x,y") for place in line.places]
        if len(region) < 3:
            line.fail(f"has {len(region)} corners; a polygon needs three or more")
    return line.build(lambda words: Pin(region=region, **words))


def parse_box(text: str, size: Size) -> Box:
    """A box out of a line such as `10,10,90,90 > 200,10,280,90 label=dog soft`.

    Args:
        text: boxes x0,y0,x1,y1 joined by >, spread evenly over the time span, then words:
            @start-end, ease=, label=, soft, persist or release, depth=, name=, leave.
        size: (width, height) of the canvas; percent are of it.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    line = _Line("box", text, size)
    groups = line.groups(4, "x0,y0,x1,y1")

    def build(words: dict[str, Any]) -> Box:
        hard = not words.pop("soft", False)
        return Box(keys=tuple(BoxKey(box=box, hard=hard) for box in groups), **words)

    return line.build(build)


class _Line:
    """A line of shorthand, taken apart into places and words."""

    def __init__(self, kind: str, text: str, size: Size) -> None:
        self.kind, self.text, self.size = kind, " ".join(text.split()), size
        plain = re.split("['\"]", text)[0]  # what is in quotation marks stays as it is
        try:
            tokens = shlex.split(re.sub(r"\s*([,>])\s*", r"\1", plain) + text[len(plain) :])
        except ValueError:
            self.fail("has a quotation mark without its partner")
        count = next((i for i, token in enumerate(tokens) if not _is_place(token)), len(tokens))
        self.places, self.words = tokens[:count], tokens[count:]
        if not self.places:
            self.fail("begins with no point" if tokens else "is empty")

    def fail(self, what: str, remedy: str | None = None) -> NoReturn:
        """Say what is wrong with the line.

        Raises:
            DocumentError: always.
        """
        told = f'the {self.kind} "{self.text}" {what}; {remedy or FORMS[self.kind]}'
        raise DocumentError(" ".join(told.split()))

    def groups(self, count: int, form: str) -> list[Any]:
        """The one place of the line, cut at each >."""
        if len(self.places) > 1:
            self.fail(f"has {self.places[1]} after a blank; put > between places")
        return [self.numbers(group, count, form) for group in self.places[0].split(">")]

    def numbers(self, group: str, count: int, form: str) -> tuple[float, ...]:
        """The numbers of a point or box in pixels."""
        parts = group.split(",")
        if len(parts) != count:
            self.fail(f"has {group or 'nothing'} where {form} should be")
        return tuple(self.length(part, self.size[i % 2]) for i, part in enumerate(parts))

    def length(self, text: str, whole: int) -> float:
        """Pixels, or percent of `whole` pixels."""
        if not re.fullmatch(f"{NUMBER}%?", text):
            self.fail(f"has {text!r} where a number should be")
        return float(text.removesuffix("%")) * (whole / 100 if text.endswith("%") else 1.0)

    def build(self, make: Callable[[dict[str, Any]], Any]) -> Any:
        """What `make` makes of the words."""
        fields: dict[str, Any] = {}
        for word in self.words:
            for name, value in self._fields(word).items():
                if name in fields:
                    self.fail(f"says {name} twice", "say it once")
                fields[name] = value
        try:
            return make(fields)
        except DocumentError as error:
            told = str(error).removeprefix(KINDS[self.kind].title(fields))
            raise DocumentError(f'the {self.kind} "{self.text}"{told}') from None

    def _fields(self, word: str) -> dict[str, Any]:
        """The fields that a word stands for."""
        name, equals, value = word.partition("=")
        key = "@" if word.startswith("@") else name + equals
        if key not in WORDS[self.kind]:
            known = ", ".join(WORDS[self.kind]).replace("@", "@start-end")
            self.fail(
                f"has the unknown word {word!r}", f"{nearest(key, WORDS[self.kind])}known: {known}"
            )
        match key:
            case "@":
                return time_span(word, self.fail)
            case "persist" | "release":
                return {"persist": key == "persist"}
            case "straight" | "leave" | "soft":
                return {key: True}
            case "ease=":
                return {"timing": value}
            case "label=" | "name=":
                return {name: value}
            case "whole=":
                return {"whole": value}
            case "part=":
                return {"part": self._part(value)}
            case "joints=":
                return {"joints": self._points(value)}
            case "radius=" | "stride=":
                return {name: self.length(value, min(self.size))}
            case _:
                return {name: self._number(name, value)}

    def _part(self, value: str) -> Any:
        """A box x0,y0,x1,y1, a polygon x,y;x,y;x,y, or a mask's file."""
        if ";" in value:
            return self._points(value)
        if re.fullmatch(f"{NUMBER}%?(,{NUMBER}%?)*", value):
            return self.numbers(value, 4, "x0,y0,x1,y1")
        return value

    def _points(self, value: str) -> tuple[tuple[float, ...], ...]:
        """Points x,y with ; in between."""
        return tuple(self.numbers(point, 2, "x,y") for point in value.split(";"))

    def _number(self, name: str, value: str) -> float:
        if not re.fullmatch(NUMBER, value):
            self.fail(f"has {name}={value}", f"give a number, such as {name}=0.5")
        return float(value)


def _is_place(token: str) -> bool:
    """Whether a token is meant to be points rather than a word."""
    return "=" not in token and not token.startswith("@") and ("," in token or ">" in token)
