"""The training step: one path for every recipe, and what each recipe's stage makes of a batch."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_clips import FRAMES, SIZE, batch, clip

from kineograph.core.errors import ModelError, TrainingError
from kineograph.models import vae
from kineograph.training import told
from kineograph.training.noising import Noising, schedule_config
from kineograph.training.stage import Stage
from kineograph.training.step import Tools, training_step
from kineograph.training.subject import Subject
from kineograph.training.words import Words
from tiny import STRIDE, tiny_model_folder

Make = Callable[..., Subject]
SAMPLING = {"frames": FRAMES, "size": SIZE}


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("bases")
    return {
        "animatediff": tiny_model_folder(root / "animatediff", vision=True),
        "modelscope": tiny_model_folder(root / "modelscope", "modelscope"),
    }


@pytest.fixture
def make(folders: dict[str, Path]) -> Make:
    def made(family: str = "animatediff", awake: bool = False, **fields: Any) -> Subject:
        sampling = SAMPLING | fields.pop("sampling", {})
        stage = Stage.model_validate({"name": "it", "sampling": sampling, **fields})
        subject = Subject.of(stage, folders[family])
        if awake:
            shake(subject.denoiser.adapters)
        return subject

    return made


@torch.no_grad()
def shake(network: nn.Module, seed: int = 0) -> None:
    """No weight is zero any more, so that whatever is told shows."""
    draw = torch.Generator().manual_seed(seed)
    for held in network.parameters():
        held.add_(0.1 * torch.randn(held.shape, generator=draw))


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def on(kind: str, **options: Any) -> dict[str, Any]:
    return {"trains": ["adapters.it"], "adapters": {"it": {"kind": kind, "options": options}}}


PICTURE = {"sampling": {"picture": "first"}, "dropout": {"picture": 0.3}}
GATED = {"widths": [8, 8], "depth": 1}
STAGES: dict[str, dict[str, Any]] = {
    "pictures": {"trains": ["unet.spatial"], "temporal": False},
    "motion module": {"trains": ["unet.motion"]},
    "everything": {"trains": ["unet"]},
    "motion lora": {"trains": ["lora"], "lora": {"rank": 2}},
    "text lora": {"trains": ["lora"], "lora": {"rank": 2, "on": "text"}},
    "text": {"trains": ["text", "unet.spatial"]},
    "text encoder alone": {"trains": ["text"]},
    "tracks": on("track-control", raster=1) | {"dropout": {"tracks": 0.3}},
    "grounding on pictures": on("grounding") | {"temporal": False, "dropout": {"boxes": 0.3}},
    "boximator": on("boximator") | {"sampling": {"painted": "boxes", "soft": 0.8}},
    "picture and focal": on("picture-concat") | PICTURE | {"objective": {"focal": {}}},
    "picture by gates": on("picture-gated", **GATED) | PICTURE,
    "picture both ways": on("picture-dual", **GATED)
    | {"sampling": {"picture": "first"}, "dropout": {"picture": 0.25, "picture_tokens": 0.1}},
    "picture by vision": on("picture-cross") | PICTURE,
    "tracks of the picture": on("track-propagation") | PICTURE,
    "boxes weighed": on("grounding") | {"objective": {"inside_boxes": 2, "min_snr": 5}},
}


@pytest.mark.parametrize("name", STAGES)
def test_every_recipe_goes_through_one_step(make: Make, name: str) -> None:
    subject = make(**STAGES[name])
    before = subject.frozen_digest()
    loss = training_step(subject, batch(), chance(1))
    assert torch.isfinite(loss.total)
    loss.total.backward()
    learning = subject.trainable().values()
    assert any(held.grad is not None and held.grad.any() for held in learning)
    learns = {id(held) for held in learning}
    for network in (*subject.base.networks.values(), subject.denoiser):
        assert all(id(held) in learns or held.grad is None for held in network.parameters())
    assert subject.frozen_digest() == before


@pytest.mark.parametrize("name", ["tracks", "grounding on pictures", "picture both ways"])
def test_what_is_dropped_leaves_no_weight_without_a_gradient(make: Make, name: str) -> None:
    """Processes that train together have to agree on which weights they sum gradients of."""
    reached = []
    for share in (0, 1):
        dropout = {"tracks": share, "boxes": share, "picture": share}
        subject = make(**STAGES[name] | {"dropout": dropout})
        training_step(subject, batch(), chance()).total.backward()
        reached.append({n for n, held in subject.trainable().items() if held.grad is not None})
    assert reached[0] == reached[1]


@pytest.mark.parametrize("name", ["tracks", "grounding on pictures", "motion module"])
def test_activations_that_are_computed_again_change_nothing(make: Make, name: str) -> None:
    grads = []
    for checkpointing in (False, True):
        subject = make(**STAGES[name] | {"checkpointing": checkpointing})
        training_step(subject, batch(), chance()).total.backward()
        grads.append(torch.cat([h.grad.flatten() for h in subject.trainable().values()]))
    assert grads[0].any()
    torch.testing.assert_close(grads[0], grads[1])


@pytest.mark.parametrize("name", ["tracks", "grounding on pictures", "boximator", "motion module"])
def test_modelscope_goes_the_same_way(make: Make, name: str) -> None:
    subject = make("modelscope", **STAGES[name])
    training_step(subject, batch(), chance()).total.backward()
    assert any(held.grad is not None for held in subject.trainable().values())


def test_it_is_a_fixed_function_of_batch_and_chance(make: Make) -> None:
    subject = make(awake=True, **STAGES["tracks"])
    torch.manual_seed(1)
    first = training_step(subject, batch(), chance(3))
    torch.manual_seed(2)
    again = training_step(subject, batch(), chance(3))
    other = training_step(subject, batch(), chance(4))
    assert torch.equal(first.total, again.total)
    assert not torch.equal(first.total, other.total)
    draw = chance(3)
    training_step(subject, batch(), draw)
    later = training_step(subject, batch(), draw)
    assert not torch.equal(first.total, later.total)


def test_the_loss_is_that_of_the_paper_by_hand(make: Make) -> None:
    """Without adapters and dropout: encode, add noise, predict, compare."""
    subject = make(trains=["unet.motion"], dropout={"text": 0})
    held = batch()
    steps = torch.tensor([100, 700])
    made = training_step(subject, held, chance(), places=steps.double() / 1000)
    base, draw = subject.base, chance()
    torch.rand(5, 2, generator=draw)
    torch.randint(2**62, (), generator=draw)
    rows = held.video.transpose(1, 2).flatten(0, 1)
    latents = vae.encode(base.vae, rows, sample=True, generator=draw)
    clean = latents.unflatten(0, (2, FRAMES)).transpose(1, 2)
    torch.randint(1000, (2,), generator=draw)
    noise = torch.randn(clean.shape, generator=draw)
    config = schedule_config(base.scheduler, base.family, temporal=True)
    noisy = Noising(config, "epsilon").noisy(clean, noise, steps)
    text = base.text.encode(held.captions)
    with torch.no_grad():
        said = subject.denoiser(noisy, steps, text)
    torch.testing.assert_close(made.total, ((said - noise) ** 2).mean())
    assert made.parts["plain"] == pytest.approx(made.total.item())


def seen_by(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the denoiser is called with."""
    calls: list[tuple[Any, ...]] = []
    forward = subject.denoiser.forward

    def kept(*arguments: Any) -> Tensor:
        calls.append(arguments)
        return forward(*arguments)

    monkeypatch.setattr(subject.denoiser, "forward", kept)
    return calls


