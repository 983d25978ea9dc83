"""A study's folder: its setup, the videos that raters see, and the votes."""

import json
import secrets
from pathlib import Path

from pydantic import Field

from kineograph.core.errors import StudyError
from kineograph.core.files import whole_file
from kineograph.evaluation.study.plain_model import Plain, checked
from kineograph.evaluation.study.protocols import Protocol

SETUP, MEDIA, VOTES = "study.json", "media", "votes.sqlite"


class Shown(Plain):
    """What stands beside the two videos; names are of files in the media folder."""

    text: str = ""
    """The text prompt."""
    picture: str | None = None
    """The starting picture."""
    motion: str | None = None
    """The video with the moving dot."""


class Pair(Plain):
    """A case and two systems."""

    id: str
    """Its name in the votes."""
    case: str
    """What the videos show."""
    systems: tuple[str, str]
    """In alphabetical order."""
    videos: tuple[str, str]
    """Files in the media folder, in the same order."""
    shown: Shown
    """What stands beside them."""
    seconds: float = Field(gt=0)
    """How long both videos are."""


class Test(Plain):
    """A hidden test question: it is plain which of two videos is better."""

    __test__ = False

    id: str
    """Its name in the exports."""
    kind: str
    """degraded, moving, given: how it was made."""
    good: str
    """File of the better video."""
    bad: str
    """File of the worse."""
    checks: tuple[str, ...]
    """The questions to which `good` is the right answer; the others may be answered freely."""
    shown: Shown
    """What stands beside them."""
    seconds: float = Field(gt=0)
    """How long both videos are."""


class Study(Plain):
    """All that was decided when the study was made. Raters get none of it but their own pairs."""

    format: int = Field(default=1, ge=1, le=1)
    """Of this file."""
    protocol: Protocol
    """What is shown and asked."""
    systems: tuple[str, ...] = Field(min_length=2)
    """All that are compared, as they were given."""
    pairs: tuple[Pair, ...] = Field(min_length=1)
    """What is voted on."""
    tests: tuple[Test, ...] = ()
    """The hidden test questions; each rater gets `protocol.tests` of them."""
    seed: int = Field(default=0, ge=0)
    """Of every order."""
    about: dict[str, str] = Field(default_factory=dict)
    """How the videos were brought together: size, frames, fps, alignment."""
    invite: str = Field(default_factory=lambda: secrets.token_urlsafe(12))
    """The secret of the link by which raters begin."""
    admin: str = Field(default_factory=lambda: secrets.token_urlsafe(24))
    """The secret of the link to progress and exports."""
    completion_code: str = ""
    """Shown at the end; empty: each rater has a code of their own."""
    require_id: bool = False
    """Whether one can begin only with ?id= in the link, as recruiting platforms add it."""

    @property
    def tasks(self) -> int:
        """Pairs that a rater gets at most, tests not counted."""
        return min(self.protocol.tasks or len(self.pairs), len(self.pairs))


class StudyFolder:
    """The files of one study.

        study/study.json     Study; holds the secrets
              media/         videos and pictures under random names
              votes.sqlite   raters, tasks and votes

    Args:
        where: the folder.
    """

    def __init__(self, where: Path | str) -> None:
        self.where = Path(where)

    @property
    def media(self) -> Path:
        """Where the videos and pictures are."""
        return self.where / MEDIA

    @property
    def votes(self) -> Path:
        """The database."""
        return self.where / VOTES

    def write(self, study: Study) -> None:
        """Write the setup, readable by nobody else.

        Raises:
            OutputError: it cannot be written.
        """
        held = study.model_dump(mode="json")
        with whole_file(self.where / SETUP) as partial:
            partial.touch(mode=0o600)
            text = json.dumps(held, indent=1, ensure_ascii=False)
            partial.write_text(text + "\n", encoding="utf-8")

    def read(self) -> Study:
        """The setup.

        Raises:
            StudyError: there is none, it is broken, or a file that it names is missing.
        """
        path = self.where / SETUP
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StudyError(
                f"{self.where} is no study; make one with `kineograph study create`"
            ) from None
        except (OSError, ValueError) as error:
            raise StudyError(f"{path} is broken: {error}; make the study again") from None
        study = checked(Study, held, str(path))
        gone = sorted(name for name in files_of(study) if not (self.media / name).is_file())
        if gone:
            raise StudyError(
                f"{self.media} lacks {len(gone)} files, the first is {gone[0]}; put them back, or "
                "make the study again"
            )
        return study


def files_of(study: Study) -> set[str]:
    """The media files that a study needs."""
    shown = [pair.shown for pair in study.pairs] + [test.shown for test in study.tests]
    named = {video for pair in study.pairs for video in pair.videos}
    named |= {video for test in study.tests for video in (test.good, test.bad)}
    beside = {name for item in shown for name in (item.picture, item.motion) if name is not None}
    return named | beside
