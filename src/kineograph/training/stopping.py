"""Being asked to stop while training: the step is ended and saved first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
"""What asks to stop, where the system knows it."""


@dataclass
class Stopping:
    """Whether someone has asked to stop."""

    heard: list[str] = field(default_factory=list)
    """The names of the signals that came."""

    @property
    def asked(self) -> bool:
        """Whether one came."""
        return bool(self.heard)


@contextmanager
def listening() -> Iterator[Stopping]:
    """Inside, the first signal to stop is noted; a second one interrupts at once.

    What signals did before is put back at the end. Outside the main thread, where signals cannot be
    caught, they do what they did.
    """
    stopping, before = Stopping(), dict[int, Any]()

    def hear(number: int, frame: FrameType | None) -> None:
        if stopping.asked:
            raise KeyboardInterrupt
        stopping.heard.append(signal.Signals(number).name)

    if current_thread() is main_thread():
        for name in SIGNALS:
            if hasattr(signal, name):
                number = getattr(signal, name)
                before[number] = signal.signal(number, hear)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
