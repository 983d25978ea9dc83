"""A table of names is read both ways."""

from kineograph.models.layouts.renaming import Renaming

TABLE = Renaming(
    fields={"at": r"blocks\.\d+", "leaf": "weight|bias"},
    pairs=(("{at}.first.{leaf}", "{leaf}.of.{at}"), ("plus+.{leaf}", "p.{leaf}")),
)


def test_names_are_translated_both_ways() -> None:
    assert TABLE.ours("blocks.12.first.bias") == "bias.of.blocks.12"
    assert TABLE.original("bias.of.blocks.12") == "blocks.12.first.bias"
    assert TABLE.ours("plus+.weight") == "p.weight"


def test_only_whole_names_are_known_and_dots_are_dots() -> None:
    for name in ("blocks.12.first.bias.x", "a.blocks.1.first.bias", "blocks.1xfirst.bias", "plus"):
        assert TABLE.ours(name) is None


def test_unknown_names_are_given_back() -> None:
    known, unknown = TABLE.read({"blocks.0.first.weight": 1, "other": 2})
    assert known == {"weight.of.blocks.0": 1}
    assert unknown == ["other"]
    assert TABLE.write(known) == ({"blocks.0.first.weight": 1}, [])
