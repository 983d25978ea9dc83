"""The metrics: one family a file, and the table of all of them."""

from collections.abc import Mapping

from kineograph.evaluation.metric import Metric, table_of
from kineograph.evaluation.metrics import (
    average_precision,
    boxes,
    camera,
    camera_class,
    clip_similarity,
    dino_similarity,
    direction,
    epe,
    fid,
    fvd,
    horizon,
    leakage,
    lpips,
    masks,
    objmc,
    psnr,
    ssim,
    subpixel,
    tapvid,
    vbench,
    vbench_motion,
)

METRICS: Mapping[str, Metric] = table_of(
    psnr.METRICS,
    ssim.METRICS,
    lpips.METRICS,
    fid.METRICS,
    fvd.METRICS,
    clip_similarity.METRICS,
    dino_similarity.METRICS,
    vbench.METRICS,
    vbench_motion.METRICS,
    camera_class.METRICS,
    epe.METRICS,
    horizon.METRICS,
    tapvid.METRICS,
    subpixel.METRICS,
    leakage.METRICS,
    objmc.METRICS,
    camera.METRICS,
    boxes.METRICS,
    average_precision.METRICS,
    masks.METRICS,
    direction.METRICS,
)
"""Name to metric, in the order of tables."""
