"""How facts are put into words: verbs and their synonyms, directions, speeds, articles.

All in lower case and in the present, with words that a small text encoder can learn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from kineograph.data.clip import Fact
from kineograph.data.procedural.chance import either

CAMERA = "camera"
"""The subject of what the camera does."""

OBJECT_PHRASES: dict[str, tuple[str, ...]] = {
    "stays": ("stays still", "does not move", "rests", "stays where it is"),
    "moves": ("moves {way}", "slides {way}", "drifts {way}", "glides {way}"),
    "falls": ("falls {way}", "drops {way}"),
    "flies": ("flies {way}", "is thrown {way}"),
    "bounces": ("bounces {way}", "hops {way}", "jumps {way}"),
    "circles": ("circles {way}", "moves in a circle {way}", "goes round {way}"),
    "swings": ("swings {way}", "swings back and forth {way}", "sways {way}"),
    "rotates": ("rotates {way}", "turns {way}", "spins {way}"),
    "grows": ("grows {way}", "gets larger {way}", "comes closer {way}"),
    "shrinks": ("shrinks {way}", "gets smaller {way}", "moves away {way}"),
    "wobbles": ("wobbles {way}", "bends {way}", "ripples {way}"),
    "pulses": ("pulses {way}", "stretches and squashes {way}"),
}
"""What an object does; `{way}` is where to, or nothing."""

CAMERA_PHRASES: dict[tuple[str, str], tuple[str, ...]] = {
    ("stays", ""): ("stays still", "does not move", "is static"),
    ("pans", ""): ("pans {way}", "moves {way}"),
    ("zooms", ""): ("zooms {way}",),
    ("moves", "in"): ("moves in", "moves closer", "dollies in"),
    ("moves", "out"): ("moves out", "moves back", "dollies out"),
    ("rolls", ""): ("rolls {way}", "turns {way}"),
}
"""What the camera does, by verb and direction; "" stands for every direction not named."""

DIRECTIONS: dict[str, tuple[str, ...]] = {
    "left": ("left", "to the left"),
    "right": ("right", "to the right"),
    "up": ("up", "upwards"),
    "down": ("down", "downwards"),
    "up left": ("up left", "up and to the left"),
    "up right": ("up right", "up and to the right"),
    "down left": ("down left", "down and to the left"),
    "down right": ("down right", "down and to the right"),
}
"""How a direction is said; those not here are said as they are."""

BEFORE = ("in front of", "against", "on")
"""How it is said what is behind it all."""

BESIDE = {"behind": ("behind",), "before": ("in front of",)}
"""How it is said that one is partly hidden by another, and that it hides another."""

ALL_STILL = ("nothing moves", "everything stays still", "nothing happens")
"""What is said where not even the camera moves."""

SLOW, QUICK = ("slowly", "gently"), ("quickly", "fast")
"""How speed is said; "fast" only after the verb."""


@dataclass(frozen=True)
class Pace:
    """Between which amounts over a clip nothing is said of the speed."""

    slow: float | int
    quick: float | int

    def word(self, rng: np.random.Generator, amount: float) -> str:
        """The adverb for an amount; empty between the two."""
        if amount >= self.quick:
            return either(rng, QUICK)
        return either(rng, SLOW) if amount <= self.slow else ""


_WAY = Pace(0.15, 0.6)  # shares of the picture's short side
_TURN = Pace(45, 180)  # degrees
_ROLL = Pace(8, 25)  # degrees of the camera
_FACTOR = Pace(log(1.2), log(1.8))  # logarithm of the factor


def pace_of(rng: np.random.Generator, fact: Fact, size: tuple[int, int]) -> str:
    """The adverb for a fact by its measured amount: "slowly", "quickly"; empty where it is neither.

    Args:
        rng: draws the synonym.
        fact: what moves; its amount in pixels, degrees or as a factor, as its verb has it.
        size: (width, height) of the picture in pixels.
    """
    if fact.amount is None:
        return ""
    amount = abs(float(fact.amount))
    if fact.verb in ("grows", "shrinks", "zooms") or fact.direction in ("in", "out"):
        return _FACTOR.word(rng, abs(log(amount))) if amount > 0 else ""
    if fact.verb in ("rotates", "circles"):
        return _TURN.word(rng, amount)
    if fact.verb == "rolls":
        return _ROLL.word(rng, amount)
    if fact.verb in ("moves", "pans", "falls", "flies", "bounces"):
        return _WAY.word(rng, amount / min(size))
    return ""


def does(rng: np.random.Generator, fact: Fact, pace: str = "") -> str:
    """What a fact's subject does, in the singular: "slides slowly to the left".

    A verb that is not known is said as it is, followed by its direction.
    """
    way = fact.direction or ""
    phrase = either(rng, _phrases(fact.subject, fact.verb, way))
    said = either(rng, DIRECTIONS.get(way, (way,)))
    words = phrase.replace("{way}", said)
    ahead = rng.random() < 0.5 and pace != "fast" and not phrase.startswith("is ")
    return " ".join((f"{pace} {words}" if ahead else f"{words} {pace}").split())


def _phrases(subject: str, verb: str, way: str) -> tuple[str, ...]:
    if subject != CAMERA:
        return OBJECT_PHRASES.get(verb, (verb + " {way}",))
    plain = CAMERA_PHRASES.get((verb, ""), (verb + " {way}",))
    return CAMERA_PHRASES.get((verb, way), plain)


def article(name: str) -> str:
    """Say "a" or "an", by the sound that a name begins with."""
    sounded_as_consonant = ("uni", "use", "ufo", "eu", "one ")
    vowel = name[:1] in "aeiou" and not name.startswith(sounded_as_consonant)
    return "an" if vowel else "a"


def listed(things: list[str]) -> str:
    """Join as in "one", "one and two", "one, two and three"."""
    return " and ".join([part for part in (", ".join(things[:-1]), things[-1]) if part])


def introduced(names: Sequence[str]) -> list[str]:
    """Each name with the article that suits its first or later mention."""
    met: set[str] = set()
    said = []
    for name in names:
        said.append(f"another {name}" if name in met else f"{article(name)} {name}")
        met.add(name)
    return said
