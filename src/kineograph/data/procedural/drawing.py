"""Drawing worlds: which things there are, where they stand, and what they and the camera do."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from kineograph.data.procedural.camera import FAR, Camera, draw_camera
from kineograph.data.procedural.chance import between, either
from kineograph.data.procedural.facts import camera_facts, object_facts, part_fact, passes
from kineograph.data.procedural.library import Figure, Library
from kineograph.data.procedural.lighting import Light, draw_light
from kineograph.data.procedural.motions import Actor, Motion, draw_motion, sway
from kineograph.data.procedural.settings import SceneSettings
from kineograph.data.procedural.waves import Waves
from kineograph.data.procedural.world import Layer, World, after

NEAR_FAR = (4.5, 9.0)
"""Depths of things before the background, which is at `camera.FAR`."""

MARGIN = 1.5
"""The background is so much larger than the picture that few cameras see it mirrored."""

FINENESS = 1.2
"""Pixels of the background's sheet for a pixel of the first frame, for cameras that go nearer."""

ARM = 0.36
"""How far from the middle of a thing, in its own size, another is hinged on it."""


def background_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the background's sheet for pictures of `size`."""
    width, height = (int(np.ceil(side * MARGIN * FINENESS)) for side in size)
    return width, height


def draw_world(seed: int, settings: SceneSettings, library: Library) -> World:
    """The world of a seed: the same one for the same settings and the same library."""
    rng = np.random.default_rng([seed, 0])
    size, frames = settings.size, settings.frames
    still = bool(rng.random() < settings.still)
    moving = not still and bool(rng.random() < settings.camera)
    camera = draw_camera(rng, size, frames, moving=moving, moves=settings.camera_moves)
    if still:
        camera = Camera.still(size, frames)
    light = draw_light(rng, size, frames, drift=settings.light, shadows=settings.shadows)
    cast = _Cast(rng, settings, library, camera)
    back = cast.background(int(rng.integers(settings.backgrounds)))
    count = int(rng.integers(settings.objects[0], settings.objects[1] + 1))
    for depth in sorted(rng.uniform(*NEAR_FAR, count), reverse=True):
        cast.enter(float(depth), crowd=count, still=still)
    world = World(
        size=size,
        fps=settings.fps,
        layers=(back, *cast.layers),
        camera=camera,
        light=Light.plain(frames) if still else light,
        seed=seed,
    )
    return replace(world, facts=cast.facts(world), passes=passes(world))


@dataclass(frozen=True, eq=False)
class _Role:
    """An object of a cast: its first layer (0 is the background), and what it was told to do."""

    layer: int
    motion: Motion
    turnable: bool


