"""What a model with its adapters can do, told without reading any weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kineograph.core.errors import EngineError, ModelError
from kineograph.engines.base import INPUTS, Input, Request, listed
from kineograph.engines.diffusion.device import choose
from kineograph.engines.diffusion.flow import is_flow
from kineograph.engines.diffusion.guidance import Guidance
from kineograph.engines.diffusion.memory import check_options
from kineograph.engines.diffusion.methods import default_method, method
from kineograph.engines.diffusion.noise_schedules import noise_schedule
from kineograph.engines.diffusion.schedulers import Chosen, scheduler_for
from kineograph.engines.diffusion.strength import Schedule
from kineograph.engines.unet import UnetSettings
from kineograph.engines.weight_paths import with_scale
from kineograph.models.adapter_folder import adapter_class, read_config
from kineograph.models.description import (
    AdapterDescription,
    BaseDescription,
    describe_adapter,
    describe_base,
    read_json,
)

OWN = {"animatediff": "v3", "modelscope": "modelscope"}
"""Family to the noise schedule of its own weights; AnimateDiff's versions all have the same."""


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
        self.schedule()
        self._check_files()

    def _check_files(self) -> None:
        """Files that are named are there, and adapters are for such a base."""
        checkpoint = self.settings.checkpoint
        named = [with_scale(given)[0] for given in self.settings.loras]
        for path in [*named, *([Path(checkpoint)] if checkpoint else [])]:
            if not path.exists():
                raise ModelError(f"there are no weights at {path}; name a file or folder")
        for adapter in self.adapters:
            made_for = read_config(adapter.folder)["config"].get("base", {})
            for name in ("family", "widths", "text_width"):
                wanted, held = made_for.get(name), getattr(self.base, name)
                if wanted is not None and wanted != (list(held) if name == "widths" else held):
                    raise ModelError(
                        f"adapter {adapter.name} was made for a base of {name.replace('_', ' ')} "
                        f"{wanted}; {self.base.name} has {held}; take the adapter for this base"
                    )

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
        """Check that the motion which is asked for can be read.

        Raises:
            EngineError: tracks or boxes are given, and no adapter reads either; or a box has no
                label, and the adapter reads what is in it.
        """
        moves = request.given() & {"tracks", "boxes"}
        able = self.reads & {"tracks", "boxes"}
        if moves and not (able & moves or "tracks" in able):
            reads = listed({"text", *self.reads})
            raise EngineError(
                f"{listed(moves)} are given, and the model {self.base.name} reads {reads}; add an "
                f"adapter that reads {listed(moves)} (--adapter FOLDER), or use --engine warp"
            )
        labels = () if request.boxes is None else request.boxes.labels
        if "boxes" in able and not all(labels) and any(self._reads_labels()):
            raise EngineError(
                f"box {labels.index('') + 1} of {len(labels)} has no label, and this model reads "
                "what is in a box; give every box one, as label=dog"
            )

    def _reads_labels(self) -> Iterator[bool]:
        return (adapter_class(adapter.kind).reads_labels for adapter in self.adapters)

    def notes(self, request: Request) -> Iterator[str]:
        """Where it will compute, what is put right, and what of the settings has no effect."""
        yield choose(self.settings.device, self.settings.dtype).sentence
        yield from self.schedule().notes
        given = {"text", *request.given()}
        if self.settings.guidance is not None:
            for name in sorted(Guidance.parse(self.settings.guidance).names - given):
                yield f"guidance by {name} is asked for, and no {name} given; it is left out"
        for adapter in self.adapters:
            if adapter.name in self.settings.strengths and not given & set(adapter.reads):
                yield (
                    f"adapter {adapter.name} has a strength, and nothing that it reads is given "
                    f"({', '.join(adapter.reads)})"
                )

    def schedule(self) -> Chosen:
        """The sampling method on the model's noise schedule.

        Raises:
            EngineError: they do not go together.
        """
        path = self.base.folder / "scheduler" / "scheduler_config.json"
        config = read_json(path, self.base.folder)
        motion = trained_on(self.settings, self.base.family, config)
        name = self.settings.scheduler or default_method(config)
        check_free_init(self.settings, config)
        return scheduler_for(name, config, motion, steps=self.settings.steps)


def check_free_init(settings: UnetSettings, config: Mapping[str, Any]) -> None:
    """FreeInit has to have something to begin from.

    Raises:
        EngineError: it is asked of a flow.
    """
    if settings.free_init and is_flow(config):
        raise EngineError(
            f"{settings.free_init} rounds of FreeInit were asked for, which keeps what a noise "
            "schedule leaves of the clip at its end, and a flow leaves nothing; set free_init=0"
        )


def trained_on(settings: UnetSettings, family: str, config: Mapping[str, Any]) -> str | None:
    """The noise schedule that a model was trained on, by name; None is what its folder says.

    Args:
        settings: of the engine.
        family: "animatediff" or "modelscope".
        config: of the model's scheduler; a flow has no noise schedule.

    Raises:
        EngineError: the setting names none.
    """
    asked = settings.noise_schedule
    if asked == "model":
        return None
    if asked == "auto":
        return None if is_flow(config) else OWN[family]
    noise_schedule(asked)
    return asked
