"""Making a study: matched videos become pairs that nothing but their content tells apart."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from kineograph.core.errors import StudyError
from kineograph.core.files import whole_folder
from kineograph.core.picture import read_picture
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, read_video
from kineograph.evaluation.align import Alignment, aligned
from kineograph.evaluation.study.format import Format, Wish, formats
from kineograph.evaluation.study.given import TRACKS_ENDINGS, Given, check_has, compared
from kineograph.evaluation.study.hidden import Maker, brought
from kineograph.evaluation.study.media import Frames, Media
from kineograph.evaluation.study.protocols import PROTOCOLS, Protocol
from kineograph.evaluation.study.red_dot import red_dots
from kineograph.evaluation.study.study_folder import MEDIA, Pair, Shown, Study, StudyFolder

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Order:
    """How a study is to be made.

    Args:
        protocol: what is shown and asked.
        wish: what the videos are brought to.
        ours: the system that every pair has; None compares every two.
        common: leave out the cases that a system lacks.
        tests: folder of the user's own test questions.
        seed: of every order.
        completion_code: one for all raters; empty gives each their own.
        require_id: begin only with ?id= in the link.
    """

    protocol: Protocol
    wish: Wish = field(default_factory=Wish)
    ours: str | None = None
    common: bool = False
    tests: Path | None = None
    seed: int = 0
    completion_code: str = ""
    require_id: bool = False


def create(
    given: Given, order: Order, out: Path, progress: Progress = lambda done, total: None
) -> Study:
    """Make a study's folder.

    Args:
        given: the videos and what goes with them.
        order: how.
        out: the folder; it must not hold anything.
        progress: told how many of how many cases are done.

    Raises:
        StudyError: videos are missing or do not fit, or the protocol shows what is not there.
        OutputError: the folder cannot be written or is not empty.
    """
    check_unnamed(order.protocol, tuple(given.videos))
    cases = given.common(allow_missing=order.common)
    chosen = compared(tuple(given.videos), order.ours)
    check_beside(given, order.protocol, cases)
    found = formats(given.videos, cases, order.wish)
    with whole_folder(out) as partial:
        media = Media(partial / MEDIA)
        pairs, shown = [], {}
        for done, case in enumerate(cases):
            shown[case] = _shown(given, order, case, found[case], media)
            pairs += _pairs(given, chosen, order.wish, case, found[case], shown[case], media)
            progress(done + 1, len(cases))
        rng = np.random.default_rng(order.seed)
        maker = Maker(order.protocol, media, shown, found, order.wish, rng)
        study = Study(
            protocol=order.protocol,
            systems=tuple(given.videos),
            pairs=tuple(pairs),
            tests=maker.tests(given, order.tests),
            seed=order.seed,
            about=_about(found, order.wish),
            completion_code=order.completion_code,
            require_id=order.require_id,
        )
        media.settle()
        StudyFolder(partial).write(study)
    return study


def check_unnamed(protocol: Protocol, systems: Sequence[str]) -> None:
    """Refuse a protocol of the user's own that names a system to the raters.

    Raises:
        StudyError: says which.
    """
    if protocol.name in PROTOCOLS:
        return
    texts = [protocol.title, *protocol.instructions]
    texts += [text for q in protocol.questions for text in (q.text, *(a.text for a in q.aspects))]
    for system in (label for label in systems if len(label) > 2):
        if any(re.search(rf"\b{re.escape(system)}\b", text, re.IGNORECASE) for text in texts):
            raise StudyError(
                f"the protocol's texts say {system}, which is a system's label; raters must not "
                "read it: rename the label or the text"
            )


def check_beside(given: Given, protocol: Protocol, cases: Sequence[str]) -> None:
    """Refuse cases that lack what the protocol shows beside the videos.

    Raises:
        StudyError: says what is lacking.
    """
    if protocol.shows_text:
        check_has(given.texts, cases, "the text", "--texts FILE")
    if protocol.shows_picture:
        check_has(given.pictures, cases, "the starting picture", "--pictures FOLDER")
    if protocol.shows_motion:
        check_has(given.motion, cases, "the wanted motion", "--motion FOLDER")


def _pairs(
    given: Given,
    chosen: Sequence[tuple[str, str]],
    wish: Wish,
    case: str,
    held: Format,
    shown: Shown,
    media: Media,
) -> list[Pair]:
    names = {
        system: media.video(brought(files[case], held, wish), held.fps)
        for system, files in given.videos.items()
    }
    media.even_out(names.values())
    return [
        Pair(
            id=f"{case}: {' / '.join(both)}",
            case=case,
            systems=both,
            videos=(names[both[0]], names[both[1]]),
            shown=shown,
            seconds=held.seconds,
        )
        for both in chosen
    ]


def _shown(given: Given, order: Order, case: str, held: Format, media: Media) -> Shown:
    """What stands beside the videos of a case; only what the protocol shows is written."""
    protocol = order.protocol
    picture = read_picture(given.pictures[case]) if case in given.pictures else None
    motion = None
    if protocol.shows_motion:
        frames = motion_video(given.motion[case], picture, held, order.wish.how)
        motion = media.video(frames, held.fps)
    return Shown(
        text=given.texts[case] if protocol.shows_text else "",
        picture=media.picture(picture, held.size)
        if protocol.shows_picture and picture is not None
        else None,
        motion=motion,
    )


def motion_video(path: Path, picture: np.ndarray | None, held: Format, how: Alignment) -> Frames:
    """The wanted motion of a case: a given video of it, or red dots along given tracks.

    Args:
        path: a video, or tracks.
        picture: what dots move over.
        held: what the case's videos are; the motion takes as long as they do.
        how: what is done with another size.

    Raises:
        StudyError: the tracks are of another size, of which nobody said what to do about it.
        EvaluationError: so is the video.
    """
    lasting = replace(how, length="resample", rate="ignore")
    if not path.name.endswith(TRACKS_ENDINGS):
        return aligned(read_video(path), held.size, held.frames, held.fps, lasting, str(path))
    tracks = sized(Tracks.load(path), held.size, how, str(path))
    at = np.arange(held.frames)
    if how.length != "cut" or tracks.frames < held.frames:
        at = np.linspace(0, tracks.frames - 1, held.frames).round().astype(int)
    timed = replace(tracks, points=tracks.points[:, at], state=tracks.state[:, at], depth=None)
    if picture is not None:
        filling = Alignment(size="crop" if how.size == "crop" else "stretch")
        picture = aligned(Video(picture[None], held.fps), held.size, 1, held.fps, filling)[0]
    return red_dots(timed, picture)


def sized(tracks: Tracks, size: tuple[int, int], how: Alignment, name: str) -> Tracks:
    """Tracks brought to a size as their videos are.

    Raises:
        StudyError: nobody said what to do about another size.
    """
    if tracks.size == size:
        return tracks
    if how.size == "refuse":
        raise StudyError(
            f"{name} is for {tracks.size[0]}x{tracks.size[1]} where the videos are "
            f"{size[0]}x{size[1]}; give --align size=stretch or size=crop"
        )
    if how.size == "crop":
        width, height = tracks.size
        factor = min(width / size[0], height / size[1])
        wide, high = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
        left, top = (width - wide) // 2, (height - high) // 2
        tracks = tracks.crop((left, top, left + wide, top + high))
    return tracks.resize(size)


def _about(found: Mapping[str, Format], wish: Wish) -> dict[str, str]:
    """How the videos were brought together, for the analysis."""
    kinds = sorted({str(held) for held in found.values()})
    told = kinds[0] if len(kinds) == 1 else f"{len(kinds)} formats, {kinds[0]} to {kinds[-1]}"
    how = wish.how
    return {
        "videos": told,
        "align": f"size={how.size} length={how.length} rate={how.rate}",
    }
