from pathlib import Path
from typing import Any

import pytest
import torch

from kineograph.core.errors import ModelError, TrainingError
from kineograph.engines.diffusion.model import Model
from kineograph.engines.unet import UnetSettings
from kineograph.models.adapter_folder import load_adapter
from kineograph.training.export import engine_settings
from kineograph.training.origin import Origin
from kineograph.training.stage import AdapterChoice, LoraChoice, Sampling, Stage
from kineograph.training.subject import Subject
from tiny import tiny_model_folder

TRACKS = AdapterChoice(kind="track-control", options={"raster": 1, "channels": 16})
SMALL = Sampling(frames=4, size=(16, 16))


@pytest.fixture(scope="module", params=["animatediff", "modelscope"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model_folder(tmp_path_factory.mktemp("base") / request.param, request.param)


@pytest.fixture(scope="module")
def animatediff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model_folder(tmp_path_factory.mktemp("base") / "animatediff", "animatediff")


def stage(*trains: str, **fields: Any) -> Stage:
    return Stage(**{"name": "one", "trains": trains, "sampling": SMALL, **fields})


def denoised(subject: Subject, frames: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, frames, 8, 8, generator=generator)
    text = torch.randn(1, 5, 32, generator=generator)
    with torch.no_grad():
        return subject.denoiser(sample, torch.tensor([500]), text)


def test_only_what_the_stage_names_learns(base: Path) -> None:
    subject = Subject.of(stage("adapters.tracks", adapters={"tracks": TRACKS}), base)
    learns = subject.trainable()
    assert set(learns) == {
        f"adapters.tracks.{name}" for name, _ in subject.adapters["tracks"].named_parameters()
    }
    for network in subject.base.networks.values():
        assert not any(held.requires_grad for held in network.parameters())
    assert all(held.requires_grad for held in learns.values())
    assert [part.name for part in subject.parts() if part.trains] == ["adapters.tracks"]
    total = sum(part.parameters for part in subject.parts())
    networks = [*subject.base.networks.values(), subject.adapters["tracks"]]
    assert total == sum(held.numel() for network in networks for held in network.parameters())


@pytest.mark.parametrize(
    ("trains", "family", "there"),
    [
        ("unet", "animatediff", {"unet.spatial", "unet.motion.attention"}),
        ("unet.spatial", "animatediff", {"unet.spatial"}),
        ("unet.motion", "animatediff", {"unet.motion.attention"}),
        (
            "unet.motion",
            "modelscope",
            {"unet.motion.attention", "unet.motion.convolution", "unet.motion.input"},
        ),
        ("unet.motion.attention", "modelscope", {"unet.motion.attention"}),
        ("text", "modelscope", {"text"}),
        ("vae", "animatediff", {"vae"}),
    ],
)
def test_parts_are_told_apart(tmp_path: Path, trains: str, family: str, there: set[str]) -> None:
    folder = tiny_model_folder(tmp_path / family, family)
    subject = Subject.of(stage(trains), folder)
    assert {part.name for part in subject.parts() if part.trains} == there
    motion = [name for name in subject.trainable() if "motion_modules" in name or "temp_" in name]
    assert bool(motion) == trains.startswith("unet") * (trains != "unet.spatial")


def test_a_digest_sees_every_frozen_number_and_no_other(animatediff: Path) -> None:
    subject = Subject.of(stage("adapters.tracks", adapters={"tracks": TRACKS}), animatediff)
    before = subject.frozen_digest()
    with torch.no_grad():
        next(iter(subject.trainable().values())).add_(1)
    assert subject.frozen_digest() == before
    frozen = subject.base.vae.decoder.conv_out.bias
    with torch.no_grad():
        frozen[0] = torch.nextafter(frozen[0], torch.tensor(9.0))
    assert subject.frozen_digest() != before


def test_what_learns_is_in_float32_and_the_rest_as_asked(animatediff: Path) -> None:
    made = stage("adapters.tracks", adapters={"tracks": TRACKS})
    subject = Subject.of(made, animatediff, dtype=torch.bfloat16)
    assert {held.dtype for held in subject.trainable().values()} == {torch.float32}
    assert {held.dtype for held in subject.base.unet.parameters()} == {torch.bfloat16}


def test_a_new_subject_denoises_as_its_base(animatediff: Path) -> None:
    plain = Subject.of(stage("unet"), animatediff)
    made = stage("adapters.tracks", "lora", adapters={"tracks": TRACKS}, lora=LoraChoice(rank=2))
    torch.testing.assert_close(denoised(Subject.of(made, animatediff)), denoised(plain))


def test_what_is_new_is_drawn_by_the_seed(animatediff: Path) -> None:
    made = [
        Subject.of(stage("adapters.tracks", adapters={"tracks": TRACKS}, seed=seed), animatediff)
        for seed in (0, 0, 1)
    ]
    first, again, other = (subject.adapters["tracks"].state_dict() for subject in made)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_without_motion_frames_do_not_see_each_other(base: Path) -> None:
    made = stage("adapters.tracks", adapters={"tracks": TRACKS}, temporal=False)
    subject = Subject.of(made, base)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, 3, 8, 8, generator=generator)
    text, step = torch.randn(1, 5, 32, generator=generator), torch.tensor([500])
    with torch.no_grad():
        whole = subject.denoiser(sample, step, text)
        alone = [subject.denoiser(sample[:, :, i : i + 1], step, text) for i in range(3)]
    torch.testing.assert_close(whole, torch.cat(alone, dim=2), rtol=1e-4, atol=1e-5)


def test_without_motion_is_undone(base: Path) -> None:
    subject = Subject.of(stage("adapters.tracks", adapters={"tracks": TRACKS}), base)
    before = denoised(subject)
    with subject.without_motion():
        with subject.without_motion():
            pass
        inside = denoised(subject)
    assert not torch.allclose(before, inside)
    assert torch.equal(before, denoised(subject))


def test_a_stage_goes_on_from_another(tmp_path: Path, base: Path) -> None:
    first = Subject.of(stage("adapters.tracks", adapters={"tracks": TRACKS}), base)
    with torch.no_grad():
        for held in first.trainable().values():
            held.add_(0.1)
    first.export(tmp_path / "run" / "one")
    held = AdapterChoice(kind="track-control", source="stage:one")
    second = stage("unet.motion", name="two", adapters={"tracks": held})
    earlier = {"one": tmp_path / "run" / "one"}
    subject = Subject.of(second, base, earlier=earlier)
    assert not any("adapters" in name for name in subject.trainable())
    theirs = first.adapters["tracks"].state_dict()
    for name, tensor in subject.adapters["tracks"].state_dict().items():
        assert torch.equal(tensor, theirs[name]), name
    subject.export(tmp_path / "run" / "two")
    again = engine_settings(tmp_path / "run" / "two")
    assert again["adapters"] == (str(tmp_path / "run" / "one" / "adapters" / "tracks"),)


@pytest.mark.parametrize("on", ["motion", "spatial", "text"])
def test_a_trained_lora_is_what_the_engine_loads(tmp_path: Path, base: Path, on: Any) -> None:
    made = stage("lora", lora=LoraChoice(rank=2, on=on))
    subject = Subject.of(made, base)
    assert {part.name for part in subject.parts() if part.trains} == {"lora"}
    with torch.no_grad():
        for held in subject.trainable().values():
            held.add_(0.05)
    texts = ["a red ball"]
    subject.export(tmp_path / "out")
    model = Model.load(UnetSettings(**engine_settings(tmp_path / "out"), device="cpu"))
    again = Subject(subject.stage, model.base, {}, model.denoiser, subject.origin)
    torch.testing.assert_close(denoised(again), denoised(subject), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.base.text.encode(texts), subject.base.text.encode(texts))
    plain = Subject.of(stage("unet"), base)
    moved = denoised(subject) - denoised(plain)
    said = subject.base.text.encode(texts) - plain.base.text.encode(texts)
    assert (said if on == "text" else moved).abs().max() > 1e-4


def test_trained_loras_stay_on_the_base_of_the_next_stage(tmp_path: Path, base: Path) -> None:
    first = Subject.of(stage("lora", lora=LoraChoice(rank=2, on="spatial")), base)
    with torch.no_grad():
        for held in first.trainable().values():
            held.add_(0.05)
    first.export(tmp_path / "one")
    second = stage("unet.motion", name="two", base="stage:one")
    subject = Subject.of(second, None, earlier={"one": tmp_path / "one"})
    torch.testing.assert_close(denoised(subject), denoised(first), rtol=1e-4, atol=1e-5)
    subject.export(tmp_path / "two")
    model = Model.load(UnetSettings(**engine_settings(tmp_path / "two"), device="cpu"))
    again = Subject(second, model.base, {}, model.denoiser, subject.origin)
    torch.testing.assert_close(denoised(again), denoised(first), rtol=1e-4, atol=1e-5)


def test_a_whole_base_is_written_bit_for_bit(tmp_path: Path, base: Path) -> None:
    subject = Subject.of(stage("unet", "text", "vae"), base)
    subject.export(tmp_path / "out")
    held = Origin(tmp_path / "out" / "base").load()
    for name, network in subject.base.networks.items():
        again = held.networks[name].state_dict()
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, again[key]), f"{name} {key}"
    assert held.scheduler == subject.base.scheduler
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- trained: unet, text, vae" in card


