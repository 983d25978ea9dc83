"""What is in a folder of prepared shards, and how it was made."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from kineograph.core.errors import DataError
from kineograph.core.files import check_writable, whole_file

LEDGER = "prepared.json"
"""What is in a prepared folder, and how it was made."""


class Ledger(BaseModel):
    """What `prepared.json` holds."""

    model_config = ConfigDict(extra="forbid")

    version: int = 1
    kind: str
    """What it was made of: videos or scenes."""
    settings: dict[str, Any]
    """How the clips were made."""
    shards: dict[str, list[str]] = {}
    """What each shard is made of: names of videos, or the first and the last scene."""
    clips: dict[str, int] = {}
    """How many clips each finished shard holds; without any, there is no file."""
    skipped: dict[str, str] = {}
    """What could not be used, and why."""

    def save(self, out: Path) -> None:
        """Write it into its folder.

        Raises:
            OutputError: it cannot be written.
        """
        with whole_file(out / LEDGER) as partial:
            told = json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False)
            partial.write_text(told, encoding="utf-8")


def opened(out: Path, kind: str, settings: dict[str, Any]) -> Ledger:
    """The ledger of a folder, or a new one; the folder must have been made the same way.

    Raises:
        DataError: it was made of other things or in another way, or its ledger is broken.
        OutputError: it cannot be written to, or holds something else.
    """
    path = out / LEDGER
    if not path.exists():
        check_writable(out, folder=True, replaceable=False)
        return Ledger(kind=kind, settings=settings)
    try:
        ledger = Ledger.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(f"{path} cannot be read; prepare into another folder") from error
    mine = {"kind": kind, **settings}
    theirs = {"kind": ledger.kind, **ledger.settings}
    for name in mine:
        if mine[name] != theirs.get(name):
            raise DataError(
                f"{out} was made with {name} {theirs.get(name)}, not {mine[name]}; give the same "
                "settings, or another folder"
            )
    return ledger
