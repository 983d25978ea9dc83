"""Scenes: clips of procedural worlds with their truth and captions, by number, without an end."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kineograph.core.errors import DataError
from kineograph.data.clip import Clip
from kineograph.data.procedural import truth
from kineograph.data.procedural.captions import caption
from kineograph.data.procedural.drawing import background_size, draw_world
from kineograph.data.procedural.library import Library
from kineograph.data.procedural.render import Rendered, render_batch
from kineograph.data.procedural.settings import SceneSettings, settings_of
from kineograph.data.procedural.stock import Stock
from kineograph.data.procedural.world import World

WORDS = 1
"""Marks the draws of a caption, so that a wording never changes a picture."""

Device = torch.device | str


def scene(seed: int, *, device: Device = "cpu", **settings: Any) -> Clip:
    """The clip of a seed, with all its truth.

    Args:
        seed: what it is drawn from.
        device: where it is rendered.
        settings: fields of `SceneSettings`.

    Raises:
        DataError: a setting is unknown or not allowed.
    """
    given = settings_of(**settings)
    return clips_of([draw_world(seed, given, library(given, device))], given)[0]


def library(settings: SceneSettings, device: Device = "cpu") -> Library:
    """The sprites and backgrounds that these settings draw from; the last few are kept.

    Raises:
        DataError: a font or folder cannot be used.
    """
    kinds = (tuple(x.items()) for x in (settings.sprite_kinds, settings.background_kinds))
    return _library(
        (settings.font, settings.photographs),
        settings.library,
        settings.size,
        settings.kept,
        *kinds,
        torch.device(device),
    )


@lru_cache(4)
def _library(
    places: tuple[Path | None, Path | None],
    seed: int,
    size: tuple[int, int],
    kept: int,
    sprite_kinds: tuple[tuple[str, float], ...],
    background_kinds: tuple[tuple[str, float], ...],
    device: torch.device,
) -> Library:
    return Library(
        stock=_stock(*places),
        seed=seed,
        side=min(size),
        back=background_size(size),
        device=device,
        sprite_kinds=dict(sprite_kinds),
        background_kinds=dict(background_kinds),
        kept=kept,
    )


@lru_cache(4)
def _stock(font: Path | None, photographs: Path | None) -> Stock:
    return Stock.found(
        font=font, photographs=photographs, note=partial(warnings.warn, stacklevel=2)
    )


def clips_of(worlds: list[World], settings: SceneSettings) -> list[Clip]:
    """Clips of worlds, with the truth that the settings ask for.

    On a GPU they are rendered together. On a processor one by one: windows fit closer, what is
    worked on stays in its cache, and a clip's bytes do not depend on its company.
    """
    if len(worlds) > 1 and worlds[0].layers[0].texture.device.type == "cpu":
        return [clips_of([world], settings)[0] for world in worlds]
    rendered = render_batch(worlds)
    grid = truth.grid(settings.size, settings.spacing)
    followed = truth.follow(rendered.stack, grid)
    video = rendered.video.cpu().numpy()
    flow = truth.flow(rendered).cpu().numpy() if settings.flow else None
    depth = truth.depth(rendered).cpu().numpy() if settings.depth else None
    seen = truth.seen(rendered).cpu().numpy()
    return [
        _clip(
            rendered,
            i,
            video=video[i],
            tracks=followed.tracks(rendered.stack, i),
            boxes=truth.boxes(world, seen[i]),
            flow=None if flow is None else flow[i],
            depth=None if depth is None else depth[i],
            masks=truth.masks(rendered, i).cpu().numpy() if settings.masks else None,
        )
        for i, world in enumerate(worlds)
    ]


def _clip(rendered: Rendered, index: int, **held: Any) -> Clip:
    """The clip of one of the worlds, with a caption."""
    world = rendered.stack.worlds[index]
    rng = np.random.default_rng([world.seed, WORDS])
    told = caption(
        rng, world.facts, size=world.size, passes=world.passes, background=world.background
    )
    return Clip(
        fps=world.fps,
        caption=told.text,
        name=f"scene {world.seed}",
        cameras=world.camera.cameras(world.fps),
        facts=told.facts,
        **held,
    )


class Scenes:
    """Clips without an end: `scenes[i]` is always the same, and iterating can go on where it was.

    Iterating yields the clips `rank`, `rank + ranks`, `rank + 2 * ranks` and so on, so that several
    processes share the work without a word.
    """

    def __init__(
        self,
        settings: SceneSettings | None = None,
        seed: int = 0,
        *,
        device: Device = "cpu",
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        """Scenes of these settings.

        Args:
            settings: what they are like; None is the usual.
            seed: another seed gives other scenes.
            device: where they are rendered.
            rank: which of the processes this is.
            ranks: how many processes share the scenes.

        Raises:
            DataError: the seed is negative, or there is no such rank.
        """
        if seed < 0 or not 0 <= rank < ranks:
            raise DataError(
                f"scenes of seed {seed} for process {rank} of {ranks} were asked for; give a seed "
                "of 0 or more, and processes from 0 on"
            )
        self.settings = settings or SceneSettings()
        self.seed, self.device, self.rank, self.ranks = seed, torch.device(device), rank, ranks
        self.position = 0

    def world(self, index: int) -> World:
        """The world of scene `index`, without its pictures.

        Raises:
            DataError: the index is negative.
        """
        if index < 0:
            raise DataError(f"scene {index} was asked for; scenes are 0, 1, 2 and so on")
        seed = np.random.SeedSequence([self.seed, index]).generate_state(1, np.uint64)[0] >> 1
        return draw_world(int(seed), self.settings, library(self.settings, self.device))

    def __getitem__(self, index: int) -> Clip:
        return self.clips([index])[0]

    def clips(self, indices: Iterable[int]) -> list[Clip]:
        """Several scenes, rendered together; on a GPU this is much quicker than one by one."""
        return clips_of([self.world(index) for index in indices], self.settings)

    def __iter__(self) -> Iterator[Clip]:
        for _ in count():
            index = self.rank + self.position * self.ranks
            self.position += 1
            yield self[index]

    def state_dict(self) -> dict[str, Any]:
        """Where iterating is, and of what scenes; plain values only."""
        settings = self.settings.model_dump(mode="json")
        return {
            "seed": self.seed,
            "position": self.position,
            "ranks": self.ranks,
            "settings": settings,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            DataError: the state is of other scenes, or shared by another number of processes.
        """
        own = self.state_dict()
        missing = set(own) - set(state)
        if missing:
            raise DataError(
                f"a state of scenes lacks {', '.join(sorted(missing))}; give what state_dict() said"
            )
        for name in ("seed", "ranks", "settings"):
            if state[name] != own[name]:
                raise DataError(
                    f"scenes of {name} {own[name]} cannot go on from a state of {name} "
                    f"{state[name]}; use the same {name}"
                )
        if not (isinstance(state["position"], int) and state["position"] >= 0):
            raise DataError(f"a state of scenes is at {state['position']!r}; give a whole number")
        self.position = state["position"]
