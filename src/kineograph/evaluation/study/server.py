"""The study's web server: pages for raters, their answers, and the admin's progress and exports.

What a rater gets says nothing of systems: addresses name only the rater's secret, the position and
the side; answers carry no date, tag or name of a file; all files of a case are equally long.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from kineograph.evaluation.study.exporting import csv_of, json_of, progress_of
from kineograph.evaluation.study.guard import Guard
from kineograph.evaluation.study.limits import Limit
from kineograph.evaluation.study.ranges import part_of
from kineograph.evaluation.study.sittings import RefusedError, Sittings

COOKIE = "rater"
KEPT = 60 * 24 * 3600
"""Seconds for which a browser keeps it."""

PAGES = "kineograph.evaluation.study.page"
ASSETS = {
    "study.css": "text/css",
    "rater.js": "text/javascript",
    "admin.js": "text/javascript",
}
"""What anybody may load."""

MEDIA = {
    "first.mp4": ("first", "video/mp4"),
    "second.mp4": ("second", "video/mp4"),
    "motion.mp4": ("motion", "video/mp4"),
    "picture.jpg": ("picture", "image/jpeg"),
}


class Watched(BaseModel):
    """A video was played to its end."""

    model_config = ConfigDict(extra="forbid")
    position: int = Field(ge=0, le=100_000)
    side: str = Field(max_length=16)


class Answered(BaseModel):
    """The answers to a task."""

    model_config = ConfigDict(extra="forbid")
    position: int = Field(ge=0, le=100_000)
    answers: dict[str, list[str]] = Field(max_length=64)


@dataclass
class Limits:
    """How much is allowed.

    Args:
        joins: for each address; many people can share one.
        asks: for each rater.
    """

    joins: Limit = field(default_factory=lambda: Limit(rate=5, burst=300))
    asks: Limit = field(default_factory=lambda: Limit(rate=10, burst=60))


def make_app(
    sittings: Sittings, admin: str | None = None, limits: Limits | None = None
) -> Callable[..., Any]:
    """The study as an ASGI application.

    Args:
        sittings: the study and its rules.
        admin: the secret of the admin's link; None takes the study's own.
        limits: how much is allowed.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    limits = limits or Limits()
    _add_pages(app)
    _add_joining(app, sittings, limits)
    _add_rating(app, sittings, limits)
    _add_media(app, sittings)
    _add_admin(app, sittings, admin or sittings.study.admin)
    app.add_exception_handler(RefusedError, _refusal)
    return Guard(app)


def page(name: str) -> str:
    """The text of a file of the pages."""
    return (resources.files(PAGES) / name).read_text(encoding="utf-8")


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_told(str(error)), error.status)
    return JSONResponse({"error": str(error)}, error.status)


def _told(message: str) -> str:
    """A page with one sentence."""
    return page("told.html").replace("{{message}}", escape(message))


def _add_pages(app: FastAPI) -> None:
    held = {name: page(name).encode() for name in ASSETS}

    @app.get("/page/{name}")
    def asset(name: str) -> Response:
        if name not in held:
            raise RefusedError(404, "there is nothing here; check the link")
        headers = {"cache-control": "public, max-age=300"}
        return Response(held[name], media_type=ASSETS[name], headers=headers)

    @app.get("/healthz")
    def health() -> dict[str, bool]:
        return {"well": True}


def _add_joining(app: FastAPI, sittings: Sittings, limits: Limits) -> None:
    study = sittings.study

    def invited(invite: str) -> None:
        if not secrets.compare_digest(invite.encode(), study.invite.encode()):
            raise RefusedError(404, "there is nothing here; check the link")

    def known(request: Request) -> str | None:
        """The token of someone who has begun in this browser."""
        token = request.cookies.get(COOKIE, "")
        return token if token and sittings.store.rater(token) else None

    @app.get("/join/{invite}")
    def invitation(invite: str, request: Request, id: str | None = None) -> Response:
        invited(invite)
        token = known(request)
        if token is not None and _same(sittings, token, id):
            return RedirectResponse(f"/r/{token}", 303)
        return HTMLResponse(_invitation(sittings))

    @app.post("/join/{invite}")
    def join(invite: str, request: Request, id: str | None = None) -> Response:
        invited(invite)
        token = known(request)
        if token is None or not _same(sittings, token, id):
            if not limits.joins.allows(request.client.host if request.client else ""):
                raise RefusedError(429, "many people are beginning just now; try again in a minute")
            token = sittings.join(id).token
        answer = RedirectResponse(f"/r/{token}", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, max_age=KEPT, httponly=True, samesite="lax", secure=secure)
        return answer


