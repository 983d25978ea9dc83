"""Sampling methods by name, and which of them are for which models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.flow import is_flow, prediction_of
from kineograph.gestures.writing.messages import nearest


@dataclass(frozen=True)
class Method:
    """A sampling method.

    Args:
        target: the name of diffusers' class.
        options: of its config, beside the noise schedule.
        few: the numbers of steps that few-step models of this method are made for; empty for a
            method that any model can be sampled with.
        steps: when nothing is said.
        flow: whether it samples models that predict a flow, and no others.
    """

    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    few: tuple[int, ...] = ()
    steps: int = 25
    flow: bool = False


_DPM = "DPMSolverMultistepScheduler"

METHODS: Mapping[str, Method] = {
    "ddim": Method("DDIMScheduler"),
    "ddpm": Method("DDPMScheduler", steps=250),
    "euler": Method("EulerDiscreteScheduler"),
    "euler-a": Method("EulerAncestralDiscreteScheduler"),
    "heun": Method("HeunDiscreteScheduler"),
    "lms": Method("LMSDiscreteScheduler"),
    "dpm++": Method(_DPM, {"algorithm_type": "dpmsolver++"}),
    "dpm++-karras": Method(_DPM, {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True}),
    "dpm++-sde": Method(_DPM, {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": Method("UniPCMultistepScheduler"),
    "deis": Method("DEISMultistepScheduler"),
    "lcm": Method("LCMScheduler", {"timestep_spacing": "leading"}, tuple(range(1, 9)), 4),
    "tcd": Method("TCDScheduler", {"timestep_spacing": "leading"}, tuple(range(1, 9)), 4),
    "lightning": Method(
        "EulerDiscreteScheduler", {"timestep_spacing": "trailing"}, (1, 2, 4, 8), 4
    ),
    "flow-euler": Method("FlowMatchEulerDiscreteScheduler", flow=True),
    "flow-heun": Method("FlowMatchHeunDiscreteScheduler", flow=True),
    "flow-dpm++": Method(_DPM, {"algorithm_type": "dpmsolver++"}, flow=True),
    "flow-dpm++-sde": Method(_DPM, {"algorithm_type": "sde-dpmsolver++"}, flow=True),
    "flow-unipc": Method("UniPCMultistepScheduler", flow=True),
}
"""By the names they are asked for with. lcm, tcd and lightning are for models distilled for few
steps (AnimateLCM, Hyper-SD, AnimateDiff-Lightning); those called flow are for models that predict a
flow, which the others cannot sample."""


def method(name: str) -> Method:
    """A sampling method by its name.

    Raises:
        EngineError: it is unknown.
    """
    if name not in METHODS:
        raise EngineError(
            f"the scheduler {name} is not known; {nearest(name, METHODS)}known: "
            f"{', '.join(METHODS)}"
        )
    return METHODS[name]


def default_method(config: Mapping[str, Any]) -> str:
    """The name of what is taken where nothing is said.

    It is ddim, as AnimateDiff's own code does, and plain steps for a flow.

    Args:
        config: the scheduler config of the model's folder.
    """
    return "flow-euler" if is_flow(config) else "ddim"


def is_few_step(name: str) -> bool:
    """Whether a method is for models of few steps, which need no guidance."""
    return bool(method(name).few)


def check_kind(name: str, config: Mapping[str, Any]) -> None:
    """Check that a method is for what the model predicts.

    Args:
        name: of the method.
        config: the scheduler config of the model's folder.

    Raises:
        EngineError: it is not.
    """
    asked, flow = method(name), is_flow(config)
    if asked.flow == flow:
        return
    samples = "a flow" if asked.flow else "noise or v"
    able = [known for known, held in METHODS.items() if held.flow == flow]
    raise EngineError(
        f"scheduler {name} samples models that predict {samples}, and this model predicts "
        f"{'a flow' if flow else prediction_of(config)}; use one of {', '.join(able)}"
    )
