"""`kineograph schema`: the published JSON Schema."""

import json
from pathlib import Path

from cli.conftest import Run, left


def test_the_schema_is_printed_or_written(run: Run, folder: Path) -> None:
    printed = json.loads(run("schema").stdout)
    assert list(printed)[:2] == ["$schema", "$id"]
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert printed["$id"] == "urn:kineograph:motion:1"
    assert printed["title"] == "Kineograph motion document"
    assert {"size", "frames", "fps", "picture", "gestures"} <= printed["properties"].keys()
    done = run("schema", "-o", "motion.schema.json")
    assert done.stdout == "wrote motion.schema.json: the JSON Schema of motion documents\n"
    assert json.loads(Path("motion.schema.json").read_text()) == printed
    assert left(folder) == {"motion.schema.json"}


def test_a_place_that_cannot_be_written(run: Run, folder: Path) -> None:
    done = run("schema", "-o", ".", code=2)
    assert done.stderr == "error: cannot write .: it is a folder; name a file\n"
