"""What a model with its adapters can do, told without reading any weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kineograph.core.errors import EngineError
from kineograph.engines.base import INPUTS, Input, Request, listed
from kineograph.engines.diffusion.device import choose
from kineograph.engines.diffusion.guidance import Guidance
from kineograph.engines.diffusion.memory import check_options
from kineograph.engines.diffusion.schedulers import Chosen, method, scheduler_for
from kineograph.engines.diffusion.strength import Schedule
from kineograph.engines.unet import UnetSettings
from kineograph.models.description import (
    AdapterDescription,
    BaseDescription,
    describe_adapter,
    describe_base,
    read_json,
)

SCHEDULER = "ddim"
"""What is taken where nothing is said, as AnimateDiff's own code does."""

ANIMATEDIFF = "v3"
"""All versions of AnimateDiff were trained with one noise schedule."""


@dataclass(frozen=True)
class Outline:
    """A model as its files' heads describe it.

    Args:
        base: its folder.
        adapters: all that would be loaded.
        settings: of the engine, checked.
    """

    base: BaseDescription
    adapters: tuple[AdapterDescription, ...]
    settings: UnetSettings

    @staticmethod
    def of(settings: UnetSettings) -> "Outline":
        """The outline of the model that the settings name; every setting is looked at.

        Raises:
            ModelError: the model or an adapter is missing or broken.
            EngineError: a setting is not allowed.
        """
        base = describe_base(settings.model)
        extra = tuple(describe_adapter(Path(folder)) for folder in settings.adapters)
        made = Outline(base, (*base.adapters, *extra), settings)
        made._check()
        return made

    def _check(self) -> None:
        settings = self.settings
        names = [adapter.name for adapter in self.adapters]
        for name in names:
            if names.count(name) > 1:
                raise EngineError(f"two adapters are called {name}; rename a folder")
        for name, strength in settings.strengths.items():
            if name not in names:
                there = ", ".join(names) or "none"
                raise EngineError(f"a strength for adapter {name} is given; there are: {there}")
            Schedule.parse(strength, f"the strength of {name}")
        if settings.scheduler is not None:
            method(settings.scheduler)
        if settings.guidance is not None:
            Guidance.parse(settings.guidance)
        choose(settings.device, settings.dtype)
        check_options(settings.memory)

    @property
    def reads(self) -> frozenset[Input]:
        """What the adapters read beside text: "picture", "tracks", "boxes"."""
        read = {name for adapter in self.adapters for name in adapter.reads}
        return frozenset(name for name in INPUTS if name in read)

    @property
    def size_step(self) -> int:
        """What width and height have to be multiples of, in pixels."""
        return self.base.stride

    def check_readable(self, request: Request) -> None:
        """Check that motion which is asked for can be read.

        Raises:
            EngineError: tracks or boxes are given, and no adapter reads either.
        """
        moves = request.given() & {"tracks", "boxes"}
        able = self.reads & {"tracks", "boxes"}
        if moves and not (able & moves or "tracks" in able):
            reads = listed({"text", *self.reads})
            raise EngineError(
                f"{listed(moves)} are given, and the model {self.base.name} reads {reads}; add an "
                f"adapter that reads {listed(moves)} (--adapter FOLDER), or use --engine warp"
            )

    def notes(self) -> Iterator[str]:
        """Where it will compute, and what is put right."""
        yield choose(self.settings.device, self.settings.dtype).sentence
        yield from self.schedule().notes

    def schedule(self) -> Chosen:
        """The sampling method on the model's noise schedule.

        Raises:
            EngineError: they do not go together.
        """
        path = self.base.folder / "scheduler" / "scheduler_config.json"
        config = read_json(path, self.base.folder)
        family = "modelscope" if self.base.family == "modelscope" else ANIMATEDIFF
        return scheduler_for(
            self.settings.scheduler or SCHEDULER, config, family, steps=self.settings.steps
        )
