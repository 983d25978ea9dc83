"""The published JSON Schema: it says the truth about documents, and explains every field."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kineograph as kg
from kineograph.core.timing import EASINGS

SCHEMA = kg.Document.model_json_schema()
DRAG = {"kind": "drag", "path": [[1, 1], [2, 2]]}
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}


def errors(value: Any, schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """What a JSON Schema finds wrong with a value: the keywords that this schema uses."""
    if "$ref" in schema:
        yield from errors(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], place)
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        yield f"{place} is no {schema['type']}"
        return
    if isinstance(value, bool) and schema.get("type") in ("number", "integer"):
        yield f"{place} is a truth value"
    if ("const" in schema and value != schema["const"]) or value not in schema.get("enum", [value]):
        yield f"{place} is {value!r}"
    for branch, least in (("anyOf", 1), ("oneOf", 1)):
        held = sum(not list(errors(value, choice)) for choice in schema.get(branch, []))
        if branch in schema and (held < least or (branch == "oneOf" and held > 1)):
            yield f"{place} fits {held} of {branch}"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (
            f"{place}.{name} is missing" for name in schema.get("required", []) if name not in value
        )
        for name, inner in value.items():
            if name in known:
                yield from errors(inner, known[name], f"{place}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{place}.{name} is unknown"
    if isinstance(value, list):
        yield from _items(value, schema, place)
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{place} does not match"
    if isinstance(value, int | float):
        yield from _range(value, schema, place)


def _items(value: list, schema: dict[str, Any], place: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{place} has {len(value)} entries"
    prefix = schema.get("prefixItems", [])
    for index, item in enumerate(value):
        inner = prefix[index] if index < len(prefix) else schema.get("items", {})
        yield from errors(item, inner, f"{place}[{index}]")


def _range(value: float, schema: dict[str, Any], place: str) -> Iterator[str]:
    fits = (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and value > schema.get("exclusiveMinimum", value - 1)
        and value < schema.get("exclusiveMaximum", value + 1)
    )
    if not fits:
        yield f"{place} is out of range"


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["title"] == "Kineograph motion document"


def test_every_field_of_every_model_is_explained() -> None:
    models = {"Document": SCHEMA} | SCHEMA["$defs"]
    bare = [
        f"{model}.{name}"
        for model, schema in models.items()
        for name, field in schema.get("properties", {}).items()
        if not field.get("description")
    ]
    assert not bare and len(models) > 6
    assert all(schema.get("description") for name, schema in models.items() if name != "JsonValue")


def test_documents_as_they_are_saved_fit_it() -> None:
    document = kg.Document(
        size=(640, 480),
        picture={"path": "photo.jpg", "sha256": "0" * 64},
        gestures=[
            kg.Drag(path=[(120, 200), (260, 180)], radius=5, name="arm", depth=1),
            kg.Drag(path=[(120, 300), (260, 380)], timing=[{"at": 0, "to": 0}, {"at": 1, "to": 1}]),
            kg.Pin(region=(0, 0, 640, 90)),
            kg.Pin(region=[(0, 0), (9, 9), (9, 0)]),
            kg.Box(keys=[{"box": (0, 0, 9, 9)}, {"box": (5, 5, 19, 19), "at": 3, "hard": False}]),
            kg.TracksFile(path="tracks.npz"),
        ],
    )
    for held in (document.to_dict(), document.model_dump(mode="json")):
        assert list(errors(held, SCHEMA)) == []
    assert list(errors({"size": [8, 8]}, SCHEMA)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"size": [8]},
        {"size": [8, 8], "version": 2},
        {"size": [8, 8], "colour": 1},
        {"size": [8, 8], "frames": 0},
        {"size": [8, 8], "fps": "16"},
        {"size": [8, 8], "gestures": [{"kind": "spin"}]},
        {"size": [8, 8], "gestures": [{"path": [[1, 1], [2, 2]]}]},
        {"size": [8, 8], "gestures": [{"kind": "drag", "path": [[1, 1]]}]},
        {"size": [8, 8], "gestures": [{"kind": "drag", "path": [[1, 1], [2, 2, 3]]}]},
        {"size": [8, 8], "gestures": [DRAG | {"timing": "bouncy"}]},
        {"size": [8, 8], "gestures": [DRAG | {"strength": 0}]},
    ],
)
def test_what_is_wrong_does_not_fit_it_and_is_not_read(wrong: dict) -> None:
    assert list(errors(wrong, SCHEMA))
    with pytest.raises(kg.errors.DocumentError):
        kg.Document.parse(wrong, ".")


def test_the_easings_are_those_of_the_curves() -> None:
    names = SCHEMA["$defs"]["TimingKey"]["properties"]["ease"]["enum"]
    assert names == list(EASINGS)


def test_names_are_those_of_the_form_not_of_the_code() -> None:
    assert all(re.fullmatch("[A-Z][A-Za-z]+", name) for name in SCHEMA["$defs"])
    assert "kineograph." not in json.dumps(SCHEMA) and "__" not in json.dumps(SCHEMA)


def test_a_document_may_name_its_schema_and_keeps_it(tmp_path: Path) -> None:
    data = {"$schema": "motion.schema.json", "size": [8, 8], "gestures": [DRAG]}
    assert list(errors(data, SCHEMA)) == []
    document = kg.Document.parse(data, tmp_path)
    document.save(tmp_path / "a.motion.json")
    written = json.loads((tmp_path / "a.motion.json").read_text())
    assert next(iter(written.items())) == ("$schema", "motion.schema.json")
    assert kg.Document.load(tmp_path / "a.motion.json") == document
    with pytest.raises(kg.errors.DocumentError, match=r"^\$schema is 3; it should be a valid str"):
        kg.Document.parse({"$schema": 3, "size": [8, 8]}, tmp_path)