def test_a_dropped_text_is_the_empty_text(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = make(trains=["unet.motion"], dropout={"text": 1})
    calls = seen_by(subject, monkeypatch)
    training_step(subject, batch(), chance())
    training_step(subject, batch(), chance(), dropping=False)
    empty, full = subject.base.text.encode(["", ""]), subject.base.text.encode(batch().captions)
    torch.testing.assert_close(calls[0][2], empty)
    torch.testing.assert_close(calls[1][2], full)


@pytest.mark.parametrize(
    ("name", "condition"),
    [("tracks", "tracks"), ("grounding on pictures", "boxes"), ("picture and focal", "picture")],
)
def test_a_dropped_condition_is_the_adapters_null(
    make: Make, monkeypatch: pytest.MonkeyPatch, name: str, condition: str
) -> None:
    subject = make(awake=True, **STAGES[name] | {"dropout": {condition: 1}})
    calls = seen_by(subject, monkeypatch)
    training_step(subject, batch(), chance())
    training_step(subject, batch(), chance(), dropping=False)
    dropped, full = calls[0][3]["it"], calls[1][3]["it"]
    adapter = subject.adapters["it"]
    everything = told.given_of(batch(), batch().boxes, None, subject.base, told.Dropped.nothing(2))
    null = adapter.null(replace(everything, generator=chance()))
    for part in ("channels", "hint"):
        if getattr(null, part) is not None:
            torch.testing.assert_close(getattr(dropped, part), getattr(null, part))
            assert not torch.allclose(getattr(full, part), getattr(null, part))
    if null.tokens is not None:
        torch.testing.assert_close(dropped.tokens.tokens, null.tokens.tokens)
        assert not torch.allclose(full.tokens.tokens, null.tokens.tokens)


def test_the_two_ways_to_the_picture_are_dropped_apart(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = STAGES["picture both ways"] | {"dropout": {"picture": 1, "picture_tokens": 0}}
    subject = make(awake=True, **both)
    calls = seen_by(subject, monkeypatch)
    training_step(subject, batch(), chance())
    training_step(subject, batch(), chance(), dropping=False)
    dropped, full = calls[0][3]["it"], calls[1][3]["it"]
    assert not dropped.channels.any() and full.channels.any()
    torch.testing.assert_close(dropped.tokens.tokens, full.tokens.tokens)


def test_painted_targets_have_the_colours_that_the_boxes_are_told_with(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = make(
        **on("boximator") | {"sampling": {"painted": "boxes", "picture": "first", "soft": 1.0}}
    )
    encoded: list[Tensor] = []
    numbers: list[Tensor] = []
    adapter, latents = subject.adapters["it"], told.latents_of

    def kept(base: Any, video: Tensor, generator: torch.Generator) -> Tensor:
        encoded.append(video)
        return latents(base, video, generator)

    read = adapter.box_token.forward
    monkeypatch.setattr("kineograph.training.step.latents_of", kept)
    monkeypatch.setattr(
        adapter.box_token, "forward", lambda n, given: numbers.append(n) or read(n, given)
    )
    held = batch(1)
    training_step(subject, held, chance())
    assert torch.equal(encoded[0][:, :, 0], held.video[:, :, 0])  # the picture stays clean
    told_boxes = numbers[0].unflatten(0, (1, FRAMES))[0, :, 0]
    colour = told_boxes[1, 4:7] * 2 - 1
    assert held.boxes is not None
    x0, y0, x1, y1 = (held.boxes.boxes[0, 0, 1] * SIZE[0]).int().tolist()
    for x, y in ((x0, y0), (x1 - 1, y1 - 1), (x0, y1 - 1)):
        torch.testing.assert_close(encoded[0][0, :, 1, y, x], colour)
    # painted are the true boxes; told are larger, soft ones
    assert (told_boxes[:, 7] == 0).all()
    assert (told_boxes[1, :2] <= held.boxes.boxes[0, 0, 1, :2]).all()
    assert (told_boxes[:, 2:4] > held.boxes.boxes[0, 0, :, 2:]).any()


def test_self_tracking_ends_in_clean_targets(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    videos: list[Tensor] = []
    latents = told.latents_of
    monkeypatch.setattr(
        "kineograph.training.step.latents_of",
        lambda base, video, draw: videos.append(video) or latents(base, video, draw),
    )
    held = batch(2)
    clean = make(**on("boximator"))
    training_step(clean, held, chance())
    assert torch.equal(videos[0], held.video)
    without = on("boximator") | {"sampling": {"painted": "boxes"}, "dropout": {"boxes": 1}}
    training_step(make(**without), held, chance())
    assert torch.equal(videos[1], held.video)  # boxes that are not told are not painted


def test_every_adapter_draws_its_identities_from_one_seed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {name: {"kind": "track-control", "options": {"raster": 1}} for name in "ab"}
    subject = make(trains=["adapters.a"], adapters=kinds)
    calls = seen_by(subject, monkeypatch)
    volumes = {name: [] for name in "ab"}
    for name, adapter in subject.adapters.items():
        read = adapter.volume
        monkeypatch.setattr(
            adapter, "volume", lambda g, r=read, n=name: volumes[n].append(r(g)) or volumes[n][-1]
        )
    draw = chance()
    training_step(subject, batch(), draw)
    training_step(subject, batch(), draw)
    assert torch.equal(volumes["a"][0], volumes["b"][0])
    assert not torch.equal(volumes["a"][0], volumes["a"][1])
    assert len(calls) == 2


def test_texts_are_encoded_once_while_the_encoder_is_frozen(make: Make) -> None:
    subject = make(**STAGES["grounding on pictures"])
    rows: list[int] = []
    subject.base.text.model.register_forward_hook(
        lambda _, given, named, made: rows.append(len(made.last_hidden_state)), with_kwargs=True
    )
    for seed in range(4):
        training_step(subject, batch(), chance(seed), dropping=False)
    assert rows == [2, 2]  # two labels (a name and an empty one), two captions
    training_step(subject, batch(3), chance(), dropping=False)
    assert rows == [2, 2, 1]


def test_a_text_encoder_that_trains_is_asked_anew(make: Make) -> None:
    subject = make(**STAGES["text"])
    words = Tools.of(subject).words
    first = words.captions(["a fox"])
    assert first.requires_grad
    with torch.no_grad():
        next(subject.base.text.model.parameters()).add_(0.1)
    assert not torch.equal(words.captions(["a fox"]), first)


def test_known_texts_are_let_go_of_in_their_turn(make: Make) -> None:
    words = Words(make(**STAGES["tracks"]).base.text, kept=2)
    plain = words.text.encode(["a fox", "a red ball", "a fox", "a green square"])
    made = words.captions(["a fox", "a red ball", "a fox", "a green square"])
    torch.testing.assert_close(made, plain)
    assert list(words._captions) == ["a fox", "a green square"]


def test_a_long_caption_loses_its_end(make: Make) -> None:
    words = Tools.of(make(**STAGES["tracks"])).words
    short, long = (words.captions([" ".join(["fox"] * count)]) for count in (75, 200))
    torch.testing.assert_close(short, long)


def test_pictures_are_each_by_themselves_without_motion(make: Make) -> None:
    """A clip of three frames and three clips of one frame are the same training."""
    subject = make(trains=["unet.spatial"], temporal=False, dropout={"text": 0})
    fields = {"caption": "a fox", "tracks": None, "boxes": None, "flow": None}
    whole = batch(1, **fields)
    frames = whole.pixels.transpose(0, 2)
    apart = replace(
        whole, pixels=frames, captions=("a fox",) * 3, names=("x",) * 3, fps=torch.ones(3)
    )
    clean = told.latents_of(subject.base, whole.video, chance())
    rows = clean.transpose(0, 2).squeeze(2)[:, :, None]
    text = subject.base.text.encode(apart.captions)
    with torch.no_grad():
        together = subject.denoiser(clean, torch.tensor([500]), text[:1])
        single = subject.denoiser(rows, torch.tensor([500] * 3), text)
    torch.testing.assert_close(together.transpose(0, 2).flatten(1), single.flatten(1))
    training_step(subject, apart, chance()).total.backward()


def test_an_autoencoder_learns_to_give_pictures_back(make: Make) -> None:
    subject = make(trains=["vae"])
    held = batch(2, 1)
    weights = subject.trainable()
    optimiser = torch.optim.Adam(weights.values(), lr=3e-3)
    errors = []
    for step in range(40):
        loss = training_step(subject, held, chance(step))
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        errors.append(loss.parts["error"])
    assert errors[-1] < 0.6 * errors[0]
    parts = loss.parts
    assert loss.total.item() == pytest.approx(parts["error"] + 1e-6 * parts["divergence"])


@pytest.mark.parametrize(
    ("fields", "share"),
    [
        ({"trains": ["unet"]}, 0.8),
        (on("picture-concat") | {"sampling": {"picture": "first"}}, 0.95),
    ],
)
def test_steps_make_the_loss_smaller(make: Make, fields: dict[str, Any], share: float) -> None:
    subject = make(**fields)
    optimiser = torch.optim.Adam(subject.trainable().values(), lr=1e-2)
    losses = []
    for _ in range(25):
        loss = training_step(subject, batch(), chance(), places=torch.tensor([0.3, 0.6]))
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        losses.append(loss.total.item())
    assert losses[-1] < share * losses[0]


def test_the_focal_loss_weighs_what_moves(make: Make) -> None:
    plain, none, focal = (
        make(**on("picture-concat") | {"objective": objective})
        for objective in ({}, {"focal": {"strength": 0}}, {"focal": {"strength": 2}})
    )
    losses = [training_step(held, batch(), chance()) for held in (plain, none, focal)]
    assert torch.equal(losses[0].total, losses[1].total)
    assert losses[2].total > losses[0].total
    assert losses[2].parts["plain"] == pytest.approx(losses[0].total.item())
    assert "moving" in losses[1].parts and "moving" not in losses[0].parts


def test_mixed_precision(make: Make) -> None:
    for name in ("tracks", "grounding on pictures", "picture both ways", "text"):
        subject = make(awake=True, **STAGES[name])
        full = training_step(subject, batch(), chance()).total
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = training_step(subject, batch(), chance())
        half.total.backward()
        assert half.total.dtype == torch.float32
        assert half.total.item() == pytest.approx(full.item(), rel=0.1), name


@pytest.mark.parametrize(
    ("fields", "changed", "told_so"),
    [
        (
            on("track-control", raster=1) | {"objective": {"prediction": "v_prediction"}},
            {},
            r"stage it is to predict v_prediction and its frozen base predicts epsilon; set obj",
        ),
        (
            {"trains": ["vae", "unet"]},
            {},
            r"stage it trains vae, unet; an autoencoder is trained by itself: give it a stage",
        ),
        (
            on("picture-concat") | {"objective": {"focal": {}}},
            {"flow": None},
            r"the clips have nothing that says where they move; prepare the data with --flow",
        ),
        (
            on("track-control", raster=1) | {"objective": {"inside_boxes": 2}},
            {"boxes": None},
            r"objective.inside_boxes is 2 and the clips have no boxes; train on clips with boxes",
        ),
    ],
)
def test_what_cannot_be_trained_is_said(
    make: Make, fields: dict[str, Any], changed: dict[str, Any], told_so: str
) -> None:
    with pytest.raises(TrainingError, match=told_so):
        training_step(make(**fields), batch(**changed), chance())


def test_boxes_without_labels_are_refused_where_labels_are_read(make: Make) -> None:
    boxes = clip(0).boxes
    assert boxes is not None
    bare = replace(boxes, labels=("",))
    with pytest.raises(ModelError, match=r"box 1( of clip 1 of \d+)? has no label"):
        training_step(make(**STAGES["grounding on pictures"]), batch(1, boxes=bare), chance())
    training_step(make(**STAGES["boximator"]), batch(1, boxes=bare), chance())


def test_a_base_that_learns_may_change_what_it_predicts(make: Make) -> None:
    for prediction in ("v_prediction", "flow"):
        subject = make(trains=["unet"], objective={"prediction": prediction})
        assert torch.isfinite(training_step(subject, batch(), chance()).total)
    assert subject.base.stride == STRIDE
