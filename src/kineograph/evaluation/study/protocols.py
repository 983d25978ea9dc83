"""What raters are shown and asked: the published protocols, and custom ones, as small data."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.plain_model import Plain, checked


class Aspect(Plain):
    """A reason that can be ticked."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    """Its name in the votes."""
    text: str = Field(min_length=1)
    """What raters read."""


class Question(Plain):
    """One question on a pair of videos.

    A `choice` is forced: one of the two videos, no tie. `aspects` asks why, after a choice: any of
    them can be ticked, at least `least`.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    """Its name in the votes."""
    text: str = Field(min_length=1)
    """What raters read."""
    kind: Literal["choice", "aspects"] = "choice"
    """How it is answered."""
    aspects: tuple[Aspect, ...] = ()
    """The reasons, for the kind `aspects`."""
    least: int = Field(default=1, ge=0)
    """How many aspects have to be ticked."""
    motion: bool = False
    """Whether it asks how well the shown motion is followed."""

    @model_validator(mode="after")
    def _fits(self) -> "Question":
        ids = [aspect.id for aspect in self.aspects]
        if self.kind == "choice" and ids:
            raise ValueError("a choice has no aspects; leave them out or set kind to aspects")
        if self.kind == "aspects" and len(ids) < max(1, self.least):
            raise ValueError(f"{self.least} of {len(ids)} aspects have to be ticked; give more")
        if len(set(ids)) < len(ids):
            raise ValueError("two aspects have one id; give each its own")
        return self


class Protocol(Plain):
    """How a study is run."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    """Its name."""
    title: str = Field(min_length=1)
    """Heads the page that raters see; it must not name a system."""
    instructions: tuple[str, ...] = ()
    """Paragraphs that raters read before they begin."""
    questions: tuple[Question, ...] = Field(min_length=1)
    """Asked on each pair, in this order."""
    shows_motion: bool = False
    """Whether a video of the wanted motion, a moving red dot, is shown between the two."""
    shows_text: bool = False
    """Whether the text prompt is shown."""
    shows_picture: bool = False
    """Whether the starting picture is shown."""
    watched: bool = True
    """Whether both videos have to be played to the end before anything can be answered."""
    submit_after: float = Field(default=0, ge=0, le=3600)
    """Seconds for which the button stays disabled at first."""
    least_seconds: float = Field(default=0, ge=0, le=3600)
    """Seconds that a task takes at least; the server refuses answers that come earlier."""
    tests: int = Field(default=0, ge=0, le=50)
    """Hidden test questions that each rater gets."""
    failures_allowed: int = Field(default=0, ge=0)
    """A rater who fails more test questions than this is discarded."""
    raters: int = Field(default=5, ge=1, le=100_000)
    """Raters a pair, those who are discarded not counted."""
    tasks: int | None = Field(default=None, ge=1)
    """Pairs a rater, tests not counted; None means all."""
    source: str = ""
    """Where it was published, and what of it the publication leaves open."""

    @model_validator(mode="after")
    def _fits(self) -> "Protocol":
        ids = [question.id for question in self.questions]
        if len(set(ids)) < len(ids):
            raise ValueError("two questions have one id; give each its own")
        if self.questions[0].kind != "choice":
            raise ValueError("the first question has to be a choice; `aspects` says why after it")
        if any(question.motion for question in self.questions) and not self.shows_motion:
            raise ValueError("a question asks about the motion but shows_motion is false; set it")
        return self

    @property
    def opens_after(self) -> float:
        """Seconds from a pair's first sight until its answers are accepted."""
        return max(self.submit_after, self.least_seconds)

    @property
    def choices(self) -> tuple[Question, ...]:
        """The questions that a video is chosen for."""
        return tuple(question for question in self.questions if question.kind == "choice")

    def only(self, ids: Iterable[str]) -> "Protocol":
        """The same with some of its questions, in the protocol's order.

        Raises:
            StudyError: there is no such question, or what is left is no protocol.
        """
        wanted, known = set(ids), {question.id for question in self.questions}
        if wanted - known or not wanted:
            given = ", ".join(sorted(wanted - known)) or "none"
            raise StudyError(
                f"question {given} was asked for; {self.name} has {', '.join(sorted(known))}"
            )
        kept = [q.model_dump() for q in self.questions if q.id in wanted]
        held = {**self.model_dump(), "questions": kept}
        return checked(Protocol, held, f"{self.name} with {', '.join(sorted(wanted))}")


