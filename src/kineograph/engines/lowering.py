"""Lowering: what an engine cannot read becomes something it can, or is left out and said so."""

from dataclasses import replace

from kineograph.core.errors import EngineError
from kineograph.core.tracks import Tracks
from kineograph.engines.base import Capabilities, Input, Request, listed

MOTION: frozenset[Input] = frozenset({"tracks", "boxes"})


def lower(request: Request, capabilities: Capabilities, engine: str = "this engine") -> Request:
    """The same request in terms of what an engine reads.

    Boxes become a grid of tracks moving with them where the engine reads tracks but no boxes.
    Whatever else it does not read is taken out; `left_out` names it.

    Args:
        request: what is asked.
        capabilities: what the engine reads and needs.
        engine: its name, for the messages.

    Raises:
        EngineError: the engine can read nothing of the request, something it needs is missing, or
            the size does not suit it.
    """
    lowered = _without(_boxes_to_tracks(request, capabilities), capabilities.reads)
    _check_needs(request, lowered, capabilities, engine)
    _check_size(request, capabilities, engine)
    return lowered


def left_out(request: Request, capabilities: Capabilities) -> tuple[Input, ...]:
    """What the request holds and the engine takes no account of, not even lowered."""
    lost = request.given() - capabilities.reads
    if "tracks" in capabilities.reads:
        lost -= MOTION
    return tuple(sorted(lost))


def _boxes_to_tracks(request: Request, capabilities: Capabilities) -> Request:
    reads = capabilities.reads
    if request.boxes is None or "boxes" in reads or "tracks" not in reads:
        return request
    return replace(request, tracks=asked_tracks(request), boxes=None)


def asked_tracks(request: Request) -> Tracks | None:
    """The tracks of a request with those that go with its boxes."""
    if request.boxes is None:
        return request.tracks
    grids = request.boxes.to_tracks()
    return grids if request.tracks is None else Tracks.merge(request.tracks, grids)


def _without(request: Request, reads: frozenset[Input]) -> Request:
    return replace(
        request,
        picture=request.picture if "picture" in reads else None,
        text=request.text if "text" in reads else "",
        negative_text=request.negative_text if "negative text" in reads else "",
        tracks=request.tracks if "tracks" in reads else None,
        boxes=request.boxes if "boxes" in reads else None,
    )


def _check_needs(
    request: Request, lowered: Request, capabilities: Capabilities, engine: str
) -> None:
    reads = f"it reads {listed(capabilities.reads)}"
    missing = capabilities.needs - lowered.given()
    if missing:
        raise EngineError(f"engine {engine} needs {listed(missing)}, and none is given; {reads}")
    if not lowered.given():
        held = listed(request.given()) or "nothing"
        raise EngineError(f"engine {engine} can read nothing of this request ({held}); {reads}")


def _check_size(request: Request, capabilities: Capabilities, engine: str) -> None:
    step, (width, height) = capabilities.size_step, request.size
    if width % step or height % step:
        near = f"{max(1, round(width / step)) * step}x{max(1, round(height / step)) * step}"
        raise EngineError(
            f"engine {engine} cannot make {width}x{height}: sides have to be multiples of {step}; "
            f"ask for {near}"
        )
