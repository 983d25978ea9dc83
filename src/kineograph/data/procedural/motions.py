"""Motions: how one thing moves on the stage, rigid, ballistic or elastic, in pixels of frame 0."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from kineograph.core.timing import Curve
from kineograph.data.procedural.camera import EASINGS
from kineograph.data.procedural.chance import between, either, signed
from kineograph.data.procedural.waves import Waves

Numbers = Float64[np.ndarray, " frames"]
Places = Float64[np.ndarray, "frames 2"]


@dataclass(frozen=True, eq=False)
class Actor:
    """What a motion has to know of the thing it moves: its size, and the stage it moves on."""

    stage: tuple[int, int]
    """(width, height) of the picture in pixels."""
    frames: int
    span: float
    """The longer side of the thing in stage pixels."""

    @property
    def short(self) -> int:
        """The shorter side of the picture."""
        return min(self.stage)

    @property
    def time(self) -> Numbers:
        """0 at the first frame, 1 at the last."""
        return np.linspace(0, 1, self.frames)


@dataclass(frozen=True, eq=False)
class Motion:
    """Where a thing is, how it is turned, how large and how stretched, at every frame.

    Convention: stage pixels (raster, y down), radians (positive clockwise on the screen), factors
    of the thing's size. `stretch` acts along x and y of the stage, after the turn.
    """

    centre: Places
    angle: Numbers
    scale: Numbers
    stretch: Places
    verbs: tuple[str, ...]
    """What it does, of `world.OBJECT_VERBS`."""
    waves: Waves | None = None
    """In stage pixels of the thing at its own size."""
    turned: float = 0.0
    """Radians that it has gone around a middle in all, if it circles."""

    @classmethod
    def rest(cls, actor: Actor, place: Float64[np.ndarray, "2"], angle: float = 0.0) -> "Motion":
        """Nothing happens, at a place."""
        many = actor.frames
        return cls(
            centre=np.repeat(place[None], many, axis=0),
            angle=np.full(many, angle),
            scale=np.ones(many),
            stretch=np.ones((many, 2)),
            verbs=("stays",),
        )

    def path(self) -> Float64[np.ndarray, "frames 2 3"]:
        """Affine maps from pixels around the thing's middle, at its own size, to the stage."""
        cos, sin = np.cos(self.angle) * self.scale, np.sin(self.angle) * self.scale
        turn = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
        return np.concatenate([turn * self.stretch[:, :, None], self.centre[:, :, None]], axis=-1)

    def also(self, verb: str, **fields: object) -> "Motion":
        """The same and one thing more."""
        verbs = tuple(word for word in self.verbs if word != "stays")
        return replace(self, verbs=(*verbs, verb), **fields)  # type: ignore[arg-type]


def eased(rng: np.random.Generator, actor: Actor) -> Numbers:
    """0 to 1 with some easing; at times it begins late or ends early."""
    begin, end = 0.0, 1.0
    if rng.random() < 0.25:
        begin, end = rng.uniform(0, 0.3), rng.uniform(0.7, 1)
    spent = np.clip((actor.time - begin) / (end - begin), 0, 1)
    return Curve.named(either(rng, EASINGS))(spent)


