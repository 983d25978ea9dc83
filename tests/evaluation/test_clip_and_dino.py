"""Similarities through CLIP and DINO: preparation, features, formulas, and broken folders."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_backbones import tiny_clip, tiny_dino, tiny_folder
from transformers import CLIPImageProcessorPil, CLIPModel, ViTModel

from kineograph.core.errors import EvaluationError
from kineograph.data.clip import Clip
from kineograph.engines.base import Request
from kineograph.evaluation.backbones.clip import ClipNetwork
from kineograph.evaluation.backbones.dino import Dino, DinoV2
from kineograph.evaluation.backbones.resizing import View
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric, table_of
from kineograph.evaluation.metrics import clip_similarity, dino_similarity, likeness, vbench
from kineograph.evaluation.sample import Sample

TABLE = table_of(clip_similarity.METRICS, dino_similarity.METRICS, vbench.METRICS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("backbones"))


@pytest.fixture(scope="module")
def video() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (5, 48, 64, 3), dtype=np.uint8)


class Given:
    """A network that answers with given features, and counts how often it is asked."""

    def __init__(self, features: dict[int, np.ndarray], words: np.ndarray | None = None) -> None:
        self.features, self.words, self.asked = features, words, 0

    def pictures(self, frames: np.ndarray, view: str = "own") -> np.ndarray:
        self.asked += 1
        return np.stack([self.features[int(frame[0, 0, 0])] for frame in frames])

    def text(self, text: str) -> np.ndarray:
        assert self.words is not None
        return self.words


def look_at(
    network: Given,
    name: str,
    count: int = 4,
    picture: bool = True,
    text: str = "a word",
    truth: tuple[int, ...] = (),
) -> Look:
    """A look at a video whose frame t is known to `network` as t, and the picture as 99."""
    frames = (
        np.zeros((count, 16, 16, 3), np.uint8)
        + np.arange(count, dtype=np.uint8)[:, None, None, None]
    )
    given = np.full((16, 16, 3), 99, np.uint8) if picture else None
    request = Request(size=(16, 16), frames=count, fps=8, picture=given, text=text)
    true = None
    if truth:
        shown = np.zeros((count, 16, 16, 3), np.uint8)
        shown[:] = np.array(truth, np.uint8)[:, None, None, None]
        true = Clip(shown, 8)
    backbones = Backbones()
    backbones._loaded[name] = network
    return Look(Sample(frames, request, true), backbones=backbones)


def at(*degrees: float) -> list[np.ndarray]:
    """Unit features that point so many degrees around a circle."""
    return [np.array([np.cos(np.radians(d)), np.sin(np.radians(d))], np.float32) for d in degrees]


def cos(*degrees: float) -> np.ndarray:
    return np.cos(np.radians(degrees))


def turning() -> dict[int, np.ndarray]:
    """Frames at 0, 20, 50 and 150 degrees, the picture at 10."""
    return dict(zip([0, 1, 2, 3, 99], at(0, 20, 50, 150, 10), strict=True))


def test_clip_scores_are_means_of_cosines_on_their_scales() -> None:
    network = Given(turning(), at(60)[0])
    look = look_at(network, "clip", truth=(1, 1, 1, 2))
    value = {m.name: m.measure(look) for m in clip_similarity.METRICS}
    text = cos(60, 40, 10, 90)
    assert value["clip-sim"] == pytest.approx(100 * text.mean(), abs=1e-3)
    assert value["text-alignment"] == pytest.approx(250 * text.mean(), abs=1e-3)
    assert value["fff-clip"] == pytest.approx(cos(10, 10, 40, 140).mean(), abs=1e-5)
    assert value["image-alignment"] == pytest.approx(100 * value["fff-clip"])
    assert value["clip-smooth"] == pytest.approx(100 * cos(20, 30, 100).mean(), abs=1e-3)
    slow = [cos(a - b)[0] for a in (0, 20, 50, 150) for b in (20, 20, 20, 50)]
    assert value["clip-domain"] == pytest.approx(100 * np.mean(slow), abs=1e-3)


def test_only_text_alignment_counts_a_contrary_frame_as_nothing() -> None:
    look = look_at(Given(turning(), at(180)[0]), "clip")
    assert clip_similarity.clip_sim(look) == pytest.approx(100 * cos(180, 160, 130, 30).mean())
    assert clip_similarity.text_alignment(look) == pytest.approx(250 * cos(30).sum() / 4)


def test_every_frame_goes_through_a_network_once() -> None:
    network = Given(turning(), at(60)[0])
    look = look_at(network, "clip", truth=(1, 1, 1, 2))
    for metric in clip_similarity.METRICS:
        metric.measure(look)
    assert network.asked == 3  # the video, the picture, the true video


def test_dino_scores_by_their_formulas() -> None:
    look = look_at(Given(turning()), "dino")
    assert dino_similarity.first_frame_dino(look) == pytest.approx(
        cos(10, 10, 40, 140).mean(), abs=1e-6
    )
    # to the first: 20, 50, 150 degrees; to the one before: 20, 30, 100; less than 0 is 0
    slow = ((cos(20) + cos(20)) / 2 + (cos(50) + cos(30)) / 2 + 0) / 3
    assert vbench.subject_consistency(look) == pytest.approx(100 * slow[0], abs=1e-4)
    pairs = [cos(20)[0], cos(30)[0], 0.0]
    told = 0.4 * cos(10)[0] + 0.3 * np.mean(pairs) + 0.3 * min(pairs)
    assert vbench.i2v_subject(look) == pytest.approx(100 * told, abs=1e-4)


def test_the_same_formulas_through_clip_and_dinov2() -> None:
    look = look_at(Given(turning()), "clip")
    other = look_at(Given(turning()), "dino")
    again = look_at(Given(turning()), "dinov2")
    assert vbench.background_consistency(look) == vbench.subject_consistency(other)
    assert vbench.i2v_dinov2(again) == vbench.i2v_subject(other)
    assert dino_similarity.first_frame_dinov2(again) == dino_similarity.first_frame_dino(other)


def test_a_single_frame_has_no_consecutive_ones() -> None:
    for name, measure in (
        ("clip", clip_similarity.clip_smooth),
        ("clip", vbench.background_consistency),
        ("dino", vbench.subject_consistency),
        ("dino", vbench.i2v_subject),
    ):
        assert np.isnan(measure(look_at(Given(turning()), name, count=1)))


@pytest.mark.parametrize("metric", TABLE.values(), ids=list(TABLE))
def test_a_still_picture_has_the_best_score_where_only_pictures_count(
    metric: Metric, folder: Path, video: np.ndarray
) -> None:
    still = np.repeat(video[:1], 4, axis=0)
    request = Request(size=(64, 48), frames=4, fps=8, picture=video[0], text="a red ball rolls")
    look = Look(Sample(still, request, Clip(still, 8)), backbones=Backbones(folder))
    value = metric.measure(look)
    low, high = metric.range
    assert low <= value <= high
    assert metric.needs <= look.sample.holds
    assert "text" in metric.needs or value == pytest.approx(high, abs=1e-3)


@pytest.mark.parametrize("metric", TABLE.values(), ids=list(TABLE))
def test_a_metric_says_all_there_is_to_say(metric: Metric) -> None:
    assert metric.what and metric.source and metric.backbones
    assert "picture" not in metric.needs or "picture" in metric.what
    assert isinstance(json.dumps(metric.plain()), str)


# preparation


@pytest.mark.parametrize("size", [(300, 200), (200, 301), (64, 64), (37, 90), (33, 32)])
def test_clip_sees_what_transformers_own_processor_makes(
    size: tuple[int, int], photograph: np.ndarray
) -> None:
    picture = np.array(Image.fromarray(photograph).resize(size))
    plain = View(32, 32, colours=((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
    ours = plain(picture[None])[0].numpy() * 255
    sizes: dict[str, Any] = {
        "size": {"shortest_edge": 32},
        "crop_size": {"height": 32, "width": 32},
    }
    theirs = CLIPImageProcessorPil(do_normalize=False, do_rescale=False, **sizes)
    wanted = theirs(images=picture, return_tensors="np").pixel_values[0]
    np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_vbench_does_not_smooth(photograph: np.ndarray) -> None:
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    rough = View(16, 16, pillow=False)(stripes)
    smooth = View(16, 16)(stripes)
    assert rough.std(dim=(2, 3)).max() < 1e-3  # every fourth pair of lines alone: aliased, but even
    assert smooth.std(dim=(2, 3)).max() < 0.2
    part = photograph[None, :128, :128]
    gap = (View(16, 16, pillow=False)(part) - View(16, 16)(part)).abs()
    assert gap.max() > 0.3


def test_clip_features_are_those_of_transformers(folder: Path, video: np.ndarray) -> None:
    place = folder / "clip-vit-base-patch32"
    network = ClipNetwork(place)
    model = CLIPModel.from_pretrained(place).eval()
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    with torch.no_grad():
        pixels = processor(images=list(video), return_tensors="pt").pixel_values
        wanted = model.get_image_features(pixel_values=pixels).pooler_output
        ids = network._tokenizer("a red ball", return_tensors="pt")
        words = model.get_text_features(**ids).pooler_output[0]
        both = model(pixel_values=pixels, input_ids=ids.input_ids)
    ours, text = network.pictures(video), network.text("a red ball")
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(ours, wanted / wanted.norm(dim=1, keepdim=True), atol=1e-5)
    np.testing.assert_allclose(text, words / words.norm(), atol=1e-5)
    scaled = both.logits_per_image[:, 0] / model.logit_scale.exp()
    np.testing.assert_allclose(ours @ text, scaled.detach(), atol=1e-5)
    assert "32 px" in network.said


def test_clip_reads_the_beginning_of_a_long_text_and_says_so(folder: Path) -> None:
    network = ClipNetwork(folder / "clip-vit-base-patch32")
    words = "a red ball rolls slowly to the left over a wooden table " * 12
    with pytest.warns(UserWarning, match="first 75 count"):
        long = network.text(words)
    with pytest.warns(UserWarning):
        other = network.text(words + "and a black cat")
    np.testing.assert_array_equal(long, other)


def test_dino_features_are_the_class_token_after_the_last_norm(
    folder: Path, video: np.ndarray
) -> None:
    place = folder / "dino-vits16"
    network = Dino(place)
    model = ViTModel.from_pretrained(place, add_pooling_layer=False).eval()
    small = [np.array(Image.fromarray(f).resize((42, 32), Image.Resampling.BICUBIC)) for f in video]
    middle = np.stack(small)[:, 2:30, 7:35] / 255
    pixels = (middle - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.25]  # as its preprocessor_config says
    with torch.no_grad():
        out = model(pixel_values=torch.tensor(pixels).permute(0, 3, 1, 2).float())
    wanted = out.last_hidden_state[:, 0]
    ours = network.pictures(video)
    np.testing.assert_allclose(ours, wanted / wanted.norm(dim=1, keepdim=True), atol=1e-5)
    whole = network.pictures(video, "whole")
    assert whole.shape == ours.shape and np.abs(whole - ours).max() > 1e-3


def test_dinov2_works_at_224_whatever_it_was_trained_at(folder: Path, video: np.ndarray) -> None:
    network = DinoV2(folder / "dinov2-base")
    assert network._views["own"].crop == 224 and network._views["own"].short == 256
    made = network.pictures(video[:1])
    assert made.shape == (1, 32)


def test_features_do_not_depend_on_how_many_go_at_once(folder: Path) -> None:
    many = np.random.default_rng(1).integers(0, 255, (19, 32, 40, 3), dtype=np.uint8)
    network = Dino(folder / "dino-vits16")
    one = np.concatenate([network.pictures(many[i : i + 1]) for i in range(19)])
    np.testing.assert_allclose(network.pictures(many), one, atol=1e-5)


# folders


def test_a_store_finds_them_by_their_usual_names(folder: Path) -> None:
    store = Backbones(folder)
    assert isinstance(store.get("clip"), ClipNetwork) and store.get("clip") is store.get("clip")
    assert isinstance(store.get("dino"), Dino) and isinstance(store.get("dinov2"), DinoV2)
    assert "hf download facebook/dino-vitb16" in Backbones().missing("dino")


def message(error: pytest.ExceptionInfo[EvaluationError]) -> str:
    told = str(error.value)
    assert "\n" not in told and "hf download" in told
    return told


def test_another_network_in_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as error:
        ClipNetwork(folder / "dino-vits16")
    assert "kind vit; clip has to be clip" in message(error)
    with pytest.raises(EvaluationError) as error:
        Dino(folder / "dinov2-base")
    assert "kind dinov2; dino has to be vit" in message(error)
    with pytest.raises(EvaluationError) as error:
        Dino(tmp_path)
    assert "no config.json" in message(error)


def test_a_broken_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    place = tiny_dino(tmp_path / "dino")
    weights = place / "model.safetensors"
    held = weights.read_bytes()
    weights.write_bytes(held[:200])
    with pytest.raises(EvaluationError) as error:
        Dino(place)
    assert re.match(f"cannot load {place}: ", message(error))
    weights.unlink()
    with pytest.raises(EvaluationError) as error:
        Dino(place)
    message(error)
    weights.write_bytes(held)
    (place / "config.json").write_text("{")
    with pytest.raises(EvaluationError) as error:
        Dino(place)
    message(error)


def test_weights_that_lack_a_layer_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    place = tiny_clip(tmp_path / "clip")
    held = load_file(place / "model.safetensors")
    del held["visual_projection.weight"]
    save_file(held, place / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EvaluationError) as error:
        ClipNetwork(place)
    assert "lack visual_projection.weight" in message(error)


def test_weights_of_another_width_and_a_missing_tokenizer_are_refused(tmp_path: Path) -> None:
    place = tiny_dino(tmp_path / "dino")
    config = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps(config | {"hidden_size": 64}))
    with pytest.raises(EvaluationError) as error:
        Dino(place)
    message(error)
    clip = tiny_clip(tmp_path / "clip")
    for path in [*clip.glob("tokenizer*"), *clip.glob("vocab*"), *clip.glob("merges*")]:
        path.unlink()
    with pytest.raises(EvaluationError) as error:
        ClipNetwork(clip)
    assert "neither tokenizer.json nor" in message(error)


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, video: np.ndarray) -> None:
    from safetensors.torch import load_file, save_file

    place = tiny_dino(tmp_path / "dino")
    held = load_file(place / "model.safetensors")
    held["layernorm.weight"][:] = float("nan")
    save_file(held, place / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EvaluationError, match="not finite"):
        Dino(place).pictures(video)


def test_likeness_of_features() -> None:
    features = np.stack(at(0, 30, 90))
    np.testing.assert_allclose(likeness.to_one(features, at(0)[0]), cos(0, 30, 90), atol=1e-7)
    np.testing.assert_allclose(likeness.consecutive(features), cos(30, 60), atol=1e-7)
    assert len(likeness.consecutive(features[:1])) == 0
