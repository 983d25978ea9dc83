"""Guidance against the formulas as the papers write them."""

import json
from typing import Any

import pytest
import torch
from diffusers.guiders.guider_utils import rescale_noise_cfg
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from torch import Tensor

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.guidance import Guidance
from kineograph.engines.diffusion.strength import Schedule
from kineograph.engines.diffusion.terms import EVERYTHING, Branch, Term

CLIP = (2, 4, 3, 5, 5)
NAMES = ("text", "picture", "tracks", "boxes")


class Model:
    """A model whose prediction differs with every set of conditions; it counts its passes."""

    def __init__(self) -> None:
        self.run: list[Branch] = []
        generator = torch.Generator().manual_seed(3)
        self.parts = {name: torch.randn(CLIP, generator=generator) for name in NAMES}
        self.parts["both"] = torch.randn(CLIP, generator=generator)

    def __call__(self, *without: str) -> Tensor:
        told = [name for name in NAMES if name not in without]
        parts = [self.parts[name] for name in told]
        crossed = self.parts["both"] * len(told) ** 2
        return sum(parts, crossed)

    def guided(self, guidance: Guidance, step: int = 0, steps: int = 10) -> Tensor:
        self.run = list(guidance.coefficients(step, steps))
        made = {branch: self(*branch) for branch in self.run}
        return guidance.combine(made, step, steps)


def test_one_term_is_classifier_free_guidance() -> None:
    v = Model()
    ours = v.guided(Guidance.parse(7.5))
    torch.testing.assert_close(ours, v("text") + 7.5 * (v() - v("text")))
    assert v.run == [EVERYTHING, {"text"}]


def test_text_and_tracks_jointly_are_motionstreams_formula() -> None:
    v, w_t, w_m = Model(), 3.0, 1.5
    ours = v.guided(Guidance.parse("text=3,tracks=1.5"))
    a = w_t / (w_t + w_m)
    base = a * v("text") + (1 - a) * v("tracks")
    wanted = base + w_t * (v() - v("text")) + w_m * (v() - v("tracks"))
    torch.testing.assert_close(ours, wanted)
    assert len(v.run) == 3


def test_nested_is_camera_free_guidance_and_instructpix2pix() -> None:
    v = Model()
    ours = v.guided(Guidance.parse({"text": 7.5, "tracks": 1.1, "combine": "nested"}))
    none, text = v("text", "tracks"), v("tracks")
    torch.testing.assert_close(ours, none + 7.5 * (text - none) + 1.1 * (v() - text))
    ours = v.guided(Guidance.parse("picture=1.5,text=7,combine=nested"))
    none, picture = v("picture", "text"), v("text")
    torch.testing.assert_close(ours, none + 1.5 * (picture - none) + 7 * (v() - picture))


def test_gligens_null_grounding_and_smcds_text_alone_differ_in_what_is_dropped() -> None:
    v = Model()
    gligen = v.guided(Guidance.parse("text+boxes=7.5"))
    torch.testing.assert_close(gligen, -6.5 * v("text", "boxes") + 7.5 * v())
    smcd = v.guided(Guidance.parse("text=7.5"))
    torch.testing.assert_close(smcd, -6.5 * v("text") + 7.5 * v())
    assert not torch.allclose(gligen, smcd)


def test_terms_that_overlap_are_fine_jointly() -> None:
    guidance = Guidance.parse("text+boxes=4,boxes=2")
    assert guidance.branches() == (EVERYTHING, {"text", "boxes"}, {"boxes"})
    found = guidance.coefficients(0, 1)
    assert found == pytest.approx(
        {EVERYTHING: 6, frozenset({"text", "boxes"}): 4 / 6 - 4} | {frozenset({"boxes"}): 2 / 6 - 2}
    )


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ({}, [EVERYTHING]),
        ("text=1", [EVERYTHING]),
        ("text=0", [{"text"}]),
        ("text=3,tracks=0", [EVERYTHING, {"text"}]),
        ("text=0,tracks=0", [{"text"}, {"tracks"}]),
        ("text=2,tracks=2,combine=nested", [EVERYTHING, {"text", "tracks"}]),
        ("text=1,tracks=3,combine=nested", [EVERYTHING, {"tracks"}]),
        ("text=1,tracks=1,combine=nested", [EVERYTHING]),
        ("text=3,tracks=0,combine=nested", [{"tracks"}, {"text", "tracks"}]),
        ("text=1,rescale=1", [EVERYTHING]),
        ("text=0,rescale=1", [EVERYTHING, {"text"}]),
    ],
)
def test_only_what_counts_is_run(written: Any, run: list[Any]) -> None:
    assert list(Guidance.parse(written).coefficients(0, 10)) == run


