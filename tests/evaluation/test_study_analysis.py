"""The study's analysis: intervals of simulated raters, agreement, majority, reasons, charts."""

import io
import json
import math
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import numpy as np
import pytest
from raters import ASPECTS, simulated, true_share, vote, votes_of
from rich.console import Console

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.agreement import MISSING, nominal_alpha
from kineograph.evaluation.study.analysis import analyse
from kineograph.evaluation.study.charts import reason_chart, win_chart
from kineograph.evaluation.study.clustered import clustered_interval, plain_interval
from kineograph.evaluation.study.protocols import MOTIF, MOTION_PROMPTING
from kineograph.evaluation.study.strengths import strengths_of
from kineograph.evaluation.study.tables import tables_of
from kineograph.evaluation.study.votes import Vote, Votes

# intervals


@pytest.mark.parametrize(("by_rater", "by_pair"), [(0.0, 0.0), (0.8, 0.0), (0.0, 0.8), (0.8, 0.8)])
def test_the_interval_holds_the_truth_in_about_95_of_100_studies(
    by_rater: float, by_pair: float
) -> None:
    rng = np.random.default_rng(5)
    truth = true_share(0.8, math.hypot(by_rater, by_pair))
    held, plain_held = 0, 0
    for _ in range(200):
        said, who, what = simulated(rng, by_rater=by_rater, by_pair=by_pair)
        found, plain = clustered_interval(said, who, what), plain_interval(said)
        held += found.low <= truth <= found.high
        plain_held += plain.low <= truth <= plain.high
    assert 0.91 <= held / 200 <= 0.995
    if by_rater and by_pair:
        assert plain_held / 200 < 0.85  # what ignoring the clusters would have claimed as 95 %
    elif not by_rater and not by_pair:
        assert 0.91 <= plain_held / 200 <= 0.985


def test_a_small_study_with_few_votes_each() -> None:
    rng = np.random.default_rng(6)
    truth = true_share(0.5, math.hypot(0.5, 0.8))
    held = 0
    for _ in range(200):
        said, who, what = simulated(
            rng, raters=80, pairs=64, each=4, lean=0.5, by_rater=0.5, by_pair=0.8
        )
        found = clustered_interval(said, who, what)
        held += found.low <= truth <= found.high
    assert 0.91 <= held / 200 <= 0.99


def test_the_variance_is_what_resampling_gives() -> None:
    """By raters, plus by pairs, less by votes, each resampled a few thousand times."""
    rng = np.random.default_rng(7)
    said, who, what = simulated(rng, raters=30, pairs=40, each=20, by_rater=0.7, by_pair=0.7)

    def resampled(cluster: np.ndarray) -> float:
        count = int(cluster.max()) + 1
        sums, sizes = np.bincount(cluster, weights=said), np.bincount(cluster)
        means = []
        for _ in range(4000):
            drawn = rng.integers(0, count, count)
            means.append(sums[drawn].sum() / sizes[drawn].sum())
        return float(np.var(means)) * count / (count - 1)

    slow = resampled(who) + resampled(what) - resampled(np.arange(len(said)))
    found = clustered_interval(said, who, what)
    odds = math.log(found.high / (1 - found.high)) - math.log(found.value / (1 - found.value))
    reach = 2.0452296421327034  # Student's t, 29 degrees of freedom, 97.5 %
    deviation = odds / reach * found.value * (1 - found.value)
    assert deviation**2 == pytest.approx(slow, rel=0.08)


def test_clusters_widen_the_interval_and_their_lack_does_not() -> None:
    rng = np.random.default_rng(8)
    said, who, what = simulated(rng, by_rater=1.0, by_pair=1.0)
    clustered, plain = clustered_interval(said, who, what), plain_interval(said)
    assert clustered.high - clustered.low > 1.5 * (plain.high - plain.low)
    alone = np.arange(len(said))
    single = clustered_interval(said, alone, alone)
    assert single.low == pytest.approx(plain.low) and single.high == pytest.approx(plain.high)


