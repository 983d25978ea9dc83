"""ModelScope's own file: names at full size, the same predictions, round trips to the bit."""

import pytest
import torch
from diffusers import UNet3DConditionModel

from kineograph.core.errors import ModelError
from kineograph.models.layouts import modelscope
from models.layouts.test_gligen import same
from tiny import tiny_unet3d

torch.set_num_threads(1)


def test_full_size_names_are_the_published_ones() -> None:
    with torch.device("meta"):
        unet = UNet3DConditionModel(attention_head_dim=64)
    written = {name: tuple(held.shape) for name, held in modelscope.write(unet).items()}
    assert len(written) == len(unet.state_dict())
    published = {
        "time_embed.2.weight": (1280, 1280),
        "input_blocks.0.0.weight": (320, 4, 3, 3),
        "input_blocks.0.1.proj_in.weight": (512, 320, 1),
        "input_blocks.1.0.temopral_conv.conv1.2.weight": (320, 320, 3, 1, 1),
        "input_blocks.1.0.temopral_conv.conv4.3.weight": (320, 320, 3, 1, 1),
        "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 1024),
        "input_blocks.1.2.proj_out.weight": (320, 320, 1),
        "input_blocks.3.op.weight": (320, 320, 3, 3),
        "input_blocks.4.0.skip_connection.weight": (640, 320, 1, 1),
        "input_blocks.11.0.out_layers.3.weight": (1280, 1280, 3, 3),
        "middle_block.2.transformer_blocks.0.attn2.to_q.weight": (1280, 1280),
        "middle_block.3.emb_layers.1.weight": (1280, 1280),
        "output_blocks.2.1.conv.weight": (1280, 1280, 3, 3),
        "output_blocks.5.3.conv.weight": (1280, 1280, 3, 3),
        "output_blocks.11.1.proj_in.weight": (320, 320),
        "out.0.weight": (320,),
        "out.2.weight": (4, 320, 3, 3),
    }
    assert {name: written.get(name) for name in published} == published
    first = {name.split(".")[0] for name in written}
    assert first == {"time_embed", "input_blocks", "middle_block", "output_blocks", "out"}
    said = modelscope.config(written)
    assert said["block_out_channels"] == (320, 640, 1280, 1280)
    assert said["layers_per_block"] == 2 and said["cross_attention_dim"] == 1024


def test_a_round_trip_is_equal_to_the_bit_and_predicts_the_same() -> None:
    unet = tiny_unet3d()
    held = modelscope.write(unet)
    again = modelscope.read(held, head_dim=4, groups=2)
    assert same(again.state_dict(), unet.state_dict())
    assert same(modelscope.write(again), held)
    draw = torch.Generator().manual_seed(0)
    sample, text = torch.randn(1, 4, 3, 8, 8, generator=draw), torch.randn(1, 5, 32, generator=draw)
    with torch.no_grad():
        assert torch.equal(again(sample, 5, text).sample, unet(sample, 5, text).sample)


def test_other_files_are_told() -> None:
    held = modelscope.write(tiny_unet3d())
    assert modelscope.detect(held) and not modelscope.detect(tiny_unet3d().state_dict())
    assert not modelscope.detect(held | {"middle_block.1.gate_attn.alpha_attn": 0})
    with pytest.raises(ModelError, match="is not ModelScope's text-to-video U-Net: it lacks input"):
        modelscope.read(tiny_unet3d().state_dict())
    held.pop("middle_block.3.emb_layers.1.bias")
    with pytest.raises(ModelError, match=r"it lacks middle_block\.3\.emb_layers\.1\.bias;"):
        modelscope.read(held, head_dim=4, groups=2)
