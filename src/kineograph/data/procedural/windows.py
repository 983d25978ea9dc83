"""Windows: parts of one size of each frame, read and written all at once."""

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float32, Float64, Int64, Shaped
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Windows:
    """A window of w x h pixels in each of T frames of B clips; each lies within its picture.

    Convention: `corner` is the (x, y) of the first pixel; pixel centres are half a pixel further.
    """

    corner: Int64[Tensor, "batch frames 2"]
    size: tuple[int, int]
    picture: tuple[int, int]

    @property
    def whole(self) -> bool:
        """Whether the windows are all of the picture."""
        return self.size == self.picture

    def points(self, finer: int = 1) -> Float32[Tensor, "batch frames n 2"]:
        """Raster pixels at the middle of each pixel, row by row, or of `finer` parts of one."""
        width, height = self.size
        across = (torch.arange(width * finer, device=self.corner.device) + 0.5) / finer
        down = (torch.arange(height * finer, device=self.corner.device) + 0.5) / finer
        grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)
        return rearrange(grid, "y x c -> (y x) c") + self.corner[:, :, None].float()

    def index(self) -> Int64[Tensor, "batch n"]:
        """The place of each pixel in a clip of (frames height width) in one row."""
        width, height = self.size
        batch, frames, _ = self.corner.shape
        device = self.corner.device
        rows = self.corner[..., 1, None] + torch.arange(height, device=device)
        rows = rows + torch.arange(frames, device=device)[:, None] * self.picture[1]
        columns = self.corner[..., 0, None] + torch.arange(width, device=device)
        flat = rows[..., None] * self.picture[0] + columns[:, :, None, :]
        return flat.reshape(batch, -1)

    def read(self, clip: Shaped[Tensor, "batch channels n"]) -> Shaped[Tensor, "batch channels m"]:
        """What the windows show of a clip whose pixels are in one row."""
        if self.whole:
            return clip
        return clip.gather(2, self.index()[:, None].expand(-1, clip.shape[1], -1))

    def write(
        self, clip: Shaped[Tensor, "batch channels n"], shown: Shaped[Tensor, "batch channels m"]
    ) -> None:
        """Put what `read` gave back, into the clip itself."""
        if self.whole:
            clip.copy_(shown)
        else:
            clip.scatter_(2, self.index()[:, None].expand(-1, clip.shape[1], -1), shown)

    def but_last(self) -> "Windows":
        """The windows of all frames but the last."""
        return Windows(self.corner[:, :-1], self.size, self.picture)


def windows(
    bounds: Float64[np.ndarray, "batch frames 4"],
    picture: tuple[int, int],
    device: torch.device,
) -> Windows:
    """The windows around boxes x0, y0, x1, y1 in raster pixels, as large as the largest needs."""
    limit = np.array(picture)
    low = np.clip(np.floor(bounds[..., :2]), 0, limit)
    high = np.clip(np.ceil(bounds[..., 2:]), 0, limit)
    size = np.maximum((high - low).max(axis=(0, 1)), 1).astype(np.int64)
    corner = np.clip(low, 0, limit - size).astype(np.int64)
    placed = torch.from_numpy(corner).to(device, non_blocking=True)
    return Windows(placed, (int(size[0]), int(size[1])), picture)