class _Cast:
    """The things that enter a world, one after the other, from far to near."""

    def __init__(
        self, rng: np.random.Generator, settings: SceneSettings, library: Library, camera: Camera
    ) -> None:
        self.rng, self.settings, self.library, self.camera = rng, settings, library, camera
        self.layers: list[Layer] = []
        self.roles: list[_Role] = []
        self.places: list[Float64[np.ndarray, "2"]] = []

    def background(self, number: int) -> Layer:
        """The layer behind all, its middle in the middle of the picture."""
        sheet, name = self.library.background(number)
        once = np.array([[1 / FINENESS, 0, 0], [0, 1 / FINENESS, 0]])
        once[:, 2] = np.array(self.settings.size) / 2
        path = np.repeat(once[None], self.settings.frames, axis=0)
        return Layer(texture=sheet.float() / 255, path=path, depth=FAR, name=name)

    def enter(self, depth: float, *, crowd: int, still: bool) -> None:
        """One more object, nearer than those before."""
        short = min(self.settings.size)
        spans = self.settings.spans or (0.22, 0.5 if crowd < 4 else 0.38)
        span = between(self.rng, *spans) * short
        kinds, weights = zip(*self.settings.motions.items(), strict=True)
        kind = str(self.rng.choice(kinds, p=np.array(weights) / sum(weights)))
        actor = Actor(self.settings.size, self.settings.frames, span)
        motion = draw_motion(self.rng, actor, "stay" if still else kind, self.place())
        number, figure = self.figure({layer.name for layer in self.layers})
        parts: list[Layer] = []
        if kind.startswith("hinged"):
            parts = self.parts(actor, motion, depth, still=still)
        body = self.layer(number, figure, span, motion.path(), depth, motion.waves)
        self.roles.append(_Role(len(self.layers) + 1, motion, figure.turnable))
        self.layers.append(body)
        self.layers.extend(parts)

    def figure(self, taken: set[str]) -> tuple[int, Figure]:
        """A sprite whose name is not taken, if a few draws find one."""
        for _ in range(6):
            number = int(self.rng.integers(self.settings.sprites))
            figure = self.library.figure(number)
            if figure.name not in taken:
                break
        return number, figure

    def place(self) -> Float64[np.ndarray, "2"]:
        """The middle of a motion: mostly apart from the others, at times close to one."""
        tries = self.rng.uniform(0.22, 0.78, (either(self.rng, (1, 4)), 2))
        tries = tries * np.array(self.settings.size)
        free = [
            min((float(np.linalg.norm(x - y)) for y in self.places), default=0.0) for x in tries
        ]
        self.places.append(tries[int(np.argmax(free))])
        return self.places[-1]

    def parts(self, actor: Actor, body: Motion, depth: float, *, still: bool) -> list[Layer]:
        """One or two things hinged on the body or on each other, swinging to and fro."""
        hinge = len(self.layers) + 1
        path, aim, span = body.path(), self.rng.uniform(0, 2 * np.pi), actor.span
        found: list[Layer] = []
        for _ in range(int(self.rng.integers(1, 3))):
            turn = aim + (np.zeros(actor.frames) if still else sway(self.rng, actor, 15, 45))
            knee = np.array([np.cos(aim), np.sin(aim)]) * ARM * span
            path = after(path, _hinged(turn, knee))
            span = span * self.rng.uniform(0.6, 0.85)
            path = after(path, _hinged(np.zeros(actor.frames), np.array([ARM * span, 0.0])))
            number, figure = self.figure({layer.name for layer in self.layers + found})
            found.append(self.layer(number, figure, span, path, depth, None, parent=hinge))
            hinge, aim = hinge + 1, 0.0
        return found

    def layer(
        self,
        number: int,
        figure: Figure,
        span: float,
        path: Float64[np.ndarray, "frames 2 3"],
        depth: float,
        waves: Waves | None,
        parent: int | None = None,
    ) -> Layer:
        """A figure on a path, from the sheet that is as fine as the screen will show it."""
        seen = after(self.camera.view(depth), path)[:, :, :2]
        closest = np.sqrt((seen**2).sum(axis=1).max())
        side = self.library.level(span * closest)
        size = span / side
        path = path * np.array([size, size, 1])
        if waves is not None:
            waves = Waves(waves.sines * np.array([1 / size, size, 1]))
        return Layer(
            texture=self.library.sheet(number, side).float() / 255,
            path=path,
            depth=depth,
            name=figure.name,
            object=len(self.roles),
            waves=waves,
            parent=parent,
            outline=(figure.hull if waves is None else figure.outline) * side,
            cover=figure.cover,
            area=figure.area * side**2,
        )

    def facts(self, world: World) -> tuple:
        """What is to be said of the camera, of each object and of its parts."""
        said = list(camera_facts(world.camera))
        for item, role in enumerate(self.roles):
            motion = role.motion
            said += object_facts(world, role.layer, motion, turnable=role.turnable)
            said += [
                part_fact(world, index)
                for index, layer in enumerate(world.layers)
                if layer.object == item and layer.parent is not None and world.frames > 1
            ]
        return tuple(fact for fact in said if fact is not None)


def _hinged(
    turn: Float64[np.ndarray, " frames"], at: Float64[np.ndarray, "2"]
) -> Float64[np.ndarray, "frames 2 3"]:
    """Maps of a thing that turns about a point of what it hangs on."""
    cos, sin = np.cos(turn), np.sin(turn)
    shift = np.broadcast_to(at, (len(turn), 2))
    return np.stack(
        [np.stack([cos, -sin, shift[:, 0]], -1), np.stack([sin, cos, shift[:, 1]], -1)], axis=1
    )
