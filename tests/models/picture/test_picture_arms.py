"""Every arm of the papers' ablations by its name."""

from pathlib import Path

import pytest
import torch

from clip_given import BASES, both_bases, clips, prediction, shaken
from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter
from kineograph.models.adapter_folder import load_adapter, save_adapter
from kineograph.models.picture.arms import ARMS, build_arm
from tiny import TEXT_WIDTH

every_arm = pytest.mark.parametrize("name", sorted(ARMS))


def options(name: str) -> dict:
    """What makes an arm tiny."""
    kinds = ARMS[name].kinds
    said: dict = {}
    if "picture-cross" in kinds or name == "gca-vision":
        said["vision_width"] = TEXT_WIDTH
    if {"picture-gated", "picture-dual"} & set(kinds) and name != "gca-vision":
        said |= {"widths": (8, 16), "depth": 1}
    return said


def test_the_papers_arms_are_all_there() -> None:
    smcd = {"zc", "gca", "ctrl", "zc+gca", "zc+ctrl", "image-first", "parallel"}
    motif = {"x-cat", "cx-attn", "cx+x-cat"}
    assert smcd | motif <= set(ARMS)


@both_bases
@every_arm
def test_at_first_nothing_changes_and_later_it_does(family: str, name: str) -> None:
    unet = BASES[family]()
    keys, bare = list(unet.state_dict()), prediction(unet, {}, clips())
    arm = build_arm(name, unet, **options(name))
    assert tuple(arm) == ARMS[name].kinds
    assert torch.equal(prediction(unet, arm, clips()), bare)
    trained: dict[str, Adapter] = {kind: shaken(held) for kind, held in arm.items()}
    assert not torch.allclose(prediction(unet, trained, clips()), bare, atol=1e-4)
    assert torch.equal(prediction(unet, {}, clips()), bare)
    assert list(unet.state_dict()) == keys


@every_arm
def test_saved_and_loaded_it_does_the_same(name: str, tmp_path: Path) -> None:
    unet = BASES["animatediff"]()
    arm = {kind: shaken(held) for kind, held in build_arm(name, unet, **options(name)).items()}
    again = {}
    for kind, adapter in arm.items():
        save_adapter(adapter, tmp_path / kind)
        again[kind] = load_adapter(tmp_path / kind)
        assert again[kind].config == adapter.config
    assert torch.equal(prediction(unet, again, clips()), prediction(unet, arm, clips()))


@every_arm
def test_a_clip_without_a_picture_is_untouched_by_the_other_clips_picture(name: str) -> None:
    unet = BASES["animatediff"]()
    arm = {kind: shaken(held) for kind, held in build_arm(name, unet, **options(name)).items()}
    one = prediction(unet, arm, clips(picture_given=torch.tensor([True, False])))
    torch.testing.assert_close(one[0], prediction(unet, arm, clips())[0])
    none = prediction(unet, arm, clips().without("picture"))
    torch.testing.assert_close(one[1], none[1])
    assert not torch.allclose(one[0], none[0], atol=1e-4)


@every_arm
def test_half_precision_stays_finite(name: str) -> None:
    unet = BASES["animatediff"]().to(torch.bfloat16)
    for adapter in build_arm(name, unet, **options(name)).values():
        condition = adapter.condition(clips())
        assert adapter.dtype is torch.bfloat16
        for held in (condition.channels, condition.hint):
            assert held is None or (held.dtype is torch.bfloat16 and held.isfinite().all())
        if condition.tokens is not None:
            assert condition.tokens.tokens.dtype is torch.bfloat16


def test_options_go_to_the_adapters_that_have_them() -> None:
    arm = build_arm("zc+ctrl", BASES["animatediff"](), frames="first", reads_text=False)
    assert arm["picture-concat"].config.frames == "first"
    assert arm["picture-control"].config.frames == "first"
    assert not arm["picture-control"].config.reads_text


def test_the_order_of_gates_is_the_arms() -> None:
    unet = BASES["animatediff"]()
    ranks = {
        name: build_arm(name, unet, **options(name))["picture-dual"].rank
        for name in ("zc+gca", "image-first", "parallel")
    }
    assert ranks["image-first"] < ranks["parallel"] < ranks["zc+gca"]


def test_what_is_wrong_is_said() -> None:
    unet = BASES["animatediff"]()
    with pytest.raises(ModelError, match="no image conditioning 'xcat'; there are: ctrl, cx\\+x"):
        build_arm("xcat", unet)
    with pytest.raises(ModelError, match="'zc' has no option depth; there are: frames, mask"):
        build_arm("zc", unet, depth=3)
    with pytest.raises(ModelError, match="adapter picture-cross: vision_width is missing"):
        build_arm("cx-attn", unet)
    with pytest.raises(ModelError, match="picture-concat: frames is 'last'; known: all, first"):
        build_arm("zc", unet, frames="last")
    with pytest.raises(ModelError, match="a Linear was given; adapters go onto"):
        build_arm("zc", torch.nn.Linear(1, 1))
