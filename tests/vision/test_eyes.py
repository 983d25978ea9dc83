"""The table of eyes: defaults need nothing, the rest say how to get them, and tiny ones work."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kineograph.cli.main import app
from kineograph.core.errors import VisionError
from kineograph.vision import eyes
from kineograph.vision.captions import Captioner
from kineograph.vision.masks import Masker

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


@pytest.mark.parametrize("kind", ["flow", "tracker", "depth", "mask"])
def test_every_kind_but_pose_and_caption_has_a_default(kind: str) -> None:
    name = eyes.default(kind)
    assert name is not None and not eyes.EYES[kind][name].needs
    assert callable(eyes.eye(kind))


@pytest.mark.parametrize("kind", ["pose", "caption"])
def test_the_others_say_so(kind: str) -> None:
    assert eyes.default(kind) is None
    with pytest.raises(VisionError, match=f"no {kind} eye works without weights; name .* and give"):
        eyes.eye(kind)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, known in eyes.EYES.items() for name in known]
)
def test_every_target_is_there(kind: str, name: str) -> None:
    module, _, made = eyes.EYES[kind][name].target.partition(":")
    found = find_spec(module)
    assert found is not None and found.origin is not None
    assert f"class {made}" in Path(found.origin).read_text(encoding="utf-8")


def test_every_adapter_is_in_the_table() -> None:
    """Whatever loads weights can be asked for by name."""
    folder = Path(eyes.__file__).parent
    learned = {path.stem for path in folder.glob("*.py") if "weights import" in path.read_text()}
    targets = {eye.target for known in eyes.EYES.values() for eye in known.values()}
    assert learned <= {target.partition(":")[0].rpartition(".")[2] for target in targets}


def test_unknown_ones() -> None:
    with pytest.raises(VisionError, match="no eyes of the kind 'nose'; there are: flow, tracker"):
        eyes.eye("nose")
    with pytest.raises(VisionError, match="no mask eye 'sam'; there are: grabcut, sam2"):
        eyes.eye("mask", "sam")
    with pytest.raises(VisionError, match="grabcut takes no weights; leave them out"):
        eyes.eye("mask", "grabcut", "weights")


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eyes, "find_spec", lambda name: object())
    command = "hf download facebook/sam2.1-hiera-tiny --local-dir weights/sam2.1-hiera-tiny"
    with pytest.raises(VisionError, match=f"needs weights .*fetch them: {command}, then give"):
        eyes.eye("mask", "sam2")


def test_missing_packages_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eyes, "find_spec", lambda name: None)
    with pytest.raises(VisionError, match=r"needs torch and transformers and safetensors; install"):
        eyes.eye("mask", "sam2", "weights")


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as done:
        app(["doctor", *words])
    assert done.value.code in (0, None)
    return capsys.readouterr().out


def test_the_doctor_tells_everything(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(doctor(capsys, "--json"))
    told = {(row["kind"], row["name"].split()[0]) for row in facts["eyes"]}
    assert told == {(kind, name) for kind, known in eyes.EYES.items() for name in known}
    usable = {row["name"]: row["usable"] for part in ("engines", "encoders") for row in facts[part]}
    assert usable["warp"] and usable[".mp4"]
    assert facts["system"]["opencv-python-headless"].startswith("5.")
    table = doctor(capsys)
    for title in ("System", "Encoders", "Engines", "Eyes"):
        assert title in table


# learned ones, tiny and with random weights


@pytest.fixture(scope="module")
def sam2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [64, 64],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 1, 1],
                "window_size_per_stage": [8, 4, 2, 2],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [2, 2],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64},
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 32, "iou_head_hidden_dim": 32},
    )
    folder = tmp_path_factory.mktemp("sam2")
    transformers.Sam2Model(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "prompt",
    [
        {"points": np.array([[20.0, 20]])},
        {"points": np.array([[20.0, 20], [40, 30]]), "labels": np.array([True, False])},
        {"box": (5.0, 5.0, 50.0, 40.0)},
        {"points": np.array([[20.0, 20]]), "box": (5.0, 5.0, 50.0, 40.0)},
    ],
)
def test_sam2_looks(sam2_folder: Path, prompt: dict) -> None:
    look = eyes.eye("mask", "sam2", sam2_folder)
    assert isinstance(look, Masker)
    try:
        found = look(PICTURE, **prompt)
    except VisionError as error:  # random weights may see nothing
        assert "found nothing there" in str(error)
    else:
        assert found.shape == (48, 64) and found.dtype == bool


def test_sam2_prepares_pictures_as_it_was_trained(sam2_folder: Path) -> None:
    pixels = eyes.eye("mask", "sam2", sam2_folder)._pixels(np.full((48, 64, 3), 255, np.uint8))
    wanted = (1 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    assert pixels.shape == (1, 3, 64, 64)
    np.testing.assert_allclose(pixels[0, :, 10, 10].numpy(), wanted, rtol=1e-5)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(VisionError, match=r"cannot load weights from .*fetch them: hf download"):
        eyes.eye("mask", "sam2", tmp_path)
    with pytest.raises(VisionError, match=r"there is no folder \./nowhere of weights; fetch them"):
        eyes.eye("mask", "sam2", "./nowhere")


def test_a_caption_model_speaks(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "on", "the", "mat"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizer(vocab={word: i for i, word in enumerate(words)})
    text = {"vocab_size": 10, "hidden_size": 16, "encoder_hidden_size": 16, "intermediate_size": 16}
    text |= {"num_hidden_layers": 1, "num_attention_heads": 2, "projection_dim": 16}
    text |= {"bos_token_id": 5, "eos_token_id": 3, "pad_token_id": 0, "sep_token_id": 3}
    look = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "image_size": 32}
    look |= {"num_attention_heads": 2, "patch_size": 16}
    config = transformers.BlipConfig(text_config=text, vision_config=look)
    transformers.BlipForConditionalGeneration(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    size = {"height": 32, "width": 32}
    transformers.BlipImageProcessorPil(size=size).save_pretrained(tmp_path)
    speak = eyes.eye("caption", "model", tmp_path)
    assert isinstance(speak, Captioner)
    assert set(speak(PICTURE).split()) <= set(words)
