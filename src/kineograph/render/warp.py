"""A picture moved along tracks: bodies in front of a filled background, at full resolution."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from kineograph.core.errors import TracksError
from kineograph.core.tracks import Tracks
from kineograph.render.bodies import Body, find_bodies, footprint, says_where_it_ends
from kineograph.render.fill import fill, smooth_fill
from kineograph.render.layer import Layer, Sheet
from kineograph.render.motion_field import Bend, MotionField, field_of, spread_over
from kineograph.render.stretch import hold_on
from kineograph.render.trajectories import Trajectories, complete, few_frames
from kineograph.render.turning import Turning, turning_groups
from kineograph.render.walker import Grid, Walker, refine

SOFT = 1.2
"""Standard deviation, in pixels, of the blur that takes the steps out of a body's outline."""


HARDLY = 0.75
"""Pixels that a body may leave what is behind it without uncovering any."""

HALF = 0.5
"""Solidity from which on a layer is what is seen in a cell."""

INSTANTS = 9
"""In how many frames it is looked how far bodies get."""

WIDE = 0.015
"""Standard deviation of a wide rim, as a share of the longer side."""

SMOOTH = 3.0
"""Mean slope, in grey levels a pixel, from which on a rim is kept narrow."""


@dataclass(frozen=True, eq=False)
class WarpedFrame:
    """One frame and how much of it the picture vouches for.

    Args:
        image: RGB.
        known: 255 where the colours were carried over from the picture, 0 where they were made up
            (behind what moved away, and beyond the picture's border).
    """

    image: UInt8[np.ndarray, "height width 3"]
    known: UInt8[np.ndarray, "height width"]


class Warp:
    """A still picture taken apart into layers, ready to be drawn at any frame.

    The tracks say where the picture's points go; the picture's edges and the tracks' groups say
    what goes with them. What moves comes off along strong edges and stretches where there is none,
    pins hold, nearer layers cover farther ones, and what they uncover is filled once. Frame 0 is
    the picture itself wherever the tracks begin in it. Memory does not depend on the number of
    frames that are drawn.

    Args:
        picture: RGB, any size.
        tracks: of the picture's size; unspecified spans are held or interpolated.

    Raises:
        TracksError: the tracks are of another size than the picture.
    """

    def __init__(self, picture: UInt8[np.ndarray, "height width 3"], tracks: Tracks) -> None:
        height, width = picture.shape[:2]
        if tuple(tracks.size) != (width, height):
            raise TracksError(
                f"the tracks are made for {tracks.size[0]}x{tracks.size[1]} and the picture is "
                f"{width}x{height}; resize the tracks to the picture first"
            )
        self.frames = tracks.frames
        trajectories = complete(tracks)
        self._picture = picture
        self._leave = _leave(trajectories)
        grid = Grid.over((width, height))
        self._layers = _layers(picture, trajectories, turning_groups(tracks, grid), grid)

    def __iter__(self) -> Iterator[WarpedFrame]:
        """Every frame in turn."""
        return (self.at(frame) for frame in range(self.frames))

    def at(self, frame: int) -> WarpedFrame:
        """One frame, whichever was drawn before."""
        leave = float(self._leave[frame])
        if leave == 0:
            return WarpedFrame(self._picture.copy(), np.full_like(self._picture[..., 0], 255))
        rest, *bodies = (self._at_home(layer, leave) for layer in self._layers)
        if rest.field.is_still:
            image, known = rest.colour.copy(), rest.known.copy()
        else:
            sheet = rest.at(frame)
            assert sheet is not None, "the rest is everywhere"
            image, known = sheet.colour, sheet.known
        for layer in bodies:
            sheet = layer.at(frame)
            if sheet is not None:
                _lay(sheet, image, known)
        return WarpedFrame(image, known)

    def motion(self, frame: int) -> Float32[np.ndarray, "rows columns 2"]:
        """How far what the picture shows at each of the grid's cells goes, in pixels.

        The grid is `Grid.over` the picture's size.
        """
        rest, *bodies = self._layers
        moved = rest.field.at(frame)
        for layer in bodies:
            assert layer.alpha is not None, "only the rest is everywhere"
            shown = rest.field.grid.shrink(layer.alpha) > HALF
            moved = np.where(shown[..., None], layer.field.at(frame), moved)
        return moved

    def _at_home(self, layer: Layer, leave: float) -> Layer:
        """A layer in the picture's own colours while it has hardly left its place.

        Along outlines the estimated colours differ a little from the picture's; so nothing jumps
        when the motion begins.
        """
        if leave >= 1:
            return layer
        colour = cv2.addWeighted(self._picture, 1 - leave, layer.colour, leave, 0)
        return replace(layer, colour=colour)