def slide(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """From one place to another, straight or along a bow, by a few pixels or half the picture."""
    angle, far = rng.uniform(0, 2 * np.pi), between(rng, 0.1, 0.7) * actor.short
    if rng.random() < 0.6:  # people, and captions, like things to go along an axis
        angle = np.round(angle / (np.pi / 2)) * np.pi / 2 + rng.normal(0, 0.12)
    way = np.array([np.cos(angle), np.sin(angle)]) * far
    part = eased(rng, actor)
    bow = np.sin(np.pi * part) * far * (rng.normal(0, 0.2) if rng.random() < 0.4 else 0.0)
    side = np.array([-way[1], way[0]]) / far
    centre = base.centre + (part - 0.5)[:, None] * way + bow[:, None] * side
    return base.also("moves", centre=centre)


def spin(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """Turns about its middle."""
    turn = np.radians(signed(rng, 25, 300)) * eased(rng, actor)
    return base.also("rotates", angle=base.angle + turn)


def grow(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """Grows or shrinks evenly."""
    factor = signed(rng, 0.25, 0.75)
    part = eased(rng, actor) - (1 if factor > 0 else 0)  # never larger than its own size
    verb = "grows" if factor > 0 else "shrinks"
    return base.also(verb, scale=base.scale * np.exp(factor * part))


def circle(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """Goes around a place, without turning."""
    reach = between(rng, 0.1, 0.28) * actor.short
    turned = np.radians(signed(rng, 120, 420)) * eased(rng, actor)
    turn = rng.uniform(0, 2 * np.pi) + turned
    around = np.stack([np.cos(turn), np.sin(turn)], -1) * reach
    whole = float(turned[-1] - turned[0])
    return base.also("circles", centre=base.centre + around, turned=whole)


def swing(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """Swings as a pendulum, about a place above it."""
    length = between(rng, 0.25, 0.6) * actor.short
    turn = sway(rng, actor, 15, 45)
    hang = np.stack([-np.sin(turn), np.cos(turn) - 1], -1) * length
    return base.also("swings", centre=base.centre + hang, angle=base.angle + turn)


def sway(rng: np.random.Generator, actor: Actor, low: float | int, high: float | int) -> Numbers:
    """Radians of a swing to both sides by `low` to `high` degrees, one to two and a half times."""
    phase = 2 * np.pi * (rng.uniform(0.8, 2.2) * actor.time + rng.random())
    return np.radians(between(rng, low, high)) * np.sin(phase)


def throw(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """Falls or is thrown under gravity, and bounces off a floor, flattened a little each time.

    The flight between bounces is exact: parabolas joined at the instants of touching.
    """
    half, (width, height) = actor.span / 2, actor.stage
    floor = rng.uniform(0.8, 1.0) * height - half
    start = min(rng.uniform(0.15, 0.45) * height, floor - 0.15 * height)
    fall = rng.uniform(0.3, 0.65)  # of the clip, from rest at the start to the floor
    gravity = 2 * (floor - start) / fall**2
    speed = -gravity * fall * (rng.uniform(0.2, 0.6) if rng.random() < 0.5 else 0.0)
    height_at, hits = bounces(actor.time, start, speed, gravity, floor, rng.uniform(0.55, 0.85))
    across = signed(rng, 0.12, 0.7) * width
    x = np.clip(base.centre[:, 0], 0.3 * width, 0.7 * width) + across * (actor.time - 0.5)
    flat = sum((power * flatten(actor.time - at) for at, power in hits), np.zeros(actor.frames))
    flat = 0.25 * np.clip(flat / (gravity * fall), 0, 1)
    y = height_at + flat * half
    verb = "bounces" if hits else "flies" if speed < 0 else "falls"
    turn = across / half * 0.5 * actor.time if rng.random() < 0.5 else 0.0
    return base.also(
        verb,
        centre=np.stack([x, y], -1),
        angle=base.angle + turn,
        stretch=base.stretch * np.stack([1 + flat, 1 - flat], -1),
    )


def bounces(
    time: Numbers, start: float, speed: float, gravity: float, floor: float, spring: float
) -> tuple[Numbers, list[tuple[float, float]]]:
    """Heights (y, downwards) of a thing that falls and bounces, and (instant, speed) of each hit.

    Args:
        time: instants, from 0 on, in order.
        start: y at 0.
        speed: along y at 0; negative is upwards.
        gravity: how fast that grows.
        floor: y that is never passed.
        spring: the share of speed that a bounce leaves.
    """
    hits: list[tuple[float, float]] = []
    heights, begun = np.empty_like(time), 0.0
    while True:
        rest = time >= begun
        since = time[rest] - begun
        heights[rest] = start + speed * since + gravity / 2 * since**2
        touch = (-speed + np.sqrt(speed**2 + 2 * gravity * (floor - start))) / gravity
        begun += touch
        if begun > time[-1]:
            return heights, hits
        arrival = speed + gravity * touch
        hits.append((float(begun), float(arrival)))
        start, speed = floor, -spring * arrival
        if -speed < 0.02 * gravity:  # too small to see: it lies
            heights[time >= begun] = floor
            return heights, hits


def flatten(since: Numbers) -> Numbers:
    """How flat a thing is after a touch: 1 at once, soon 0 again, 0 before."""
    return np.where(since >= 0, np.exp(-np.abs(since) / 0.05), 0.0)


def wobble(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """Bends in waves that run through it, as a flag or jelly does."""
    sines = np.zeros((actor.frames, 2, 2, 3))
    for shear in range(2):
        for k in range(2):
            sines[:, shear, k, 0] = between(rng, 0.02, 0.075) * actor.span / (k + 1)
            sines[:, shear, k, 1] = 2 * np.pi * rng.uniform(0.5, 1.1) * (k + 1) / actor.span
            phase = rng.random() + signed(rng, 0.6, 1.8) * actor.time
            sines[:, shear, k, 2] = 2 * np.pi * phase
    return base.also("wobbles", waves=Waves(sines))


def pulse(rng: np.random.Generator, actor: Actor, base: Motion) -> Motion:
    """Stretches and squashes in turns, with its area kept."""
    factor = np.exp(
        between(rng, 0.08, 0.25)
        * np.sin(2 * np.pi * (rng.uniform(1, 3) * actor.time + rng.random()))
    )
    return base.also("pulses", stretch=base.stretch * np.stack([factor, 1 / factor], -1))


Change = Callable[[np.random.Generator, Actor, Motion], Motion]

MOTIONS: Mapping[str, tuple[Change, ...]] = {
    "stay": (),
    "slide": (slide,),
    "slide and spin": (slide, spin),
    "slide and grow": (slide, grow),
    "spin": (spin,),
    "grow": (grow,),
    "circle": (circle,),
    "swing": (swing,),
    "throw": (throw,),
    "wobble": (wobble,),
    "wobble and slide": (wobble, slide),
    "pulse": (pulse,),
    "hinged": (),
    "hinged and slide": (slide,),
}
"""Names of motions and what they are made of; a hinged thing gets parts that swing on it."""


def draw_motion(
    rng: np.random.Generator, actor: Actor, kind: str, place: Float64[np.ndarray, "2"]
) -> Motion:
    """A motion of this kind about a place of the stage."""
    motion = Motion.rest(actor, place)
    for change in MOTIONS[kind]:
        motion = change(rng, actor, motion)
    return motion