def _same(sittings: Sittings, token: str, outside: str | None) -> bool:
    """Whether a browser's rater is the one of the link."""
    return outside is None or sittings.rater(token).outside == outside


def _invitation(sittings: Sittings) -> str:
    protocol, study = sittings.study.protocol, sittings.study
    told = "".join(f"<p>{escape(text)}</p>" for text in protocol.instructions)
    tasks = study.tasks + min(protocol.tests, len(study.tests))
    seconds = max(protocol.opens_after, 2.5 * study.pairs[0].seconds + 10)
    minutes = max(1, round(tasks * seconds / 60))
    return (
        page("join.html")
        .replace("{{title}}", escape(protocol.title))
        .replace("{{instructions}}", told)
        .replace("{{tasks}}", str(tasks))
        .replace("{{minutes}}", str(minutes))
    )


def _add_rating(app: FastAPI, sittings: Sittings, limits: Limits) -> None:
    protocol = sittings.study.protocol
    shell = page("rater.html").replace("{{title}}", escape(protocol.title))
    asked = [
        question.model_dump(mode="json", include={"id", "text", "kind", "aspects", "least"})
        for question in protocol.questions
    ]
    setup = {"questions": asked, "watched": protocol.watched}

    def limited(token: str) -> None:
        if not limits.asks.allows(token):
            raise RefusedError(429, "that was many requests at once; wait a moment")

    @app.get("/r/{token}")
    def rating(token: str) -> Response:
        sittings.rater(token)
        return HTMLResponse(shell, headers={"cache-control": "no-store"})

    @app.get("/r/{token}/setup")
    def questions(token: str) -> dict[str, Any]:
        sittings.rater(token)
        return setup

    @app.post("/r/{token}/look")
    def look(token: str) -> dict[str, Any]:
        limited(token)
        return sittings.look(token)

    @app.post("/r/{token}/watched")
    def watched(token: str, said: Watched) -> dict[str, Any]:
        limited(token)
        return sittings.watched(token, said.position, said.side)

    @app.post("/r/{token}/answers")
    def answers(token: str, said: Answered) -> dict[str, Any]:
        limited(token)
        kept = sittings.answer(token, said.position, said.answers)
        return {**kept, "next": sittings.look(token)}


def _add_media(app: FastAPI, sittings: Sittings) -> None:
    @app.get("/r/{token}/{position}/{name}")
    def media(
        token: str, position: int, name: str, range: Annotated[str | None, Header()] = None
    ) -> Response:
        if name not in MEDIA:
            raise RefusedError(404, "there is nothing here; go on with your own task")
        which, kind = MEDIA[name]
        status, held, headers = part_of(sittings.file(token, position, which), range)
        headers["cache-control"] = "private, max-age=3600"
        return Response(held, status, headers, kind)


def _add_admin(app: FastAPI, sittings: Sittings, secret: str) -> None:
    study, store = sittings.study, sittings.store

    def admitted(token: str) -> None:
        if not secrets.compare_digest(token.encode(), secret.encode()):
            raise RefusedError(404, "there is nothing here; check the link")

    @app.get("/admin/{token}")
    def admin(token: str) -> Response:
        admitted(token)
        return HTMLResponse(page("admin.html"))

    @app.get("/admin/{token}/progress")
    def progress(token: str) -> dict[str, Any]:
        admitted(token)
        return progress_of(study, store)

    @app.get("/admin/{token}/votes.csv")
    def votes_csv(token: str) -> Response:
        admitted(token)
        headers = {"content-disposition": 'attachment; filename="votes.csv"'}
        return Response(csv_of(study, store), media_type="text/csv", headers=headers)

    @app.get("/admin/{token}/votes.json")
    def votes_json(token: str) -> Response:
        admitted(token)
        headers = {"content-disposition": 'attachment; filename="votes.json"'}
        held = json.dumps(json_of(study, store), indent=1, ensure_ascii=False)
        return Response(held, media_type="application/json", headers=headers)
