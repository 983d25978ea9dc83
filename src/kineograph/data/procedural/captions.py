"""Captions: sentences that say what moves how, made from facts that can be measured.

Two more kinds leave the motion unsaid: what is seen (texts of Motion Prompting describe the scene),
and bare labels.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from kineograph.data.clip import Fact
from kineograph.data.procedural.chance import either
from kineograph.data.procedural.colours import COLOURS
from kineograph.data.procedural.glyph_names import NAMES, PLAINER
from kineograph.data.procedural.leaves import WORDS as LEAF_WORDS
from kineograph.data.procedural.phrases import (
    ALL_STILL,
    BEFORE,
    BESIDE,
    CAMERA_PHRASES,
    DIRECTIONS,
    OBJECT_PHRASES,
    QUICK,
    SLOW,
    article,
    introduced,
    listed,
)
from kineograph.data.procedural.shapes import SHAPES
from kineograph.data.procedural.textures import PATTERNS
from kineograph.data.procedural.writer import Caption, Habits, Writer

_OTHER_WORDS = (
    "a an the another and while as it in front of against on background photograph piece camera "
    "clockwise counterclockwise out"
)


def caption(
    rng: np.random.Generator,
    facts: Sequence[Fact],
    *,
    size: tuple[int, int],
    passes: Sequence[tuple[int, int]] = (),
    background: str | None = None,
    habits: Habits | None = None,
) -> Caption:
    """Say what moves how: "a fox face slides left behind a red square while the camera zooms in".

    Args:
        rng: draws the grammar, the synonyms and what is left out.
        facts: what moves how; facts of one group are said of one subject.
        size: (width, height) of the picture in pixels, against which speed is told.
        passes: pairs of groups (hidden, hiding) of which the first is partly covered.
        background: its name without an article, or None.
        habits: how often what may be left out is said.
    """
    return Writer(rng, size, habits or Habits(), background).written(facts, passes)


def scene_caption(
    rng: np.random.Generator, names: Sequence[str], *, background: str | None = None
) -> str:
    """Say what is seen and nothing of how it moves: "a fox face and a red square"."""
    seen = listed(introduced(names)) if names else ""
    if background is None or (names and rng.random() < 0.4):
        return seen
    if not names:
        return f"{article(background)} {background}"
    where = f"{either(rng, BEFORE)} {article(background)} {background}"
    return f"{seen} {where}" if rng.random() < 0.7 else f"{where}, {seen}"


def label_caption(names: Sequence[str]) -> str:
    """The names alone, each once: "fox face, red square"."""
    return ", ".join(dict.fromkeys(names))


_MIRRORED = {
    "left": "right",
    "right": "left",
    "leftwards": "rightwards",
    "rightwards": "leftwards",
    "leftward": "rightward",
    "rightward": "leftward",
    "clockwise": "counterclockwise",
    "counterclockwise": "clockwise",
    "counter-clockwise": "clockwise",
    "anticlockwise": "clockwise",
    "anti-clockwise": "clockwise",
}
_SIDED = re.compile(rf"\b({'|'.join(sorted(_MIRRORED, key=len, reverse=True))})\b", re.IGNORECASE)


def flipped(text: str) -> str:
    """A text or direction for the mirrored picture: left and right, and the turns, change places.

    Only whole words change, and keep their capitals: "The Left one" becomes "The Right one". What
    kineograph writes comes back when it is flipped twice ("anticlockwise" of others does not).
    """
    return _SIDED.sub(lambda found: _cased(_MIRRORED[found[0].lower()], found[0]), text)


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word


def vocabulary(names: Iterable[str] = ()) -> tuple[str, ...]:
    """All words that captions can hold, sorted; `names` adds those of things of your own."""
    said = [
        text for group in (*OBJECT_PHRASES.values(), *CAMERA_PHRASES.values()) for text in group
    ]
    said += [text for group in (*DIRECTIONS.values(), *BESIDE.values()) for text in group]
    said += [*ALL_STILL, *SLOW, *QUICK, *BEFORE, _OTHER_WORDS]
    said += [*COLOURS, *SHAPES, *PATTERNS, *LEAF_WORDS.values(), *names]
    plain = [name.replace("-", " ") for name in NAMES]
    said += [PLAINER.get(name, name) for name in plain]
    words = " ".join(said).replace("{way}", " ").replace("-", " ").split()
    return tuple(sorted(set(words)))