def test_copies_of_a_rater_tell_nothing_new() -> None:
    said = np.array([True, True, False, True, False, True, True, False])
    who, what = np.arange(8), np.arange(8)
    once = clustered_interval(said, who, what)
    many = clustered_interval(np.tile(said, 50), np.tile(who, 50), np.arange(400))
    assert many.low == pytest.approx(once.low, abs=1e-9)
    assert plain_interval(np.tile(said, 50)).low > many.low + 0.2


def test_unanimous_votes_and_single_raters() -> None:
    ones, who, what = np.ones(40, bool), np.repeat(np.arange(4), 10), np.tile(np.arange(10), 4)
    sure = clustered_interval(ones, who, what)
    assert (sure.value, sure.high) == (1, 1)
    assert sure.low == pytest.approx(0.025 ** (1 / 4))  # Clopper and Pearson, 4 of 4
    none = clustered_interval(~ones, who, what)
    assert (none.value, none.low) == (0, 0) and none.high == pytest.approx(1 - sure.low)
    alone = clustered_interval(np.array([True, False]), np.array([0, 0]), np.array([0, 1]))
    assert math.isnan(alone.low) and math.isnan(alone.high) and alone.value == 0.5


# agreement


def test_alpha_of_krippendorffs_own_example() -> None:
    """Krippendorff 2011, part C: four observers, twelve units, nominal: 0.743."""
    told = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, MISSING, MISSING, MISSING],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, MISSING, 3],
        [MISSING, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, MISSING],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, MISSING],
    ]
    assert nominal_alpha(np.array(told)) == pytest.approx(0.743, abs=5e-4)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_alpha_agrees_with_the_reference_package(seed: int) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(seed)
    raters, units, values = int(rng.integers(2, 9)), int(rng.integers(4, 30)), 2 + seed % 3
    truth = rng.integers(0, values, units)
    noise = rng.integers(0, values, (raters, units))
    answers = np.where(rng.random((raters, units)) < 0.4, noise, truth)
    answers[rng.random((raters, units)) < 0.3] = MISSING
    wanted = krippendorff.alpha(
        np.where(answers == MISSING, np.nan, answers), level_of_measurement="nominal"
    )
    assert nominal_alpha(answers) == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_alpha_of_full_agreement_chance_and_contrariness() -> None:
    assert nominal_alpha(np.array([[0, 1, 0, 1]] * 3)) == 1
    contrary = np.array([[0, 1, 0, 1], [1, 0, 1, 0]])
    assert nominal_alpha(contrary) == pytest.approx(1 - 1 / (1 - 2 * 4 * 3 / (8 * 7)))
    chance = np.random.default_rng(0).integers(0, 2, (5, 4000))
    assert nominal_alpha(chance) == pytest.approx(0, abs=0.02)


def test_alpha_is_not_defined_without_two_answers_or_two_values() -> None:
    assert math.isnan(nominal_alpha(np.zeros((3, 5), np.int64)))
    assert math.isnan(nominal_alpha(np.array([[0, 1, MISSING], [MISSING, MISSING, 0]])))
    assert math.isnan(nominal_alpha(np.full((2, 3), MISSING)))


# majority and comparisons


def told(*pairs: str, question: str = "overall") -> list[Vote]:
    """Votes of pairs: "aab" is three raters who chose a, a and b."""
    return [
        vote(rater, pair, chosen, question=question)
        for pair, said in enumerate(pairs)
        for rater, chosen in enumerate(said)
    ]


def test_the_majority_counts_pairs_and_ties_half() -> None:
    (row,) = analyse(votes_of(*told("aaaaa", "aaabb", "bbbaa", "aabb"))).comparisons
    assert row.majority.value == pytest.approx((1 + 1 + 0 + 0.5) / 4) and row.ties == 1
    assert row.wins.value == pytest.approx(12 / 19) and row.wins.count == 19
    assert (row.raters, row.pairs, row.votes_a_pair) == (5, 4, (4, 5))
    assert row.wins.low < row.wins.value < row.wins.high
    assert row.systems == ("a", "b") and row.question == "overall"


