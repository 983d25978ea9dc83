"""Being stopped, by Ctrl-C or from outside, also where a library swallows the exception for it."""

import signal
from types import FrameType

_heard: list[int] = []


class Stopped(KeyboardInterrupt):
    """The user, or the system, wants the command to end; whatever is half done is thrown away."""


def listen() -> None:
    """From now on SIGINT (Ctrl-C), SIGTERM and SIGHUP raise `Stopped`."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _hear)


def heard() -> bool:
    """Whether such a signal has come."""
    return bool(_heard)


def check() -> None:
    """Stop here if a signal has come and its exception was lost on the way.

    Raises:
        Stopped: it has.
    """
    if _heard:
        raise Stopped


def exit_code() -> int:
    """128 + the signal's number, as shells expect: 130 for Ctrl-C."""
    return 128 + (_heard[0] if _heard else signal.SIGINT)


def _hear(number: int, _frame: FrameType | None) -> None:
    _heard.append(number)
    raise Stopped
