"""Shorthand of solids: a body and what turns it, in a line of text.

sphere 256,200 r=80 : 256,200 > 330,200 @0.5-2
cylinder 50%,50% r=40 height=120 yaw=180 to=300,200 scale=1.2
box 200,150 size=90,60,60 posed=30,-15,0 yaw=120 persist
"""

import re
from typing import Any

from kineograph.gestures.shorthand.line import Size, _Line
from kineograph.gestures.solid import Solid
from kineograph.gestures.solids.fields import ANGLES, MEASURES, SolidKey

KEYED = {**{name: name for name in ANGLES}, "to": "centre", "scale": "scale"}
"""Words that say where it goes, and the field of the key that they give."""


def parse_solid(text: str, size: Size) -> Solid:
    """A solid out of a line such as `sphere 256,200 r=80 : 256,200 > 330,200`.

    Args:
        text: the shape, its centre x,y and its measures (r= or radius=, height=, size=w,h or
            size=w,h,d), then what moves it: a cursor path x,y > x,y after a colon, or words that
            say how it is at the end: yaw=, pitch=, roll= (degrees), to=x,y, scale=. Other words:
            posed=yaw,pitch,roll (how it stands at the start), fov=, stride=, @start-end, persist
            or release, ease=, depth=, strength=, name=, straight, leave.
        size: (width, height) of the canvas; percent are of it, those of lengths of its short side.

    Raises:
        DocumentError: it cannot be understood or done.
    """
    shape, _, rest = text.strip().partition(" ")
    body, colon, cursor = _at_colon(rest)
    line = _SolidLine("solid", body.strip() or "0,0", size)
    line.text = " ".join(text.split())
    if shape not in MEASURES:
        line.fail(f"begins with {shape!r}", f"known shapes: {', '.join(MEASURES)}")
    if not body.strip():
        line.fail("has no centre")
    centre = line.groups(2, "x,y")
    if len(centre) > 1:
        line.fail("has a path for its centre", "put the cursor path after a colon, or use to=x,y")
    given: dict[str, Any] = {"shape": shape, "centre": centre[0]}
    if colon:
        path = _SolidLine("solid", cursor, size)
        path.text = line.text
        given["path"] = tuple(path.groups(2, "x,y"))
        line.words += path.words
    return line.build(lambda words: Solid(**given, **_with_key(words)))


def _at_colon(text: str) -> tuple[str, str, str]:
    """Before and after the first colon that does not stand in quotation marks."""
    found = re.match(r"""((?:[^:'"]|'[^']*'|"[^"]*")*):(.*)""", text, re.DOTALL)
    return (found[1], ":", found[2]) if found else (text, "", "")


def _with_key(words: dict[str, Any]) -> dict[str, Any]:
    """The fields, with those of the key at the end put together as one."""
    key = {field: words.pop(f"key {field}") for field in KEYED.values() if f"key {field}" in words}
    posed = dict(zip(ANGLES, words.pop("posed", ()), strict=False))
    return {**words, **posed, **({"keys": (SolidKey(**key),)} if key else {})}


class _SolidLine(_Line):
    """A line with the words of solids."""

    def _fields(self, word: str) -> dict[str, Any]:
        name, _, value = word.partition("=")
        side = min(self.size)
        match name:
            case "r" | "height":
                return {"radius" if name == "r" else name: self.length(value, side)}
            case "size":
                return {name: tuple(self.length(part, side) for part in value.split(","))}
            case "to":
                return {"key centre": self.numbers(value, 2, "x,y")}
            case "yaw" | "pitch" | "roll" | "scale":
                return {f"key {name}": self._number(name, value)}
            case "posed":
                angles = value.split(",")
                if len(angles) != 3:
                    self.fail(f"has posed={value}", "give yaw, pitch and roll, as posed=30,-15,0")
                return {name: tuple(self._number(name, angle) for angle in angles)}
        return super()._fields(word)
