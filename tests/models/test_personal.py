"""LoRAs of every make: the weights they stand for, several at once, and none of it left after."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import tiny
from kineograph.core.errors import ModelError
from kineograph.models.base import Base, load_base
from kineograph.models.loading.lora_file import TEXT, UNET, read_lora
from kineograph.models.personal import Personal, personalised
from models.lora_makes import (
    ATTENTION,
    LAYERS,
    WORDS,
    diffusers_first,
    kohya,
    matrices,
    merged,
    motion_lora,
    outcome,
    peft,
    run,
    state,
    states,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.tiny_model_folder(tmp_path_factory.mktemp("base") / "model", mid=True)


@pytest.fixture
def base(folder: Path) -> Base:
    return load_base(folder)


@pytest.mark.parametrize("make", ["kohya", "peft", "first"])
def test_a_lora_does_what_adding_its_product_to_the_weights_does(
    base: Base, tmp_path: Path, make: str
) -> None:
    unet = matrices(base.unet, LAYERS)
    text = matrices(base.text.model, WORDS)
    written = {
        "kohya": lambda: kohya(unet, text, None),
        "peft": lambda: peft(unet, text),
        "first": lambda: diffusers_first(unet, text),
    }[make]()
    save_file(written, tmp_path / "style.safetensors")
    before, plain = states(base), run(base)
    wanted = outcome(base, merged(base.unet, [(unet, 0.7)]), merged(base.text.model, [(text, 0.7)]))
    rng = torch.random.get_rng_state()
    personal = Personal.of(base)
    assert personal.add(tmp_path / "style.safetensors", 0.7) == "style"
    assert torch.equal(torch.random.get_rng_state(), rng)
    for made, merged_one, without in zip(run(base), wanted, plain, strict=True):
        torch.testing.assert_close(made, merged_one, rtol=1e-4, atol=1e-4)
        assert (made - without).abs().max() > 0.01
    personal.remove("style")
    assert states(base) == before
    assert all(torch.equal(*pair) for pair in zip(run(base), plain, strict=True))


def test_kohyas_alpha_over_the_rank_scales(base: Base, tmp_path: Path) -> None:
    unet = matrices(base.unet, LAYERS)
    save_file(kohya(unet, {}, 1.0), tmp_path / "a.safetensors")
    held = {n: v.clone() for n, v in base.unet.state_dict().items()}
    for name, (_, _, added) in unet.items():
        held[f"{name}.weight"] += added / LAYERS[name]
    wanted, _ = outcome(base, held, base.text.model.state_dict())
    Personal.of(base).add(tmp_path / "a.safetensors")
    torch.testing.assert_close(run(base)[0], wanted, rtol=1e-4, atol=1e-4)


def test_alphas_in_the_head_of_diffusers_files(base: Base, tmp_path: Path) -> None:
    unet = matrices(base.unet, {f"{ATTENTION}.to_q": 2, f"{ATTENTION}.to_k": 2})
    said = {"unet.lora_alpha": 1, "unet.alpha_pattern": {f"{ATTENTION}.to_k": 6}}
    save_file(
        peft(unet, {}),
        tmp_path / "b.safetensors",
        metadata={"lora_adapter_metadata": json.dumps(said)},
    )
    pairs = read_lora(tmp_path / "b.safetensors").pairs[UNET]
    assert {name[-4:]: pair.scale for name, pair in pairs.items()} == {"to_q": 0.5, "to_k": 3.0}


def test_several_at_once_each_at_its_scale(base: Base, tmp_path: Path) -> None:
    one = matrices(base.unet, LAYERS, seed=1)
    two = matrices(base.unet, {f"{ATTENTION}.to_q": 1, f"{ATTENTION}.to_k": 5}, seed=2)
    words = matrices(base.text.model, WORDS, seed=3)
    save_file(kohya(one, {}, None), tmp_path / "one.safetensors")
    save_file(peft(two, words), tmp_path / "two.safetensors")
    before, plain = states(base), base.text.model.state_dict()
    text = {name: value.clone() for name, value in plain.items()}
    both = outcome(
        base,
        merged(base.unet, [(one, 0.5), (two, -1.0)]),
        merged(base.text.model, [(words, -1.0)]),
    )
    alone = outcome(base, merged(base.unet, [(two, 2.0)]), merged(base.text.model, [(words, 2.0)]))
    first = outcome(base, merged(base.unet, [(one, 0.5)]), text)
    personal = Personal.of(base)
    personal.add(tmp_path / "one.safetensors", 0.5)
    personal.add(tmp_path / "two.safetensors", -1)
    close(run(base), both)
    personal.set_scale("one", 0)
    personal.set_scale("two", 2.0)
    close(run(base), alone)
    personal.remove("two")
    personal.set_scale("one", 0.5)
    close(run(base), first)
    assert state(base.text.model) == before[1]
    personal.clear()
    assert states(base) == before and personal.scales == {}


def close(made: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor]) -> None:
    for one, other in zip(made, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-4)


def test_a_motion_lora_moves_the_motion_layers(base: Base, tmp_path: Path) -> None:
    tensors = motion_lora(("mid_block", "down_blocks.1"))
    save_file(tensors, tmp_path / "zoom.safetensors")
    held = {name: value.clone() for name, value in base.unet.state_dict().items()}
    for key, down in tensors.items():
        if ".down." in key:
            up = tensors[key.replace(".down.", ".up.")]
            name = key.replace(".temporal_transformer", "").replace("_lora.down", "")
            name = name.replace("attention_blocks.0.processor", "attn1")
            name = name.replace("attention_blocks.1.processor", "attn2")
            held[name.replace("to_out", "to_out.0")] += 0.8 * up @ down
    wanted, _ = outcome(base, held, base.text.model.state_dict())
    before = states(base)
    with personalised(base, [(tmp_path / "zoom.safetensors", 0.8)]) as personal:
        assert list(personal.scales) == ["0_zoom"]
        torch.testing.assert_close(run(base)[0], wanted, rtol=1e-4, atol=2e-4)
    assert states(base) == before


def test_a_domain_adapter_at_scale_zero_is_not_there(base: Base, tmp_path: Path) -> None:
    unet = matrices(base.unet, {f"{ATTENTION}.to_{x}": 2 for x in "qkv"})
    tensors = {}
    for name, (down, up, _) in unet.items():
        written = f"{ATTENTION}.processor.{name.rsplit('.', 1)[1]}_lora"
        tensors |= {f"{written}.down.weight": down, f"{written}.up.weight": up}
    save_file(tensors, tmp_path / "domain.safetensors")
    plain = run(base)[0]
    personal = Personal(base.unet)
    personal.add(tmp_path / "domain.safetensors", 0)
    torch.testing.assert_close(run(base)[0], plain, rtol=0, atol=0)
    personal.set_scale("domain", 1)
    wanted, _ = outcome(
        base, merged(tiny.tiny_motion_unet(True), [(unet, 1.0)]), base.text.model.state_dict()
    )
    torch.testing.assert_close(run(base)[0], wanted, rtol=1e-4, atol=1e-4)


def test_modelscopes_unet_too(tmp_path: Path) -> None:
    unet = tiny.tiny_unet3d()
    layers = matrices(unet, {f"{ATTENTION}.to_q": 2})
    save_file(kohya(layers, {}, None), tmp_path / "x.safetensors")
    before = state(unet)
    personal = Personal(unet)
    personal.add(tmp_path / "x.safetensors", 1.0)
    assert state(unet) != before
    personal.clear()
    assert state(unet) == before


def test_a_half_precision_base_keeps_its_bits(folder: Path, tmp_path: Path) -> None:
    base = load_base(folder, dtype=torch.bfloat16)
    save_file(kohya(matrices(base.unet, LAYERS), {}, 1.0), tmp_path / "x.safetensors")
    held = {name: value.clone() for name, value in base.unet.state_dict().items()}
    with personalised(base, [(tmp_path / "x.safetensors", 1.0)]):
        assert {p.dtype for p in base.unet.parameters()} == {torch.bfloat16}
    after = base.unet.state_dict()
    assert all(torch.equal(after[name], value) for name, value in held.items())
    assert set(after) == set(held)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (motion_lora(("down_blocks.1",), width=24), "of size [24, 24]; this base's is [16, 16]"),
        (motion_lora(("down_blocks.7",)), "a motion layer that this base does not have"),
        ({"lora_unet_a.lora_down.weight": torch.ones(1, 2)}, "has only one of its two matrices"),
        (
            {"unet.x.lora_A.weight": torch.ones(1, 2), "unet.x.lora_B.weight": torch.ones(2, 1)},
            "changes x, which this U-Net does not have; it was made for another base",
        ),
        ({"lora_unet_a.hada_w1_a": torch.ones(1)}, "is a LoHa, which cannot be applied as a LoRA"),
        ({"lora_unet_a.dora_scale": torch.ones(1)}, "is a DoRA, which cannot be applied as a LoRA"),
        ({"conv.weight": torch.ones(1)}, "is no LoRA (it has conv.weight); give a LoRA"),
        (
            {"model.diffusion_model.a": torch.ones(1)},
            "whole checkpoint (--set checkpoint=FILE)",
        ),
    ],
)
def test_what_does_not_fit_leaves_the_base_alone(
    base: Base, tmp_path: Path, tensors: dict[str, Tensor], said: str
) -> None:
    save_file(tensors, tmp_path / "x.safetensors")
    before = states(base)
    with pytest.raises(ModelError) as told:
        Personal.of(base).add(tmp_path / "x.safetensors")
    assert said in str(told.value)
    assert states(base) == before


@pytest.mark.parametrize("scale", [float("nan"), float("inf")])
def test_a_scale_is_finite(base: Base, tmp_path: Path, scale: float) -> None:
    save_file(kohya(matrices(base.unet, LAYERS), {}, None), tmp_path / "style.safetensors")
    before, personal = states(base), Personal.of(base)
    with pytest.raises(ModelError, match=rf"style.* was given the scale {scale}; give a finite"):
        personal.add(tmp_path / "style.safetensors", scale)
    assert states(base) == before
    personal.add(tmp_path / "style.safetensors")
    with pytest.raises(ModelError, match=f"LoRA style was given the scale {scale}; give a finite"):
        personal.set_scale("style", scale)


def test_names(base: Base, tmp_path: Path) -> None:
    save_file(kohya(matrices(base.unet, LAYERS), {}, None), tmp_path / "my style.v2.safetensors")
    personal = Personal.of(base)
    assert personal.add(tmp_path / "my style.v2.safetensors") == "my_style_v2"
    assert personal.add(tmp_path / "my style.v2.safetensors") == "my_style_v2_2"
    assert personal.add(tmp_path / "my style.v2.safetensors", name="again") == "again"
    with pytest.raises(ModelError, match="a LoRA 'again' is on the base already"):
        personal.add(tmp_path / "my style.v2.safetensors", name="again")
    with pytest.raises(ModelError, match="no LoRA 'other' on the base; there are: my_style_v2, my"):
        personal.remove("other")
    words = kohya({}, matrices(base.text.model, WORDS), None)
    save_file(words, tmp_path / "words.safetensors")
    assert set(read_lora(tmp_path / "words.safetensors").pairs[TEXT])
    with pytest.raises(ModelError, match="changes the text encoder, which was not given with it"):
        Personal(base.unet).add(tmp_path / "words.safetensors")