MOTION_PROMPTING = Protocol(
    name="motion-prompting",
    title="Which of two videos is better?",
    instructions=(
        "You will see pairs of short videos, and between them a third one in which a red dot "
        "shows how something was asked to move.",
        "Watch both videos to the end, as often as you like, and answer each question for the "
        "pair. There is no tie: if they are close, choose the one that you lean towards.",
        "Some of the pairs check that you are watching.",
    ),
    questions=(
        Question(
            id="follows",
            text="In which video does the motion follow the red dot better?",
            motion=True,
        ),
        Question(id="motion", text="Which video has the more realistic motion?"),
        Question(id="quality", text="Which video has the higher visual quality?"),
    ),
    shows_motion=True,
    tests=3,
    raters=100,
    source=(
        "Motion Prompting (arXiv 2412.02700), human study: two alternatives, forced, in random "
        "order, motion shown by a red dot, each question a study of its own with 103 to 115 "
        "people, 3 vigilance questions, any failure discards the respondent. Not said: whether "
        "videos had to be watched to the end; here they have to"
    ),
)
"""Motion Prompting's two-alternative forced choice."""

MOTIF = Protocol(
    name="motif",
    title="Which of two videos animates the picture better?",
    instructions=(
        "You will see a starting picture, a sentence, and two videos that animate the picture "
        "as the sentence says. Watch both to the end, then choose the one that you prefer.",
        "Judge four things: the motion of objects (not only of the camera), how well the video "
        "fits the sentence, how well it fits the starting picture, and its overall quality.",
        "Then say why you chose it. The button opens after a while: take the time to look.",
        "There are test questions among them to see how well the task is done.",
    ),
    questions=(
        Question(
            id="overall",
            text="Which video is better overall at animating the starting picture as the "
            "sentence says?",
        ),
        Question(
            id="why",
            text="Why? Choose all that apply.",
            kind="aspects",
            aspects=(
                Aspect(id="motion", text="Object motion (not only camera movement)"),
                Aspect(id="text", text="Alignment with the text"),
                Aspect(id="image", text="Alignment with the starting picture"),
                Aspect(id="quality", text="Overall quality"),
            ),
        ),
    ),
    shows_text=True,
    shows_picture=True,
    submit_after=10,
    least_seconds=60,
    tests=2,
    raters=5,
    tasks=20,
    source=(
        "MotiF (arXiv 2412.16153), human evaluation after JUICE: overall preference without a "
        "tie, then why among four aspects; both videos watched, the button disabled for the first "
        "10 s, at least one minute, test questions, random order, 5 raters a pair, all videos at "
        "320x320. Not said: how many test questions, how many may be failed, how many pairs a "
        "rater; here 2, none and 20"
    ),
)
"""MotiF's overall preference and its reasons."""

PROTOCOLS = {protocol.name: protocol for protocol in (MOTION_PROMPTING, MOTIF)}
"""The built-in protocols by name."""


def protocol_of(given: str) -> Protocol:
    """A built-in protocol by name, or one of a `.json`, `.yaml` or `.yml` file.

    A file may name the protocol it departs from as `like`, and give only what differs.

    Raises:
        StudyError: there is none of that name, or the file is missing or wrong.
    """
    if given in PROTOCOLS:
        return PROTOCOLS[given]
    path = Path(given)
    if path.suffix.lower() not in (".json", ".yaml", ".yml"):
        raise StudyError(
            f"there is no protocol {given}; give one of {', '.join(PROTOCOLS)}, or a .json or "
            ".yaml file"
        )
    held = _read(path)
    like = held.pop("like", None)
    if like is not None and like not in PROTOCOLS:
        raise StudyError(f"{path}: like: there is no {like}; give one of {', '.join(PROTOCOLS)}")
    base = {} if like is None else {**PROTOCOLS[like].model_dump(), "source": ""}
    return checked(Protocol, {"name": "custom", **base, **held}, str(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        held = json.loads(text) if path.suffix.lower() == ".json" else _yaml(text)
    except FileNotFoundError:
        raise StudyError(f"there is no protocol at {path}; check the name") from None
    except (OSError, ValueError) as error:
        told = " ".join(str(error).split())
        raise StudyError(f"{path} cannot be read as a protocol: {told}") from None
    if not isinstance(held, dict):
        raise StudyError(f"{path} is no protocol; write its fields: title, questions, ...")
    return held


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise StudyError(
            "YAML needs a package; pip install 'kineograph[study]', or write the protocol as .json"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
