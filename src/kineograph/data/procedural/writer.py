"""The writer of one caption: of whom it speaks, in which order, and how the clauses are joined."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kineograph.data.clip import Fact
from kineograph.data.procedural.chance import either
from kineograph.data.procedural.phrases import (
    ALL_STILL,
    BEFORE,
    BESIDE,
    CAMERA,
    article,
    does,
    listed,
    pace_of,
)

Who = tuple[str, int | None]
"""A subject's name and its group."""


@dataclass(frozen=True)
class Habits:
    """How often, in 0..1, a caption says what it may leave out.

    Args:
        most: of how many objects it speaks at most.
        camera: a camera that moves.
        still_camera: a camera that does not move.
        still: an object that does not move while something else does.
        further: what an object does besides the first thing.
        pace: a speed that is low or high.
        behind: who hides whom.
        background: what is behind it all.
    """

    most: int = 4
    camera: float | int = 0.9
    still_camera: float | int = 0.25
    still: float | int = 0.6
    further: float | int = 0.85
    pace: float | int = 0.5
    behind: float | int = 0.6
    background: float | int = 0.35


@dataclass(frozen=True)
class Caption:
    """A sentence and those facts that it states."""

    text: str
    facts: tuple[Fact, ...] = ()


class Writer:
    """One caption while it is written: who has been mentioned, what has been said."""

    def __init__(
        self,
        rng: np.random.Generator,
        size: tuple[int, int],
        habits: Habits,
        background: str | None,
    ) -> None:
        self.rng, self.size, self.habits, self.background = rng, size, habits, background
        self.met: dict[Who, str] = {}
        self.said: list[Fact] = []
        self.told: set[tuple[int, int]] = set()

    def written(self, facts: Sequence[Fact], passes: Sequence[tuple[int, int]]) -> Caption:
        """The caption: facts by subject, each in a clause, and the camera's at either end."""
        camera = [fact for fact in facts if fact.subject == CAMERA]
        about: dict[Who, list[Fact]] = {}
        for fact in facts:
            if fact.subject != CAMERA:
                about.setdefault((fact.subject, fact.group), []).append(fact)
        if all(fact.verb == "stays" for fact in facts) and (not about or self.rng.random() < 0.5):
            self.said = list(facts)
            return Caption(self._placed(either(self.rng, ALL_STILL)), tuple(facts))
        names = {group: name for name, group in about if group is not None}
        clauses = [self._clause(who, about[who], names, passes) for who in self._chosen(about)]
        text = self._joined(clauses, self._camera(camera, alone=not clauses))
        return Caption(self._placed(text), tuple(self.said))

    def _chance(self, often: float | int) -> bool:
        return bool(self.rng.random() < often)

    def _chosen(self, about: dict[Who, list[Fact]]) -> list[Who]:
        """Of whom is spoken: those that move first in line, in an order that is drawn."""
        moving = [who for who, facts in about.items() if any(f.verb != "stays" for f in facts)]
        resting = [who for who in about if who not in moving]
        if moving:
            resting = [who for who in resting if self._chance(self.habits.still)]
        kept = [*self._shuffled(moving), *self._shuffled(resting)][: self.habits.most]
        return kept if self._chance(0.7) else self._shuffled(kept)

    def _shuffled(self, whom: list[Who]) -> list[Who]:
        return [whom[i] for i in self.rng.permutation(len(whom))]

    def _mention(self, name: str, group: int | None) -> str:
        """By name: "a fox face" first, "the fox face" later; "another" for one of the same name."""
        if (name, group) in self.met:
            return self.met[name, group]
        others = [known for known, _ in self.met if known == name]
        self.met[name, group] = f"the other {name}" if others else f"the {name}"
        return f"another {name}" if others else f"{article(name)} {name}"

    def _clause(
        self,
        who: Who,
        facts: list[Fact],
        names: dict[int, str],
        passes: Sequence[tuple[int, int]],
    ) -> str:
        kept = [f for i, f in enumerate(facts) if i == 0 or self._chance(self.habits.further)]
        self.said += kept
        subject = self._mention(*who)
        done = [self._does(fact) for fact in kept]
        beside = self._beside(who[1], names, passes)
        if len(done) == 2 and self._chance(0.3):
            return f"{subject} {done[0]}{beside} as it {done[1]}"
        return f"{subject} {listed([done[0] + beside, *done[1:]])}"

    def _does(self, fact: Fact) -> str:
        pace = pace_of(self.rng, fact, self.size) if self._chance(self.habits.pace) else ""
        return does(self.rng, fact, pace)

    def _beside(
        self, group: int | None, names: dict[int, str], passes: Sequence[tuple[int, int]]
    ) -> str:
        """With a space before: " behind the red square", where that is so and is to be said."""
        fresh = [pair for pair in passes if group in pair and pair not in self.told]
        known = [(a, b) for a, b in fresh if a in names and b in names]
        if not known or not self._chance(self.habits.behind):
            return ""
        hidden, hiding = either(self.rng, known)
        self.told.add((hidden, hiding))
        word, other = ("behind", hiding) if group == hidden else ("before", hidden)
        return f" {either(self.rng, BESIDE[word])} {self._mention(names[other], other)}"

    def _camera(self, facts: list[Fact], *, alone: bool) -> str:
        still = all(fact.verb == "stays" for fact in facts)
        often = self.habits.still_camera if still else self.habits.camera
        if not facts or not (alone or self._chance(often)):
            return ""
        self.said += facts
        return f"the camera {listed([self._does(fact) for fact in facts])}"

    def _joined(self, clauses: list[str], camera: str) -> str:
        if len(clauses) == 2 and not camera and self._chance(0.4):
            return f"{clauses[0]} {either(self.rng, ('while', 'as'))} {clauses[1]}"
        things = listed(clauses) if clauses else ""
        if not camera or not things:
            return things or camera
        style = int(self.rng.integers(4))
        link = either(self.rng, ("while", "as"))
        return (
            f"{things} {link} {camera}",
            f"{camera} {link} {things}",
            f"{things}, and {camera}",
            f"{things}. {camera}",
        )[style]

    def _placed(self, text: str) -> str:
        """The text with what is behind it all, perhaps."""
        if self.background is None or not self._chance(self.habits.background):
            return text
        where = f"{either(self.rng, BEFORE)} {article(self.background)} {self.background}"
        return f"{where}, {text}" if self._chance(0.7) or ". " in text else f"{text}, {where}"