def test_a_single_branch_is_handed_through_untouched() -> None:
    made = {EVERYTHING: torch.randn(CLIP)}
    assert Guidance.parse("text=1").combine(made, 0, 1) is made[EVERYTHING]


def test_weights_follow_the_steps() -> None:
    guidance = Guidance.parse({"text": [[0, 9], [1, 5]], "tracks": "0:2/0.5:2/0.5:0"})
    assert guidance.coefficients(0, 4)[EVERYTHING] == 11
    assert guidance.coefficients(2, 4) == {EVERYTHING: 7.0, frozenset({"text"}): -6.0}
    v = Model()
    torch.testing.assert_close(v.guided(guidance, 3, 4), v("text") + 6 * (v() - v("text")))


weights = st.dictionaries(st.sampled_from(NAMES), st.floats(0, 20), max_size=4)


@settings(max_examples=60, deadline=None)
@given(weights, st.sampled_from(["joint", "nested"]))
def test_the_coefficients_add_up_to_one(given: dict[str, float], how: str) -> None:
    guidance = Guidance.parse({**given, "combine": how})
    found = guidance.coefficients(0, 1)
    assert sum(found.values()) == pytest.approx(1)
    assert set(found) <= set(guidance.branches())
    assert Guidance.parse(json.loads(json.dumps(guidance.plain()))) == guidance


def test_what_is_not_given_is_not_guided_by() -> None:
    guidance = Guidance.parse("text+boxes=7,tracks=2")
    assert guidance.names == {"text", "boxes", "tracks"}
    assert guidance.among(["picture"]) == Guidance.parse("text=7")
    assert guidance.among(["tracks", "boxes"]) == guidance
    assert Guidance.parse("text+boxes=7,text=2").among([]) == Guidance.parse("text=7")


@pytest.mark.parametrize("phi", [0.0, 0.7, 1.0])
def test_rescale_is_that_of_the_paper(phi: float) -> None:
    v = Model()
    plain = v.guided(Guidance.parse("text=7.5"))
    ours = v.guided(Guidance.parse({"text": 7.5, "rescale": phi}))
    torch.testing.assert_close(ours, rescale_noise_cfg(plain, v(), phi))
    if phi == 1:
        torch.testing.assert_close(ours.std(dim=(1, 2, 3, 4)), v().std(dim=(1, 2, 3, 4)))


def test_half_precision_is_summed_in_float32() -> None:
    v = Model()
    guidance = Guidance.parse("text=7.5")
    halves = {branch: v(*branch).half() for branch in guidance.coefficients(0, 1)}
    ours = guidance.combine(halves, 0, 1)
    exact = guidance.combine({b: p.double() for b, p in halves.items()}, 0, 1)
    assert ours.dtype == torch.float16
    assert torch.equal(ours, exact.half())


def test_a_missing_prediction_is_named() -> None:
    with pytest.raises(EngineError, match="the prediction without text is missing; run it"):
        Guidance.parse(7.5).combine({EVERYTHING: torch.zeros(CLIP)}, 0, 1)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("txt=7", "guidance by 'txt' was asked for; did you mean text?.*known: text, picture"),
        ("text=7,tracks", "guidance has the part 'tracks'; give weights by name"),
        ("text=7,text=8", "guidance names text twice"),
        ("text=7,text+=8", "guidance text is given twice"),
        ("text=-1", "guidance text has the weight -1; give 0 or more"),
        ("text=x", "the weight of text is 'x'; give a number"),
        ("x", "the weight of text is 'x'"),
        ("+=3", "a guidance term has no name"),
        ("text=7,combine=sum", "guidance is to be combined by 'sum'; give combine=joint"),
        ("text=7,rescale=2", "a guidance rescale of 2 was given; give 0 to 1"),
        ("text=7,rescale=x", "has the rescale 'x'; give a number from 0 to 1"),
        ("text+boxes=7,boxes=2,combine=nested", "nested guidance text.boxes and boxes share"),
        ([1, 2], "the weight of text has the key 1"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(written: Any, told: str) -> None:
    with pytest.raises(EngineError, match=told) as caught:
        Guidance.parse(written)
    assert "\n" not in str(caught.value)


def test_pydantic_models_hold_guidance() -> None:
    class Settings(BaseModel):
        guidance: Guidance = Guidance.parse("text=7.5")

    made = Settings.model_validate({"guidance": "text=7.5,tracks=0:2/1:0,combine=nested"})
    assert made.guidance.terms[1] == Term(frozenset({"tracks"}), Schedule(((0, 2), (1, 0))))
    assert Guidance.parse(str(made.guidance)) == made.guidance
    dumped = json.loads(made.model_dump_json())["guidance"]
    assert Guidance.parse(dumped) == made.guidance
    assert "anyOf" in Settings.model_json_schema()["properties"]["guidance"]
