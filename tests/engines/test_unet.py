"""Engine `unet`: what it reads, how it is set, and what it refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import kineograph as kg
from engines.contract import picture
from engines.tiny_model import tiny_model
from kineograph.core.errors import EngineError, ModelError
from kineograph.engines import base
from kineograph.engines.base import Request
from kineograph.engines.diffusion.memory import prepare
from kineograph.engines.diffusion.sampler import Step
from kineograph.engines.lowering import lower
from kineograph.engines.unet import UnetEngine
from kineograph.models import vae
from kineograph.models.base import load_base

Models = Callable[[str], Path]


@cache
def engine() -> UnetEngine:
    return UnetEngine()


@pytest.fixture
def request_of(models: Models) -> Callable[..., Request]:
    def build(family: str = "animatediff", **changes: object) -> Request:
        frames = int(changes.pop("frames", 3))
        size = (32, 32)
        settings = {
            "model": str(models(family)),
            "steps": 2,
            "device": "cpu",
            **changes.pop("settings", {}),  # type: ignore[dict-item]
        }
        points = np.linspace([10, 15], [20, 17], frames)[None]
        asked = Request(
            size=size,
            frames=frames,
            fps=8,
            picture=kg.core.picture.fit(picture(), size),
            text="a red ball rolls to the left",
            tracks=kg.Tracks.of(points, size=size, fps=8),
            settings=settings,
        )
        return replace(asked, **changes)

    return build


def images(request: Request, made_by: UnetEngine | None = None) -> np.ndarray:
    made_by = made_by or engine()
    told = lower(request, made_by.capabilities_for(request), "unet")
    return np.stack([frame.image for frame in made_by.generate(told)])


def boxes(frames: int = 3, labels: tuple[str, ...] = ("ball",)) -> kg.Boxes:
    placed = np.tile([4.0, 4, 20, 20], (1, frames, 1))
    return kg.Boxes.of(placed, size=(32, 32), fps=8, labels=labels)


# what it reads


def test_it_reads_what_its_adapters_read(request_of: Callable[..., Request]) -> None:
    can = engine().capabilities_for(request_of())
    assert can.reads == {"text", "negative text", "picture", "tracks"}
    assert can.size_step == 2


@pytest.mark.parametrize("change", ["text", "negative_text", "picture", "tracks"])
def test_each_input_changes_the_clip(request_of: Callable[..., Request], change: str) -> None:
    asked = request_of()
    other: dict[str, object] = {
        "text": "smoke rises from the roof",
        "negative_text": "blurry",
        "picture": 255 - asked.picture,
        "tracks": None,
    }
    assert not np.array_equal(images(asked), images(replace(asked, **{change: other[change]})))


def test_nothing_but_text_makes_a_clip(request_of: Callable[..., Request]) -> None:
    asked = replace(request_of(), picture=None, tracks=None)
    assert images(asked).shape == (3, 32, 32, 3)


def test_boxes_are_read_where_an_adapter_reads_them(
    request_of: Callable[..., Request], tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "boxed", "animatediff", ("boxes",))
    asked = request_of(settings={"model": str(folder)}, tracks=None)
    assert not np.array_equal(images(replace(asked, boxes=boxes())), images(asked))
    other = replace(asked, boxes=boxes(labels=("cat",)))
    assert not np.array_equal(images(replace(asked, boxes=boxes())), images(other))
    with pytest.raises(EngineError, match="box 1 of 1 has no label, and this model reads what"):
        images(replace(asked, boxes=boxes(labels=("",))))


def test_boxes_become_tracks_where_only_those_are_read(
    request_of: Callable[..., Request],
) -> None:
    asked = replace(request_of(), tracks=None, boxes=boxes())
    assert not np.array_equal(images(asked), images(replace(asked, boxes=None)))


def test_motion_that_no_adapter_reads_is_refused(
    request_of: Callable[..., Request], tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "plain", "animatediff", ("picture",))
    asked = request_of(settings={"model": str(folder)})
    message = "tracks are given, and the model plain reads picture, text; add an adapter that"
    with pytest.raises(EngineError, match=message):
        engine().capabilities_for(asked)


# how it is set


def test_the_model_is_loaded_once_and_again_when_it_is_another(
    request_of: Callable[..., Request],
) -> None:
    made = UnetEngine()
    images(request_of(), made)
    first = made._model
    images(request_of(seed=1, settings={"steps": 1, "guidance": 2}), made)
    assert made._model is first
    images(request_of(settings={"dtype": "bfloat16"}), made)
    assert made._model is not first


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_finite(request_of: Callable[..., Request], dtype: str) -> None:
    made = UnetEngine()
    seen: list[torch.Tensor] = []
    made.on_step = lambda step: seen.append(step.latents)
    full = images(request_of()).astype(float)
    half = images(request_of(settings={"dtype": dtype}), made).astype(float)
    assert len(seen) == 2
    assert all(torch.isfinite(latents).all() for latents in seen)
    assert np.abs(full - half).mean() < 8


def test_a_callback_may_change_the_latents(request_of: Callable[..., Request]) -> None:
    made = UnetEngine()
    steps: list[tuple[int, int]] = []

    def grey(step: Step) -> torch.Tensor:
        steps.append((step.index, step.steps))
        return torch.zeros_like(step.latents)

    made.on_step = grey
    frames = images(request_of(), made)
    assert steps == [(0, 2), (1, 2)]
    np.testing.assert_array_equal(frames, np.broadcast_to(frames[:1], frames.shape))


def test_a_callback_that_raises_stops_the_work(request_of: Callable[..., Request]) -> None:
    made = UnetEngine()
    done: list[int] = []

    def stop(step: Step) -> None:
        done.append(step.index)
        raise KeyboardInterrupt

    made.on_step = stop
    with pytest.raises(KeyboardInterrupt):
        images(request_of(settings={"steps": 5}), made)
    assert done == [0]


def test_progress_is_told_of_every_step(request_of: Callable[..., Request]) -> None:
    made = UnetEngine()
    told: list[tuple[int, int, str]] = []
    made.progress = lambda done, total, what="frames": told.append((done, total, what))
    images(request_of(settings={"free_init": 1}), made)
    assert told == [(1, 4, "steps"), (2, 4, "steps"), (3, 4, "steps"), (4, 4, "steps")]


def test_a_strength_of_zero_is_no_adapter(request_of: Callable[..., Request]) -> None:
    without = images(replace(request_of(), tracks=None))
    silent = images(request_of(settings={"strengths": {"tracks": 0}}))
    np.testing.assert_array_equal(silent, without)
    early = images(request_of(settings={"strengths": {"tracks": [[0, 1], [0.5, 1], [0.5, 0]]}}))
    assert not np.array_equal(early, without)
    assert not np.array_equal(early, images(request_of()))


def test_guidance_by_name(request_of: Callable[..., Request]) -> None:
    plain = images(request_of(settings={"guidance": 3}))
    same = images(request_of(settings={"guidance": "text=3"}))
    np.testing.assert_array_equal(plain, same)
    both = images(request_of(settings={"guidance": {"text": 3, "tracks": 1.5}}))
    assert not np.array_equal(plain, both)
    alone = replace(request_of(settings={"guidance": {"text": 3, "tracks": 1.5}}), tracks=None)
    one = replace(request_of(settings={"guidance": 3}), tracks=None)
    np.testing.assert_array_equal(images(alone), images(one))  # no tracks, no term for them


def test_guidance_of_one_runs_the_network_once(request_of: Callable[..., Request]) -> None:
    made = UnetEngine()
    images(request_of(), made)
    assert made._model is not None
    batches: list[int] = []
    network = made._model.base.unet
    hook = network.register_forward_pre_hook(lambda _, given: batches.append(len(given[0])))
    for guidance in (1, 7.5, "text=3,tracks=1.5"):
        images(request_of(settings={"guidance": guidance}), made)
    hook.remove()
    assert batches == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("scheduler", ["lcm", "dpm++", "euler-a", "lightning"])
def test_every_method_samples(request_of: Callable[..., Request], scheduler: str) -> None:
    asked = request_of(settings={"scheduler": scheduler})
    first = images(asked)
    np.testing.assert_array_equal(first, images(asked))
    assert not np.array_equal(first, images(request_of()))


def test_a_model_that_predicts_a_flow_is_sampled_as_one(
    request_of: Callable[..., Request], tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "model", "animatediff")
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1.0}))
    asked = request_of(settings={"model": str(folder)})
    made = UnetEngine()
    plain = images(asked, made)
    assert not np.array_equal(plain, images(request_of()))
    for other in (
        replace(asked, picture=None),
        replace(asked, tracks=None),
        replace(asked, settings={**asked.settings, "scheduler": "flow-unipc"}),
        replace(asked, settings={**asked.settings, "guidance": "text=3,rescale=0.7"}),
    ):
        assert not np.array_equal(plain, images(other, made))
    told = " ".join(UnetEngine().notes(asked))
    assert "does not fit motion layers" not in told  # of a flow there is no noise schedule to fit


@pytest.mark.parametrize("long", ["windows", "free-noise"])
@pytest.mark.parametrize("family", ["animatediff", "modelscope"])
def test_long_clips_are_made_through_windows(
    request_of: Callable[..., Request], long: str, family: str
) -> None:
    asked = request_of(family, frames=9, settings={"long": long, "window": 4, "overlap": 2})
    whole = request_of(family, frames=9)
    made = images(asked)
    assert made.shape == (9, 32, 32, 3)
    assert not np.array_equal(made, images(whole))
    np.testing.assert_array_equal(made, images(asked))


def test_clips_beyond_the_motion_layers_reach_are_windowed_by_themselves(
    request_of: Callable[..., Request],
) -> None:
    assert images(request_of(frames=40, settings={"steps": 1})).shape[0] == 40
    message = "windows of 33 frames were asked for; the motion layers of this model reach 32"
    with pytest.raises(EngineError, match=message):
        images(request_of(frames=40, settings={"window": 33}))


def test_memory_options_leave_the_clip_as_it_is(request_of: Callable[..., Request]) -> None:
    plain = images(request_of())
    saving = images(request_of(settings={"memory": ["slicing", "chunks"]}), UnetEngine())
    assert np.abs(plain.astype(int) - saving).max() <= 1


def test_a_wrong_noise_schedule_is_put_right_and_said(
    request_of: Callable[..., Request], tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "model", "stable-diffusion", ("tracks",))
    path = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(path.read_text())
    right = images(request_of(settings={"model": str(folder)}), UnetEngine())
    path.write_text(json.dumps({**config, "beta_schedule": "scaled_linear"}))
    asked = request_of(settings={"model": str(folder)})
    assert any("beta_schedule is scaled_linear, not linear" in n for n in engine().notes(asked))
    np.testing.assert_array_equal(images(asked, UnetEngine()), right)


def test_the_folders_own_noise_schedule_can_be_kept(
    request_of: Callable[..., Request], tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "model", "animatediff", ())
    path = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(path.read_text()) | {"beta_schedule": "scaled_linear"}
    path.write_text(json.dumps(config))
    plain = request_of(settings={"model": str(folder)}, tracks=None)
    own = replace(plain, settings={**plain.settings, "noise_schedule": "model"})
    named = replace(plain, settings={**plain.settings, "noise_schedule": "motif"})
    assert not any("scaled_linear" in note for note in engine().notes(own))
    made = [images(asked, UnetEngine()) for asked in (plain, own, named)]
    assert not any(np.array_equal(a, b) for a, b in ((made[0], made[1]), (made[1], made[2])))


def test_settings_without_effect_are_said(request_of: Callable[..., Request]) -> None:
    asked = request_of(
        settings={"guidance": "text=3,tracks=2", "strengths": {"tracks": 0.5}}, tracks=None
    )
    notes = " ".join(engine().notes(asked))
    assert "guidance by tracks is asked for, and no tracks given; it is left out" in notes
    assert "adapter tracks has a strength, and nothing that it reads is given (tracks)" in notes


def test_the_autoencoder_computes_where_the_model_does_while_its_weights_wait(
    models: Models,
) -> None:
    base = load_base(models("animatediff"))
    prepare({"unet": base.unet, "vae": base.vae}, ["offload"], device="meta")
    assert base.vae.device.type == "cpu"
    assert vae.device_of(base.vae).type == "meta"
    pixels = vae.decode_pictures(base.vae, torch.zeros(1, 4, 8, 8))
    assert (pixels.device.type, pixels.shape) == ("meta", (1, 3, 16, 16))
    assert vae.encode(base.vae, torch.zeros(1, 3, 16, 16)).device.type == "meta"


def test_an_output_can_be_made_again_from_any_folder(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "model").symlink_to(models("animatediff"))
    kg.write_picture(tmp_path / "photo.png", picture())
    monkeypatch.chdir(tmp_path)
    settings = {"model": "model", "steps": 1, "device": "cpu"}
    document = kg.Document.for_picture(
        "photo.png",
        frames=2,
        fps=8,
        text="a red ball",
        engine={"name": "unet", "settings": settings},
    )
    clip = kg.animate(document)
    first = np.stack(list(clip))
    record = clip.record(tmp_path / "deep")
    assert record["document"]["engine"]["settings"]["model"] == "../model"
    monkeypatch.chdir("/")
    again = kg.Document.parse(record["document"], tmp_path / "deep", allow_outside=True)
    np.testing.assert_array_equal(first, np.stack(list(kg.animate(again))))


def test_the_base_is_frozen(models: Models) -> None:
    base = load_base(models("animatediff"))
    held = [p.requires_grad for network in base.networks.values() for p in network.parameters()]
    assert len(held) > 100 and not any(held)


# what it refuses


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "/nowhere/at/all"}, "there is no model at /nowhere/at/all"),
        ({"scheduler": "ddin"}, "scheduler ddin is not known; did you mean ddim"),
        ({"guidance": "colour=3"}, "guidance by 'colour' was asked for"),
        ({"strengths": {"boxes": 1}}, "strength for adapter boxes is given; there are: picture, t"),
        ({"device": "abacus"}, "device abacus is not known"),
        ({"memory": ["magic"]}, "memory magic was asked for"),
        ({"adapters": ["/nowhere"]}, "/nowhere"),
        ({"loras": ["/nowhere.safetensors:0.5"]}, "no weights at /nowhere.safetensors; name a"),
        ({"checkpoint": "/nowhere.ckpt"}, "no weights at /nowhere.ckpt"),
        ({"noise_schedule": "v9"}, "noise schedule of motion layers v9 is not known"),
    ],
)
def test_settings_are_looked_at_before_anything_is_loaded(
    request_of: Callable[..., Request], settings: dict[str, object], message: str
) -> None:
    with pytest.raises((EngineError, ModelError), match=message) as told:
        UnetEngine().capabilities_for(request_of(settings=settings))
    assert "\n" not in str(told.value)


def test_a_model_has_to_be_named() -> None:
    asked = Request((32, 32), 2, 8, text="a cat")
    with pytest.raises(EngineError, match="engine unet needs a model: --model with a folder"):
        engine().capabilities_for(asked)


def test_missing_packages_are_named(
    request_of: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "find_spec", lambda name: None if name == "diffusers" else 1)
    message = "engine unet needs diffusers; install them: pip install 'kineograph"
    with pytest.raises(EngineError, match=message):
        engine().capabilities_for(request_of())


def test_text_that_is_too_long_is_refused(request_of: Callable[..., Request]) -> None:
    with pytest.raises(ModelError, match="the text encoder reads 75; it would be cut after"):
        images(request_of(text="a red ball rolls slowly to the left " * 20))