def test_majority_is_surer_than_single_votes() -> None:
    """With five raters who each lean to one side, the vote of the majority leans more."""
    rng = np.random.default_rng(1)
    said = ["".join("a" if x else "b" for x in rng.random(5) < 0.7) for _ in range(300)]
    (row,) = analyse(votes_of(*told(*said))).comparisons
    exact = sum(math.comb(5, k) * 0.7**k * 0.3 ** (5 - k) for k in (3, 4, 5))
    assert row.wins.value == pytest.approx(0.7, abs=0.03)
    assert row.majority.value == pytest.approx(exact, abs=0.06)
    assert row.majority.low <= exact <= row.majority.high


def test_a_named_system_comes_first_and_shares_mirror() -> None:
    votes = votes_of(*told("aaaab", "aabbb", "aaabb"))
    (one,) = analyse(votes).comparisons
    (other,) = analyse(votes, system="b").comparisons
    assert other.systems == ("b", "a")
    assert other.wins.value == pytest.approx(1 - one.wins.value)
    assert other.wins.low == pytest.approx(1 - one.wins.high)
    assert other.majority.value == pytest.approx(1 - one.majority.value)
    assert other.alpha == pytest.approx(one.alpha)


def test_a_named_systems_comparisons_stand_first() -> None:
    votes = [
        vote(0, one + other, one, systems=(one, other))
        for one, other in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    rows = analyse(votes_of(*votes), system="c").comparisons
    assert [row.systems for row in rows] == [("c", "a"), ("c", "b"), ("a", "b")]


def test_every_two_systems_and_every_question_are_told_apart() -> None:
    votes = [
        vote(rater, f"{pair}{one}{other}", one, question=question, systems=(one, other))
        for rater, pair in product(range(3), range(4))
        for one, other in (("a", "b"), ("a", "c"), ("b", "c"))
        for question in ("follows", "quality")
    ]
    rows = analyse(votes_of(*votes), MOTION_PROMPTING).comparisons
    assert [(row.question, row.systems) for row in rows] == [
        (question, systems)
        for question in ("follows", "quality")
        for systems in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    assert all(row.wins.value == 1 and row.pairs == 4 for row in rows)


def test_the_same_votes_give_the_same_figures() -> None:
    votes = votes_of(*told("aaab", "abbb", "aabb", "abab"))
    assert analyse(votes, seed=3) == analyse(votes, seed=3)


# sides, times, raters


def test_the_share_of_left_choices() -> None:
    rng = np.random.default_rng(2)
    votes = []
    for rater, pair in product(range(12), range(20)):
        first = "ab"[int(rng.integers(2))]
        second = "b" if first == "a" else "a"
        votes.append(vote(rater, pair, first if rng.random() < 0.8 else second, first=first))
    found = analyse(votes_of(*votes)).left["overall"]
    assert found.low <= 0.8 <= found.high and found.low > 0.5


def test_times_are_of_tasks_not_of_answers() -> None:
    votes = []
    for rater, seconds in enumerate((60.0, 70.0, 80.0, 90.0, 100.0)):
        votes.append(vote(rater, 0, "a", seconds=seconds - 20))
        votes.append(vote(rater, 0, ("motion",), question="why", seconds=seconds))
    times = analyse(votes_of(*votes)).times
    assert (times.low, times.median, times.high) == (70, 80, 90)
    assert (times.shortest, times.longest, times.count) == (60, 100, 5)


def test_discarded_and_unfinished_raters_are_told() -> None:
    votes = replace(votes_of(*told("ab", "aa")), discarded=("r7", "r9"), unfinished=("r1",))
    found = analyse(votes)
    assert (found.raters, found.discarded, found.unfinished) == (2, ("r7", "r9"), ("r1",))


# reasons


def motif_votes(rng: np.random.Generator, count: int = 320) -> Votes:
    """Five raters a pair who prefer "ours" as in MotiF's comparison to no motion focus."""
    ours = dict(zip(ASPECTS, (0.329, 0.349, 0.103, 0.182), strict=True))
    theirs = dict(zip(ASPECTS, (0.164, 0.164, 0.107, 0.208), strict=True))
    votes = []
    systems = ("ours", "plain")
    for pair, rater in product(range(count), range(5)):
        won = bool(rng.random() < 0.631)
        shares, own = (ours, 0.631) if won else (theirs, 0.369)
        ticked = tuple(name for name in ASPECTS if rng.random() < shares[name] / own)
        who = (pair * 7 + rater) % 40
        votes.append(vote(who, pair, systems[not won], systems=systems))
        votes.append(vote(who, pair, ticked, question="why", systems=systems))
    return votes_of(*votes)


def test_reasons_are_shares_of_all_votes_as_in_motifs_table() -> None:
    found = analyse(motif_votes(np.random.default_rng(3)), MOTIF)
    rows = {(row.systems[0], row.aspect): row for row in found.reasons}
    assert list(rows) == [(s, a) for s in ("ours", "plain") for a in ASPECTS]
    published = (0.329, 0.349, 0.103, 0.182, 0.164, 0.164, 0.107, 0.208)
    for row, share in zip(rows.values(), published, strict=True):
        assert row.share.value == pytest.approx(share, abs=0.03)
        assert row.share.low < share < row.share.high or abs(row.share.value - share) < 0.025
    one = rows["ours", "text"]
    assert one.among_own == pytest.approx(0.349 / 0.631, abs=0.04)


def test_reasons_by_hand() -> None:
    said = [
        (0, 0, "a", ("motion", "text")),
        (1, 0, "a", ("motion",)),
        (0, 1, "b", ("quality",)),
        (1, 1, "a", ()),
    ]
    votes = [vote(r, p, c) for r, p, c, _ in said]
    votes += [vote(r, p, why, question="why") for r, p, _, why in said]
    rows = {(r.systems[0], r.aspect): r for r in analyse(votes_of(*votes), MOTIF).reasons}
    assert rows["a", "motion"].share.value == 2 / 4 and rows["a", "motion"].ticked == 2
    assert rows["a", "motion"].among_own == pytest.approx(2 / 3)
    assert rows["a", "text"].share.value == 1 / 4
    assert rows["b", "quality"].share.value == 1 / 4 and rows["b", "quality"].among_own == 1
    assert rows["b", "motion"].share.value == 0 and rows["a", "image"].share.value == 0
    guessed = analyse(votes_of(*votes)).reasons  # without the protocol: the aspects that were seen
    assert {row.aspect for row in guessed} == {"motion", "text", "quality"}


# strengths


def test_strengths_of_systems_with_known_ones() -> None:
    rng = np.random.default_rng(4)
    true = {"a": 0.5, "b": 0.3, "c": 0.2}
    votes = []
    for one, other in (("a", "b"), ("a", "c"), ("b", "c")):
        for number in range(3000):
            won = rng.random() < true[one] / (true[one] + true[other])
            votes.append(vote(number, one + other, one if won else other, systems=(one, other)))
    found = strengths_of(votes)
    assert sum(found.values()) == pytest.approx(1)
    for name, value in true.items():
        assert found[name] == pytest.approx(value, abs=0.02)


def test_strengths_fit_the_wins_exactly() -> None:
    """At the maximum of the likelihood, expected wins are the observed ones."""
    wins = {("a", "b"): (7, 3), ("a", "c"): (4, 6), ("b", "c"): (5, 9)}
    votes = [
        vote(f"{index}{side}", one + other, (one, other)[side], systems=(one, other))
        for (one, other), counts in wins.items()
        for side, count in enumerate(counts)
        for index in range(count)
    ]
    found = strengths_of(votes)
    for name, observed in (("a", 11), ("b", 8), ("c", 15)):
        expected = sum(
            sum(counts) * found[name] / (found[one] + found[other])
            for (one, other), counts in wins.items()
            if name in (one, other)
        )
        assert expected == pytest.approx(observed, abs=1e-6)


def test_strengths_are_left_out_where_they_are_not_defined() -> None:
    assert strengths_of(told("ab", "ba")) == {}
    beaten = [vote(0, 0, "a"), vote(1, 0, "b")]
    beaten += [vote(0, f"{x}c", x, systems=(x, "c")) for x in "ab"]
    assert strengths_of(beaten) == {}  # c never won: nothing says how weak it is


# what does not fit


@pytest.mark.parametrize(
    ("votes", "options", "message"),
    [
        ([], {}, "no vote to analyse"),
        (told("ab"), {"system": "x"}, "no system x; there are: a, b"),
        ([vote(0, 0, "a"), vote(0, 0, "b")], {}, "answered overall on pair p0 twice"),
        ([vote(0, 0, "motion")], {"protocol": MOTIF}, "it has to be one of a, b"),
        ([vote(0, 0, ("a", "b"))], {"protocol": MOTIF}, "by a, b; it has to be one"),
        ([vote(0, 0, "a", question="odd")], {"protocol": MOTIF}, "odd, which protocol motif"),
        ([vote(0, 0, ("text",), question="why")], {}, "there are 0; give the protocol"),
        (
            [
                vote(0, 0, "a", question="one"),
                vote(0, 0, "a", question="two"),
                vote(0, 0, ("text",), question="why"),
            ],
            {},
            "there are 2; give the protocol",
        ),
        (
            [vote(0, 0, "a"), vote(0, 1, ("text",), question="why")],
            {"protocol": MOTIF},
            "says why without a choice",
        ),
        (
            [vote(0, 0, "a"), vote(0, 0, ("colour",), question="why")],
            {"protocol": MOTIF},
            "ticked colour; the aspects are motion, text, image, quality",
        ),
        (
            [vote(0, 0, "a"), *[vote(0, 0, ("text",), question="why")] * 2],
            {"protocol": MOTIF},
            "answered why twice",
        ),
    ],
)
def test_votes_that_do_not_fit_are_refused(
    votes: list[Vote], options: dict[str, object], message: str
) -> None:
    with pytest.raises(StudyError, match=message) as error:
        analyse(votes_of(*votes), **options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


# what is shown


@pytest.fixture(scope="module")
def votes() -> Votes:
    return motif_votes(np.random.default_rng(9), 12)


def test_plain_data_is_json(votes: Votes) -> None:
    found = analyse(votes, MOTIF)
    held = json.loads(json.dumps(found.plain(), allow_nan=False))
    assert held["comparisons"][0]["system"] == "ours"
    assert held["comparisons"][0]["win_rate"]["count"] == 60
    assert len(held["justification"]) == 8
    lonely = analyse(votes_of(vote(0, 0, "a")))
    held = json.loads(json.dumps(lonely.plain(), allow_nan=False))
    assert held["comparisons"][0]["alpha"] is None
    assert held["comparisons"][0]["win_rate"]["low"] is None


def test_tables_for_the_terminal(votes: Votes) -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    found = analyse(votes, MOTIF)
    for table in tables_of(found):
        console.print(table)
    said = console.export_text()
    (row,) = found.comparisons
    assert "ours over plain" in said and f"{100 * row.wins.value:.1f}" in said
    assert "chose the left, overall" in said and "seconds a pair, median" in said


def test_names_are_shown_as_they_are() -> None:
    odd = ("[red]$x$", "b_1 <i>&")
    systems = (min(odd), max(odd))
    numbers = product(range(3), range(3))
    said = [vote(r, p, systems[(r + p) % 3 == 0], systems=systems) for r, p in numbers]
    found = analyse(votes_of(*said))
    console = Console(width=200, record=True, file=io.StringIO())
    for table in tables_of(found):
        console.print(table)
    assert "[red]$x$" in console.export_text()
    words = "".join(ElementTree.fromstring(win_chart(found)).itertext())
    assert "[red]$x$ vs b_1 <i>&" in words


def test_charts_are_svg_with_bars_and_whiskers(votes: Votes) -> None:
    found = analyse(votes, MOTIF)
    for chart in (win_chart, reason_chart):
        drawn = chart(found)
        assert drawn == chart(found)  # the same bytes
        assert drawn.startswith("<svg")
        words = "".join(ElementTree.fromstring(drawn).itertext())
        assert "ours" in words and "plain" in words
    assert all(aspect in words for aspect in ASPECTS)
    assert len(drawn) < 100_000


def test_a_chart_of_reasons_needs_reasons() -> None:
    found = analyse(votes_of(*told("ab", "aa")))
    with pytest.raises(StudyError, match="nobody was asked why"):
        reason_chart(found)
    assert "svg" in win_chart(found)


def test_analysis_loads_neither_torch_nor_matplotlib() -> None:
    import subprocess
    import sys

    code = (
        "import sys, kineograph.evaluation.study.charts, kineograph.evaluation.study.tables\n"
        "print([x for x in ('torch', 'matplotlib') if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
