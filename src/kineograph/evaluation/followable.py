"""Which tracks of a clip can be measured at all, and how well those are followed."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from kineograph.core.tracks import Tracks
from kineograph.evaluation.scale import distances
from kineograph.evaluation.tracking import Frames, follow

POINTS = 64
"""At most so many tracks of a clip are measured."""

MOVES = 0.02
"""A track moves if it goes further than this share of the picture's longer side."""

RELIABLE = 6.0
"""A point is measured if the tracker loses it by no more than so many pixels of 256 on average in
the true video."""

LEAST = 8
"""So many moving and resting points are measured in any case: the most reliable ones."""


def followable(frames: Frames, asked: Tracks, count: int = POINTS) -> Tracks:
    """The tracks that can be measured: those that the tracker itself can follow.

    Points on edges or in plain areas are lost even in the true video, and would hide what a model
    does. Which ones are taken depends on the true video alone. About half of those taken
    move, as far as so many do: most of a picture rests, and would drown what is asked of the
    others.

    Args:
        frames: the true video.
        asked: its true tracks; only those that are visible in two frames count.
        count: at most so many are taken, evenly spaced.
    """
    asked = asked.select(np.flatnonzero(asked.visible.sum(axis=1) >= 2))
    moves = moving(asked)
    tried = asked.select(np.sort(np.concatenate(_halves(moves, 4 * count))))
    if not tried.count:
        return tried
    errors, moves = _errors(frames, tried), moving(tried)
    sound = np.flatnonzero(_sound(errors, moves))
    taken = np.concatenate(_halves(moves[sound], count))
    return tried.select(np.sort(sound[taken]))


def endpoint_error(frames: Frames, asked: Tracks) -> float:
    """The mean distance of points from their asked places, in pixels of a 256x256 picture.

    Each track is looked for in the video from where, and when, it is first visible; the error is
    taken in the later frames in which it is asked to be visible, where whether the tracker believes
    to see it does not matter. NaN if there is no track.

    Args:
        frames: the video, of the tracks' size and length.
        asked: the tracks, as of `followable`.
    """
    return float(_errors(frames, asked).mean()) if asked.count else float("nan")


def still_error(asked: Tracks) -> float:
    """The same for a video in which nothing moves: what following has to beat."""
    if not asked.count:
        return float("nan")
    first = _first(asked)
    rest = np.repeat(asked.points[np.arange(asked.count), first][:, None], asked.frames, axis=1)
    return float(_distances(Tracks.of(rest, size=asked.size, fps=1), asked).mean())


def moving(asked: Tracks) -> Bool[np.ndarray, " tracks"]:
    """Which tracks go somewhere while they are visible."""
    far = np.linalg.norm(asked.displacements(), axis=2)
    return np.asarray(
        np.where(asked.visible, far, 0).max(axis=1, initial=0) > MOVES * max(asked.size)
    )


def _errors(frames: Frames, asked: Tracks) -> Float64[np.ndarray, " tracks"]:
    """The mean distance of each track."""
    first = _first(asked)
    places = asked.points[np.arange(asked.count), first]
    queries = np.concatenate([first[:, None], places], axis=1).astype(np.float32)
    return _distances(follow(frames, queries), asked)


def _distances(found: Tracks, asked: Tracks) -> Float64[np.ndarray, " tracks"]:
    """The mean distance of each track over the frames that count."""
    distance = distances(found.points, asked.points, asked.size)
    counts = asked.visible & (np.arange(asked.frames)[None] > _first(asked)[:, None])
    return np.asarray((distance * counts).sum(axis=1) / counts.sum(axis=1))


def _first(asked: Tracks) -> Int64[np.ndarray, " tracks"]:
    return asked.visible.argmax(axis=1)


def _sound(
    errors: Float64[np.ndarray, " tracks"], moves: Bool[np.ndarray, " tracks"]
) -> Bool[np.ndarray, " tracks"]:
    """Which tracks are reliable; at least the best few of both kinds."""
    sound = errors <= RELIABLE
    for kind in (moves, ~moves):
        mine = np.flatnonzero(kind)
        best = mine[np.argsort(errors[mine], kind="stable")[:LEAST]]
        if sound[mine].sum() < LEAST:
            sound[best] = True
    return sound


def _halves(moves: Bool[np.ndarray, " tracks"], count: int) -> list[Int64[np.ndarray, " some"]]:
    """Indices of moving and of resting tracks, at most `count`, half each as far as there are."""
    moving, resting = np.flatnonzero(moves), np.flatnonzero(~moves)
    some = _spread(moving, max(count // 2, count - len(resting)))
    others = min(count - len(some), max(len(some), LEAST)) if len(some) else count
    return [some, _spread(resting, others)]


def _spread(which: Int64[np.ndarray, " tracks"], count: int) -> Int64[np.ndarray, " some"]:
    """At most `count` of them, evenly spaced."""
    if len(which) <= count:
        return which
    return which[np.linspace(0, len(which) - 1, count).round().astype(int)]
