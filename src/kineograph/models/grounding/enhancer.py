"""TrackDiffusion's instance enhancer: what an object looks like, carried from frame to frame."""

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from kineograph.models.condition import Tokens
from kineograph.models.gates import BlockShape, Gate
from kineograph.models.grounding.roi_align import level_grid, roi_align

TRACKLET_WIDTH = 128
"""Width of what says where an object is through the clip."""


class InstanceEnhancer(Gate):
    """Features of each object, made alike over time and given back to the picture.

    TrackDiffusion (2312.00651, section 3.3): the features inside a box, pooled by ROI-align, beside
    its tracklet's feature, go through an MLP; each object's then attend to themselves over time;
    the frame's features attend to its objects', through a tanh gate, and a gated feed-forward
    follows. Where a frame lacks an object, a learned null feature stands in its place. The pooled
    features are those that come in here, after self-attention and box gate; the published code
    takes them one step earlier, at the block's input.

    It reads `tokens.extra`: "boxes" (batch * frames, objects, 4) in 0..1, "given" (batch * frames,
    objects) and "tracklet" (batch * frames, objects, 128).

    Args:
        shape: the spatial block it stands in.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        width = shape.channels
        self.attn1, self.attn2 = (
            Attention(width, heads=shape.heads, dim_head=shape.head_dim) for _ in range(2)
        )
        self.ff = FeedForward(width, activation_fn="geglu")
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.linears = nn.Sequential(
            nn.Linear(width + TRACKLET_WIDTH, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, width),
        )
        self.null_track_feat = nn.Parameter(torch.zeros(width))
        self.alpha_attn = nn.Parameter(torch.zeros(()))
        self.alpha_dense = nn.Parameter(torch.zeros(()))

    def forward(
        self,
        x: Float[Tensor, "batch_frames cells width"],
        tokens: Tokens,
        strength: float | int | Tensor = 1.0,
    ) -> Float[Tensor, "batch_frames cells width"]:
        """The features, changed by the frame's objects; see `Gate`."""
        objects = self.objects(x, tokens)
        seen = self.attn2(self.norm2(x), encoder_hidden_states=objects)
        x = x + strength * self.alpha_attn.tanh() * seen
        return x + strength * self.alpha_dense.tanh() * self.ff(self.norm3(x))

    def objects(
        self, x: Float[Tensor, "batch_frames cells width"], tokens: Tokens
    ) -> Float[Tensor, "batch_frames objects width"]:
        """What each object looks like in each frame, having seen itself in the others."""
        extra = tokens.extra
        grid = level_grid(tokens.grid, x.shape[1])
        pooled = roi_align(x, grid, extra["boxes"])[:, :, 0]
        pooled = torch.where(extra["given"][..., None], pooled, self.null_track_feat)
        made = self.linears(torch.cat([pooled, extra["tracklet"]], dim=-1))
        through = rearrange(made, "(b f) o c -> (b o) f c", f=tokens.frames)
        through = through + self.attn1(self.norm1(through))
        return rearrange(through, "(b o) f c -> (b f) o c", o=made.shape[1])