def _lay(
    sheet: Sheet,
    image: UInt8[np.ndarray, "height width 3"],
    known: UInt8[np.ndarray, "height width"],
) -> None:
    """Put a sheet on top of what is drawn so far."""
    assert sheet.alpha is not None
    through = 1 - sheet.alpha
    below = np.ascontiguousarray(image[sheet.window])
    image[sheet.window] = cv2.blendLinear(sheet.colour, below, sheet.alpha, through)
    vouched = np.ascontiguousarray(known[sheet.window])
    known[sheet.window] = cv2.blendLinear(sheet.known, vouched, sheet.alpha, through)


def _layers(
    picture: UInt8[np.ndarray, "height width 3"],
    trajectories: Trajectories,
    turning: dict[int, Turning],
    grid: Grid,
) -> list[Layer]:
    """The rest and the bodies in front of it, from far to near."""
    walker = Walker.on(picture, grid)
    rest, *bodies = find_bodies(trajectories, walker)
    fields = [field_of(body.members, trajectories, walker) for body in (rest, *bodies)]
    if fields[0].is_still:
        fields = _hang_on(bodies, fields, rest, trajectories, walker)
    turns = [turning.get(int(trajectories.group[body.members[0]])) for body in bodies]
    smooth = _smooth_parts(picture)
    alphas = [_feathered(_outline(body, picture, grid), smooth) for body in bodies]
    for alpha, group in zip(alphas, turns, strict=True):
        if group is not None:  # its tracks know where it ends
            alpha *= grid.grow(group.outline(0))
    taken = np.max([np.zeros(picture.shape[:2], np.float32), *alphas], axis=0)
    parted = grid.grow(_parted(fields, trajectories, grid)) > 0.5
    behind = fill(picture, _widened(taken > 0.4, grid))
    behind = np.where(parted[..., None], behind, picture)
    for group in turning.values():
        stays = grid.grow(group.stays().astype(np.float32)) > 0.5
        behind = np.where(stays[..., None], picture, behind)
    layers = [Layer(behind, None, ((1 - taken) * 255).astype(np.uint8), fields[0])]
    for number, (body, field, group) in enumerate(zip(bodies, fields[1:], turns, strict=True)):
        own = alphas[number]
        alpha = _going_on(own, alphas[number + 1 :]) if body.goes_on else own
        known = np.where(alpha > own, own / np.maximum(alpha, 1e-3), 1)
        presence = _presence(body, trajectories, walker) if not body.goes_on else None
        colour = _own_colours(picture, np.where(parted, own, 1), alpha)
        layers.append(Layer(colour, alpha, (known * 255).astype(np.uint8), field, presence, group))
    return layers


def _parted(
    fields: list[MotionField], trajectories: Trajectories, grid: Grid
) -> Float32[np.ndarray, "rows columns"]:
    """1 where a body ever leaves the rest by more than `HARDLY`, or sight: what is behind shows."""
    if trajectories.hidden.any():
        return np.ones(grid.cells[::-1], np.float32)
    parted = np.zeros(grid.cells[::-1], bool)
    rest, *bodies = fields
    for frame in few_frames(trajectories.displacement.shape[1], INSTANTS):
        ground = rest.at(frame)
        for field in bodies:
            apart = np.linalg.norm(field.at(frame) - ground, axis=2)
            parted |= apart > HARDLY
    return cv2.dilate(parted.astype(np.float32), np.ones((5, 5), np.uint8))


def _going_on(
    alpha: Float32[np.ndarray, "height width"], nearer: list[np.ndarray]
) -> Float32[np.ndarray, "height width"]:
    """A slab's solidity, continued for some way behind what is nearer."""
    if not nearer:
        return alpha
    way = 2 * round(0.04 * max(alpha.shape)) + 1
    around = cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (way, way)))
    return np.maximum(alpha, np.minimum(around, np.max(nearer, axis=0)))


def _hang_on(
    bodies: list[Body],
    fields: list[MotionField],
    rest: Body,
    trajectories: Trajectories,
    walker: Walker,
) -> list[MotionField]:
    """Let bodies without a clear outline stretch, and draw what is around them along."""
    pins = footprint(rest.members, trajectories, walker.grid)
    drawn = []
    fields = list(fields)
    for number, body in enumerate(bodies, start=1):
        assert body.share is not None
        tread = footprint(body.members, trajectories, walker.grid)
        if says_where_it_ends(body.members, tread):
            continue
        core = tread & (body.share > 0.5)
        held = ((body.share < 0.03) | pins | (_border(core.shape) & (body.share < 0.5))) & ~core
        reach = float(trajectories.reach[body.members].max())
        grip = hold_on(body.share, core, held, reach, walker)
        if grip is not None:
            drawn.append((fields[number], grip[1]))
            fields[number] = replace(fields[number], damp=grip[0])
    fields[0] = replace(fields[0], drawn=tuple(drawn))
    return fields