def test_motion_layers_are_written_by_themselves(tmp_path: Path, animatediff: Path) -> None:
    subject = Subject.of(stage("unet.motion"), animatediff)
    subject.export(tmp_path / "out")
    assert not (tmp_path / "out" / "base").exists()
    said = engine_settings(tmp_path / "out")
    assert said["motion"] == str(tmp_path / "out" / "motion")
    assert said["model"] == str(animatediff)
    held = Origin(said["model"], said["motion"]).load()
    again = held.unet.state_dict()
    for name, tensor in subject.base.unet.state_dict().items():
        assert torch.equal(tensor, again[name]), name


def test_new_motion_layers_change_nothing(tmp_path: Path) -> None:
    folder = tiny_model_folder(tmp_path / "sd", "stable-diffusion")
    made = stage("unet.motion", sampling=Sampling(frames=4, size=(16, 16)))
    subject = Subject.of(made, folder, motion="new:v2")
    assert subject.base.motion == "v2"
    before = denoised(subject)
    with subject.without_motion():
        assert torch.equal(before, denoised(subject))


def test_adapters_are_exported_beside_each_other(tmp_path: Path, animatediff: Path) -> None:
    names = {"tracks": TRACKS, "picture": AdapterChoice(kind="picture-concat")}
    subject = Subject.of(stage("adapters.tracks", "adapters.picture", adapters=names), animatediff)
    subject.export(tmp_path / "out", card="# mine\n")
    for name in names:
        held = load_adapter(tmp_path / "out" / "adapters" / name)
        assert held.kind == names[name].kind
        assert (tmp_path / "out" / "adapters" / name / "README.md").read_text() == "# mine\n"
    subject.export(tmp_path / "out")  # again, in its place


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temporal": False, "trains": ("unet",)}, "trains unet with temporal: false"),
        (
            {"temporal": False, "trains": ("lora",), "lora": {"rank": 1}},
            "trains lora with temporal",
        ),
        ({"trains": ("unet.motion.input",)}, "trains unet.motion.input, which animatediff has not"),
        ({"sampling": Sampling(frames=4, size=(17, 16))}, "17x16; the sides have to be multiples"),
        ({"base": "stage:nought"}, "builds on stage nought, which has not been trained here"),
        ({"base": "new:large"}, "a base new:large was asked for; from nothing there is new:tiny"),
        (
            {"adapters": {"x": {"kind": "grounding", "source": "stage:nought"}}},
            "builds on stage nought",
        ),
    ],
)
def test_what_cannot_be_trained_is_said(
    animatediff: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        Subject.of(stage(**{"trains": ("unet",), "name": "one", **fields}), animatediff)


def test_a_base_has_to_be_named() -> None:
    with pytest.raises(TrainingError, match="stage one has no base to train on; give one with"):
        Subject.of(stage("unet"), None)


def test_frames_have_to_be_within_reach(animatediff: Path) -> None:
    with pytest.raises(ModelError, match="40 frames were asked for"):
        Subject.of(stage("unet", sampling=Sampling(frames=40, size=(16, 16))), animatediff)


def test_options_are_of_new_adapters(tmp_path: Path, animatediff: Path) -> None:
    Subject.of(stage("adapters.tracks", adapters={"tracks": TRACKS}), animatediff).export(
        tmp_path / "one"
    )
    folder = str(tmp_path / "one" / "adapters" / "tracks")
    choice = AdapterChoice(kind="track-control", options={"raster": 1}, source=folder)
    with pytest.raises(TrainingError, match="options are of a new one"):
        Subject.of(stage("adapters.tracks", adapters={"tracks": choice}), animatediff)
    choice = AdapterChoice(kind="grounding", source=folder)
    with pytest.raises(TrainingError, match=r"is to be a grounding and .* holds a track-control"):
        Subject.of(stage("adapters.tracks", adapters={"tracks": choice}), animatediff)
