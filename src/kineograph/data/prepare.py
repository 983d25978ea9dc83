"""Making shards: of videos, cut, tracked and measured; or of procedural scenes.

The work is done by several processes, a shard each at a time. A shard is there whole or not at all,
and `prepared.json` in the folder says what has been made of what: the same command again makes only
what is missing, and videos that are new.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kineograph.core.errors import DataError, KineographError
from kineograph.data.clip import Clip
from kineograph.data.cutting import Cut, cut
from kineograph.data.files import find_videos
from kineograph.data.ledger import Ledger, opened
from kineograph.data.shard_work import ShardTask, run_tasks
from kineograph.data.skipped import LIMIT, Skipped, SkipReport

if TYPE_CHECKING:
    from kineograph.data.procedural.settings import SceneSettings

PER_SHARD = 64
"""Videos, or scenes, a shard, if nobody says."""

Progress = Callable[[int, int], None]
"""Told how many of how many videos or scenes are done."""


@dataclass(frozen=True)
class Prepared:
    """What a prepared folder holds.

    Args:
        clips: in all its shards.
        shards: that hold any.
        made: of these clips, how many are new.
        report: what could not be used.
    """

    clips: int
    shards: int
    made: int
    report: SkipReport


def prepare(
    where: Iterable[Path | str],
    out: Path | str,
    how: Cut,
    *,
    per_shard: int = PER_SHARD,
    processes: int = 1,
    limit: int | None = LIMIT,
    progress: Progress | None = None,
) -> Prepared:
    """Videos to shards in the folder `out`; what is there already stays.

    Args:
        where: videos, and folders of them.
        out: the folder.
        how: see `Cut`.
        per_shard: videos a shard.
        processes: how many work at once.
        limit: how many videos may be unusable before the work ends; None is any number.
        progress: see there.

    Raises:
        DataError: there are no videos, two have one name, `out` was made in another way, or too
            many cannot be used.
        OutputError: `out` cannot be written; the shards before stay.
    """
    found = _named(where)
    ledger = opened(Path(out), "videos", how.model_dump(mode="json"))
    old = {name for names in ledger.shards.values() for name in names}
    new = [name for name in found if name not in old]
    for start in range(0, len(new), per_shard):
        shard = f"shard-{len(ledger.shards):06d}"
        ledger.shards[shard] = new[start : start + per_shard]
    tasks = [
        _Videos(shard, len(names), tuple((*found[n], n) for n in names if n in found), how)
        for shard, names in ledger.shards.items()
    ]
    return _made(Path(out), ledger, tasks, processes, limit, progress)


def prepare_scenes(
    count: int,
    out: Path | str,
    settings: "SceneSettings",
    *,
    seed: int = 0,
    per_shard: int = PER_SHARD,
    processes: int = 1,
    progress: Progress | None = None,
) -> Prepared:
    """The first `count` procedural scenes of a seed to shards; what is there already stays.

    Raises:
        DataError: `out` was made in another way.
        OutputError: `out` cannot be written; the shards before stay.
    """
    told = {**settings.model_dump(mode="json"), "seed": seed, "per_shard": per_shard}
    ledger = opened(Path(out), "scenes", told)
    for number, start in enumerate(range(0, count, per_shard)):
        end = min(start + per_shard, count)
        ledger.shards.setdefault(f"shard-{number:06d}", [str(start), str(end - 1)])
    tasks = [
        _Scenes(shard, int(last) - int(first) + 1, int(first), settings, seed)
        for shard, (first, last) in ledger.shards.items()
    ]
    return _made(Path(out), ledger, tasks, processes, None, progress)


@dataclass(frozen=True)
class _Videos(ShardTask):
    videos: tuple[tuple[Path, Path, str], ...]
    how: Cut

    def clips(self, skipped: list[Skipped], check: Callable[[], None]) -> Iterator[Clip]:
        for path, folder, name in self.videos:
            made = 0
            try:
                for clip in cut(path, folder, self.how, check=check):
                    yield clip
                    made += 1
            except KineographError as error:
                kept = f" (its first {made} clips are used)" if made else ""
                skipped.append(Skipped(name, f"{error}{kept}"))


@dataclass(frozen=True)
class _Scenes(ShardTask):
    first: int
    settings: "SceneSettings"
    seed: int

    def clips(self, skipped: list[Skipped], check: Callable[[], None]) -> Iterator[Clip]:
        from kineograph.data.procedural.scene import Scenes

        scenes = Scenes(self.settings, self.seed)
        for index in range(self.first, self.first + self.count):
            check()
            yield scenes[index]


def _named(where: Iterable[Path | str]) -> dict[str, tuple[Path, Path]]:
    """The videos by their names in the folders given, with those folders."""
    found: dict[str, tuple[Path, Path]] = {}
    for place in map(Path, where):
        folder = place if place.is_dir() else place.parent
        for path in find_videos(place):
            name = path.relative_to(folder).as_posix()
            if found.get(name, (path, folder)) != (path, folder):
                raise DataError(
                    f"{path} and {found[name][0]} have the same name in the folders given; give "
                    "one folder that holds both"
                )
            found[name] = (path, folder)
    if not found:
        raise DataError("no videos were given; name videos or folders of them")
    return found


def _made(
    out: Path,
    ledger: Ledger,
    tasks: Sequence[ShardTask],
    processes: int,
    limit: int | None,
    progress: Progress | None,
) -> Prepared:
    """Run the tasks that have not been done, noting each in the ledger."""
    waiting = [task for task in tasks if task.shard not in ledger.clips]
    total, made = sum(task.count for task in tasks), 0
    done = total - sum(task.count for task in waiting)
    report = SkipReport(limit, dict(ledger.skipped))
    if progress is not None:
        progress(done, total)
    for finished in run_tasks(waiting, out, processes):
        ledger.clips[finished.task.shard] = finished.clips
        ledger.skipped |= {one.name: one.reason for one in finished.skipped}
        ledger.save(out)
        report.add(finished.skipped)
        done, made = done + finished.task.count, made + finished.clips
        if progress is not None:
            progress(done, total)
    held = [clips for clips in ledger.clips.values() if clips]
    return Prepared(sum(held), len(held), made, report)