def _border(shape: tuple[int, ...]) -> Bool[np.ndarray, "rows columns"]:
    """The outermost cells; what is not part of a body does not come away from the border."""
    border = np.ones(shape, bool)
    border[1:-1, 1:-1] = False
    return border


def _outline(
    body: Body, picture: UInt8[np.ndarray, "height width 3"], grid: Grid
) -> Float32[np.ndarray, "height width"]:
    """1 where the body is, at full size: its share, brought to the picture's edges."""
    assert body.share is not None
    whole = (refine(body.share, picture, grid) > 0.5).astype(np.uint8)
    tidy = cv2.medianBlur(whole, 5)
    if not tidy.any():  # smaller than the filters: a brush of a pixel or two
        tidy = (grid.grow(body.share) >= 0.5 * body.share.max()).astype(np.uint8)
    return tidy.astype(np.float32)


def _smooth_parts(
    picture: UInt8[np.ndarray, "height width 3"],
) -> Float32[np.ndarray, "height width"]:
    """1 where the picture has neither edges nor texture, to 0 where a rim has to be narrow."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = cv2.magnitude(cv2.Sobel(grey, -1, 1, 0) / 8, cv2.Sobel(grey, -1, 0, 1) / 8)
    side = 2 * round(2 * WIDE * max(grey.shape)) + 1
    texture = cv2.blur(slope, (side, side), borderType=cv2.BORDER_REFLECT)
    return (1 - texture / SMOOTH).clip(0, 1)


def _feathered(
    solid: Float32[np.ndarray, "height width"], smooth: Float32[np.ndarray, "height width"]
) -> Float32[np.ndarray, "height width"]:
    """A narrow rim along edges and texture, a wide one through smooth parts, where none shows."""
    wide = WIDE * max(solid.shape)
    narrow_rim = cv2.GaussianBlur(solid, (0, 0), SOFT, borderType=cv2.BORDER_REPLICATE)
    wide_rim = cv2.GaussianBlur(solid, (0, 0), wide, borderType=cv2.BORDER_REPLICATE)
    rim = narrow_rim + (wide_rim - narrow_rim) * smooth
    return (rim * 1.04 - 0.02).clip(0, 1)  # no tails, so that what is drawn stays small


def _widened(
    region: Bool[np.ndarray, "height width"], grid: Grid
) -> Bool[np.ndarray, "height width"]:
    """The region and a rim in which colours of both sides mix."""
    reach = 2 * round(1.5 * float(grid.pitch.max())) + 3
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return cv2.dilate(region.astype(np.uint8), kernel) > 0


def _own_colours(
    picture: UInt8[np.ndarray, "height width 3"],
    own: Float32[np.ndarray, "height width"],
    alpha: Float32[np.ndarray, "height width"],
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture with a body's inner colours continued over its rim, so that none sticks to it.

    Args:
        picture: RGB.
        own: where the picture shows the body.
        alpha: where it is drawn.
    """
    x, y, w, h = cv2.boundingRect((alpha > 0).astype(np.uint8))
    home = np.s_[max(y - 4, 0) : y + h + 4, max(x - 4, 0) : x + w + 4]
    colour = picture.copy()
    colour[home] = smooth_fill(picture[home], own[home] < 0.7 * own.max())
    return colour


def _presence(body: Body, trajectories: Trajectories, walker: Walker) -> Bend | None:
    """Where and when the body's tracks are visible; None when they always are."""
    hidden = trajectories.hidden[body.members]
    if not hidden.any():
        return None
    seen = (~hidden).astype(np.float32)[..., None]
    ahead, behind = np.roll(seen, -1, axis=1), np.roll(seen, 1, axis=1)
    ahead[:, -1], behind[:, 0] = seen[:, -1], seen[:, 0]
    weight = np.ones(len(body.members), np.float32)
    calm = (0.5 * seen + 0.25 * ahead + 0.25 * behind).astype(np.float32)
    return spread_over(trajectories.anchors[body.members], calm, weight, walker)


def _leave(trajectories: Trajectories) -> Float32[np.ndarray, " frames"]:
    """How far anything has left its place or sight: 0 not at all, 1 by 3 pixels or wholly."""
    if len(trajectories.anchors) == 0:
        return np.zeros(trajectories.displacement.shape[1], np.float32)
    reach = np.linalg.norm(trajectories.displacement, axis=2).max(axis=0)
    away = np.where(reach < 0.005, 0, (reach / 3).clip(0, 1))
    return np.where(trajectories.hidden.any(axis=0), 1, away).astype(np.float32)
