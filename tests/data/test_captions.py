"""Captions: they say what the facts say and nothing else, in words that are all known."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kineograph.data.clip import Fact
from kineograph.data.procedural.captions import (
    caption,
    flipped,
    label_caption,
    scene_caption,
    vocabulary,
)
from kineograph.data.procedural.phrases import (
    ALL_STILL,
    CAMERA_PHRASES,
    DIRECTIONS,
    OBJECT_PHRASES,
    QUICK,
    SLOW,
    article,
    listed,
    pace_of,
)
from kineograph.data.procedural.sprites import sprite
from kineograph.data.procedural.world import CAMERA_VERBS, OBJECT_VERBS
from kineograph.data.procedural.writer import Habits

SIZE = (128, 128)
ALL = Habits(most=9, camera=1, still_camera=1, still=1, further=1, pace=1, behind=1, background=1)
NONE = Habits(camera=0, still_camera=0, still=0, further=0, pace=0, behind=0, background=0)

FOX = Fact("fox face", "moves", "left", 90.0, 0)
SQUARE = Fact("red square", "rotates", "clockwise", 90.0, 1)
ZOOM = Fact("camera", "zooms", "in", 1.4)
STILL = Fact("camera", "stays")


def texts(facts: list[Fact], count: int = 60, **options: object) -> list[str]:
    rng = np.random.default_rng(0)
    options = {"habits": ALL, **options}
    return [caption(rng, facts, size=SIZE, **options).text for _ in range(count)]


def test_a_sentence_says_who_does_what() -> None:
    for text in texts([FOX], habits=NONE):
        assert re.fullmatch(r"a fox face (moves|slides|drifts|glides) (to the )?left", text)


def test_the_grammar_varies() -> None:
    said = texts([FOX, SQUARE, ZOOM], count=200, background="pebbled background")
    assert len(set(said)) > 150
    for text in said:
        assert "fox face" in text and "red square" in text and "the camera" in text
        assert "pebbled background" in text
        assert "left" in text and "zooms" in text
        assert " clockwise" in text and "right" not in text


def test_the_example_can_be_said() -> None:
    said = texts([FOX, Fact("green square", "stays", group=1), ZOOM], count=400, passes=[(0, 1)])
    plain = {text.replace(" quickly", "").replace(" fast", "") for text in said}
    assert any(
        re.search(
            r"a fox face slides left behind a green square.* (while|as) the camera zooms in", t
        )
        for t in plain
    )


def test_who_hides_whom_is_said_once_and_the_right_way_round() -> None:
    for text in texts([FOX, SQUARE], count=150, passes=[(0, 1)]):
        behind = re.findall(r"behind (a|the) (.*?square|.*?face)", text)
        before = re.findall(r"in front of (a|the) (.*?square|.*?face)", text)
        assert len(behind) + len(before) == 1
        assert all(name == "red square" for _, name in behind)
        assert all(name == "fox face" for _, name in before)
    assert not any("behind" in text for text in texts([FOX, SQUARE]))


def test_articles_of_first_and_later_mention() -> None:
    for text in texts([FOX, SQUARE], count=150, passes=[(0, 1)]):
        for name in ("fox face", "red square"):
            kinds = re.findall(rf"(a|the|another) {name}", text)
            assert kinds[0] == "a" and set(kinds[1:]) <= {"the"}


def test_two_of_one_name_are_told_apart() -> None:
    twin = Fact("fox face", "grows", None, 1.5, 1)
    for text in texts([FOX, twin]):
        assert "a fox face" in text and "another fox face" in text


@pytest.mark.parametrize("facts", [[], [STILL], [STILL, Fact("red square", "stays", group=0)]])
def test_stillness_is_said(facts: list[Fact]) -> None:
    still = (*ALL_STILL, *OBJECT_PHRASES["stays"], *CAMERA_PHRASES["stays", ""])
    for text in texts(facts):
        assert any(said in text for said in still)
        assert not any(word in text for word in ("moves ", "slides", "zooms", "turns"))


def test_nothing_that_moves_is_called_still() -> None:
    for text in texts([Fact("red square", "stays", group=0), ZOOM], count=100):
        assert not any(said in text for said in ALL_STILL)


def test_a_caption_returns_the_facts_it_states() -> None:
    rng = np.random.default_rng(0)
    facts = [FOX, Fact("fox face", "rotates", "counterclockwise", 200.0, 0), SQUARE, ZOOM, STILL]
    habits = Habits(most=1, camera=0.5, further=0.5)
    counts = set()
    for _ in range(80):
        written = caption(rng, facts, size=SIZE, habits=habits)
        counts.add(len(written.facts))
        assert set(written.facts) <= set(facts)
        said = {fact.subject for fact in written.facts}
        assert all(
            (name in written.text) == (name in said)
            for name in ("fox face", "red square", "camera")
        )
        if FOX in written.facts:
            assert "left" in written.text
    assert len(counts) > 2


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (Fact("x", "moves", "left", 10.0), SLOW),
        (Fact("x", "moves", "left", 50.0), ("",)),
        (Fact("x", "moves", "left", 100.0), QUICK),
        (Fact("x", "rotates", "clockwise", 20.0), SLOW),
        (Fact("x", "rotates", "clockwise", 300.0), QUICK),
        (Fact("camera", "rolls", "clockwise", 30.0), QUICK),
        (Fact("camera", "zooms", "out", 1 / 1.1), SLOW),
        (Fact("camera", "moves", "in", 2.0), QUICK),
        (Fact("x", "shrinks", None, 0.4), QUICK),
        (Fact("x", "grows", None, 1.4), ("",)),
        (Fact("x", "wobbles", None, 3.0), ("",)),
        (Fact("x", "moves", "left"), ("",)),
    ],
)
def test_speed_is_said_by_the_measured_amount(fact: Fact, words: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    assert {pace_of(rng, fact, SIZE) for _ in range(30)} == set(words)


def test_fast_never_stands_before_its_verb() -> None:
    for text in texts([FOX, SQUARE, Fact("camera", "pans", "up", 100.0)], count=150):
        assert not re.search(r"fast (moves|slides|drifts|glides|pans|turns)", text)


def test_directions_are_said_whole() -> None:
    for way in DIRECTIONS:
        for text in texts([Fact("red square", "flies", way, 50.0, 0)], count=12, habits=NONE):
            for word in way.split():
                assert re.search(rf"\b{word}(wards)?\b", text)
            others = {"left", "right", "up", "down"} - set(way.split())
            assert not others & set(text.replace("wards", "").split())


def test_every_verb_of_a_world_has_a_phrase() -> None:
    assert set(OBJECT_VERBS) <= set(OBJECT_PHRASES)
    assert set(CAMERA_VERBS) == {verb for verb, _ in CAMERA_PHRASES}


def test_an_unknown_verb_is_said_as_it_is() -> None:
    assert texts([Fact("cat", "leaps", "away", None, 0)], count=1, habits=NONE) == [
        "a cat leaps away"
    ]


def test_what_is_seen_says_nothing_of_motion() -> None:
    rng = np.random.default_rng(0)
    said = {
        scene_caption(rng, ["fox face", "red square"], background="photograph") for _ in "x" * 60
    }
    assert "a fox face and a red square" in said
    assert "a fox face and a red square in front of a photograph" in said
    assert len(said) == 7
    assert scene_caption(rng, ["owl", "owl", "ufo"]) == "an owl, another owl and a ufo"
    assert scene_caption(rng, [], background="orange wavy background") == (
        "an orange wavy background"
    )
    assert scene_caption(rng, []) == ""


def test_labels_are_bare() -> None:
    assert label_caption(["fox face", "red square", "fox face"]) == "fox face, red square"
    assert label_caption([]) == ""


def test_flipping() -> None:
    assert flipped("slides Left, turns COUNTERCLOCKWISE to the right") == (
        "slides Right, turns CLOCKWISE to the left"
    )
    assert flipped("bright uprights leftover Clockwise.") == (
        "bright uprights leftover Counterclockwise."
    )
    assert flipped("up left") == "up right"
    assert flipped("anticlockwise and counter-clockwise") == "clockwise and clockwise"


@given(st.integers(0, 2**32 - 1))
def test_flipping_a_caption_twice_gives_it_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    way = list(DIRECTIONS)[int(rng.integers(8))]
    turn = "clockwise" if seed % 2 else "counterclockwise"
    facts = [Fact("owl", "moves", way, 30.0, 0), Fact("camera", "rolls", turn, 5.0)]
    text = caption(rng, facts, size=SIZE, habits=ALL).text
    assert flipped(flipped(text)) == text != flipped(text)


def test_the_vocabulary_holds_every_word_that_is_said() -> None:
    words = vocabulary()
    known = set(words)
    assert list(words) == sorted(known) and len(words) < 1000
    rng = np.random.default_rng(0)
    ways = [*DIRECTIONS, None]
    for _ in range(200):
        names = [sprite(rng, 32).name for _ in range(2)]
        facts = [
            Fact(name, OBJECT_VERBS[int(rng.integers(len(OBJECT_VERBS)))], ways[i], 1.5, group)
            for group, name in enumerate(names)
            for i in rng.integers(len(ways), size=2)
        ]
        verb = CAMERA_VERBS[int(rng.integers(len(CAMERA_VERBS)))]
        facts.append(Fact("camera", verb, ("in", "out")[int(rng.integers(2))], 1.1))
        text = caption(rng, facts, size=SIZE, passes=[(0, 1)], background="photograph").text
        assert set(re.findall(r"[a-z]+", text)) <= known, text
        assert set(scene_caption(rng, names, background="jumbled background").split()) <= {
            *known,
            *(f"{word}," for word in known),
        }
    assert "zebras" not in known and "zebras" in vocabulary(["striped zebras"])


def test_articles_and_lists() -> None:
    assert [article(name) for name in ("owl", "fox", "unicorn face", "ufo", "umbrella")] == [
        "an",
        "a",
        "a",
        "a",
        "an",
    ]
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]


def test_the_same_generator_writes_the_same() -> None:
    assert all(a == b for a, b in pairwise(texts([FOX, SQUARE, ZOOM]) for _ in range(3)))
