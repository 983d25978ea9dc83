"""Gestures in a line of text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.core.errors import DocumentError
from kineograph.gestures.box import Box
from kineograph.gestures.drag import Drag
from kineograph.gestures.pin import Pin
from kineograph.gestures.shorthand.line import parse_box, parse_drag, parse_pin

SIZE = (640, 480)


def test_the_command_lines_of_the_readme() -> None:
    assert parse_drag("120,200 > 260,180", SIZE) == Drag(path=[(120, 200), (260, 180)])
    assert parse_pin("0,0,640,90", SIZE) == Pin(region=(0, 0, 640, 90))
    assert parse_box("10,10,90,90 > 200,10,280,90", SIZE) == Box.through(
        (10, 10, 90, 90), (200, 10, 280, 90)
    )


def test_percent_is_of_the_canvas_and_of_its_short_side() -> None:
    drag = parse_drag("50%,25% > 12.5%,240 radius=5% stride=1%", SIZE)
    assert drag.path == ((320, 120), (80, 240))
    assert (drag.radius, drag.stride) == (24, 4.8)
    assert parse_pin("0%,0%,100%,50%", SIZE).region == (0, 0, 640, 240)


def test_blanks_do_not_matter() -> None:
    assert parse_drag("  1, 2>3 ,4   >  5,6  persist ", SIZE) == parse_drag(
        "1,2 > 3,4 > 5,6 persist", SIZE
    )


def test_all_words_of_a_drag_in_any_order() -> None:
    drag = parse_drag(
        "1,2 > 3,4 leave straight strength=.5 depth=-2 ease=ease-in-out persist stride=2 "
        "radius=9 @0.5-2.0 name='my arm'",
        SIZE,
    )
    assert drag == Drag(
        path=[(1, 2), (3, 4)],
        leave=True,
        straight=True,
        strength=0.5,
        depth=-2,
        timing="ease-in-out",
        persist=True,
        stride=2,
        radius=9,
        start=0.5,
        end=2,
        name="my arm",
    )
    assert parse_drag("1,2 > 3,4 release", SIZE).persist is False
    assert (parse_drag("1,2 > 3,4 @1", SIZE).start, parse_drag("1,2 > 3,4 @1", SIZE).end) == (
        1,
        None,
    )


def test_words_of_pins_and_boxes() -> None:
    pin = parse_pin("0,0 640,0 320,200 @1-2 stride=8 depth=3 strength=0.5", SIZE)
    assert pin == Pin(
        region=[(0, 0), (640, 0), (320, 200)], start=1, end=2, stride=8, depth=3, strength=0.5
    )
    box = parse_box('1,2,3,4 > 5,6,7,8 @1-2 soft label="big dog" ease=ease persist', SIZE)
    assert box.label == "big dog" and box.timing == "ease" and box.persist
    assert [(key.box, key.hard) for key in box.keys] == [
        ((1, 2, 3, 4), False),
        ((5, 6, 7, 8), False),
    ]


tenths = st.integers(0, 6400).map(lambda n: n / 10)
words = st.fixed_dictionaries(
    {},
    optional={
        "radius": tenths.filter(bool),
        "depth": st.integers(-99, 99),
        "strength": st.integers(1, 10).map(lambda n: n / 10),
        "persist": st.booleans(),
        "timing": st.sampled_from(["linear", "ease", "ease-in", "hold"]),
        "straight": st.just(True),
        "start": tenths,
        "name": st.text("abc' éß=,>@%", min_size=1, max_size=6).map(lambda s: " ".join(s.split())),
    },
)


def line_of(path: list[tuple[float, float]], fields: dict, shuffle: st.DataObject) -> str:
    said = {
        "start": lambda value: f"@{value}",
        "timing": lambda value: f"ease={value}",
        "persist": lambda value: "persist" if value else "release",
        "straight": lambda value: "straight",
        "name": lambda value: f'name="{value}"',
    }
    parts = [said.get(name, lambda v, n=name: f"{n}={v}")(value) for name, value in fields.items()]
    return " ".join(
        [" > ".join(f"{x},{y}" for x, y in path), *shuffle.draw(st.permutations(parts))]
    )


@given(st.lists(st.tuples(tenths, tenths), min_size=2, max_size=5, unique=True), words, st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_what_is_read(path: list, fields: dict, data: st.DataObject) -> None:
    assert parse_drag(line_of(path, fields, data), SIZE) == Drag(path=path, **fields)


@given(st.text("0123456789.,>% @-=persitadu'\"é\n", max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_gesture_or_one_clear_line(text: str) -> None:
    for parse in (parse_drag, parse_pin, parse_box):
        try:
            parse(text, SIZE)
        except DocumentError as error:
            assert "\n" not in str(error) and str(error).startswith("the ")


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (
            parse_drag,
            "",
            'the drag "" is empty; write it as "120,200 > 260,180", in pixels or percent',
        ),
        (parse_drag, "1,2", "has one point; a drag needs two or more"),
        (parse_drag, "1,2 > 1,2", 'the drag "1,2 > 1,2": the path has no length; .*use a pin'),
        (parse_drag, "1,2 > 3", "has 3 where x,y should be"),
        (parse_drag, "1,2 > 3,x", "has 'x' where a number should be"),
        (parse_drag, "nan,2 > 3,4", "has 'nan' where a number should be"),
        (parse_drag, "1,2 3,4", "has 3,4 after a blank; put > between places"),
        (parse_drag, "persist", "begins with no point"),
        (
            parse_drag,
            "1,2 > 3,4 persits",
            "unknown word 'persits'; did you mean persist. known: @start",
        ),
        (parse_drag, "1,2 > 3,4 label=a", "has the unknown word 'label=a'; "),
        (parse_drag, "1,2 > 3,4 radius=big", "has 'big' where a number should be"),
        (parse_drag, "1,2 > 3,4 depth=near", "has depth=near; give a number, such as depth=0.5"),
        (parse_drag, "1,2 > 3,4 @2-x", "has the time span '@2-x'; write it in seconds, as @0.5-2"),
        (parse_drag, "1,2 > 3,4 @2-1", "lasts from 2 s to 1 s; the end has to be later"),
        (parse_drag, "1,2 > 3,4 @1 @2", "says start twice; say it once"),
        (parse_drag, "1,2 > 3,4 persist release", "says persist twice"),
        (parse_drag, "1,2 > 3,4 ease=bouncy", "timing is 'bouncy'; known: linear, ease, "),
        (parse_drag, "1,2 > 3,4 name='a", "has a quotation mark without its partner"),
        (parse_pin, "0,0,5", "has 0,0,5 where x0,y0,x1,y1 should be"),
        (parse_pin, "0,0 5,5", "has 2 corners; a polygon needs three or more"),
        (parse_pin, "5,5,1,1", "is the box 5,5,1,1, which has no area"),
        (parse_pin, "0,0,5,5 persist", "unknown word 'persist'"),
        (parse_box, "1,2 > 3,4", "has 1,2 where x0,y0,x1,y1 should be"),
        (parse_box, "1,2,1,4", "is the box 1,2,1,4, which has no area"),
        (parse_box, "1,2,3,4 strength=1", "unknown word 'strength=1'"),
    ],
)
def test_what_cannot_be_read(parse: object, text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        parse(text, SIZE)  # type: ignore[operator]
