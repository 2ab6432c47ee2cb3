"""Lines of a pod's text are taken as they arrive, and none of them fills the memory."""

import itertools
import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from davylamp.adapters.pods.exposition import LONGEST_LINE, WantedLines, read_lines

PIECE = b"x" * 4096


def test_of_an_endless_line_of_another_metric_no_more_is_kept_than_tells_so():
    lines = WantedLines((b"wanted_total",))
    kept = []
    for _ in range(16):
        lines.add(PIECE)
        kept.append(len(lines._rest))
    lines.add(b"\nwanted_total 1\n")
    assert max(kept) == LONGEST_LINE
    assert lines.end() == [b"wanted_total 1"]


def test_an_endless_line_that_is_wanted_is_refused_before_it_ends():
    lines = WantedLines((b"wanted_total",))
    with pytest.raises(ValueError, match="more metrics than can be read"):
        lines.add(b"wanted_total" + PIECE)


@given(
    st.lists(st.sampled_from([b"\n", b"wanted_total", b"wanted", b"_sum", b" 1", b"#", b"w"])),
    st.lists(st.integers(0, 100)),
)
def test_lines_are_those_that_begin_with_a_name_however_the_text_is_cut(words, cuts):
    text, names = b"".join(words) + b"\n", (b"wanted_total", b"wanted_sum", b"#")
    lines, places = WantedLines(names), sorted({0, len(text), *(c % len(text) for c in cuts)})
    for begin, end in itertools.pairwise(places):
        lines.add(text[begin:end])
    assert lines.end() == [line for line in text.split(b"\n") if line.startswith(names)]


def test_no_line_is_wanted_where_no_metric_is():
    lines = WantedLines(())
    lines.add(b"a_total 1\n")
    assert lines.end() == []


def test_lines_of_nothing_cost_the_event_loop_next_to_nothing():
    lines = WantedLines((b"wanted_total", b"wanted_sum"))
    began = time.thread_time()
    for _ in range(64):
        lines.add(b"\n" * 65536)
    assert time.thread_time() - began < 0.1  # it was 0.3


def expected(text):
    """What the library makes of a line; None where it is no sample."""
    try:
        families = list(text_string_to_metric_families(text))
    except (ValueError, IndexError):
        return None
    samples = [sample for family in families for sample in family.samples]
    return [({**s.labels, "__name__": s.name}, float(s.value)) for s in samples]


names = st.sampled_from(["m_total", "a:b", "_x", "__m", "m-1", ""])
labels = st.sampled_from(["code", "le", "_a", "__name__", "__b", "a:b", "ö", ""])
texts = st.text(st.sampled_from('ab,={} \\"\t#ü5'), max_size=6)
values = st.sampled_from(
    ["90", "0.5", "-1", "1e5", "1.5E+3", "+2", "007", ".5", "5.", "NaN", "+Inf", "1_0", "0x1", ""]
)
pairs = st.lists(st.tuples(labels, texts), max_size=3)


@given(names, pairs, values, st.sampled_from(["{}", "{{{}}}", "{{{},}}", " {{ {} }} ", "{{{}}}\t"]))
@example("m_total", [("code", "200"), ("code", "500")], "1", "{{{}}}")
@example("m_total", [("__name__", "other")], "1", "{{{}}}")
def test_a_line_is_read_as_the_clients_library_reads_it(name, pairs, value, braces):
    written = ",".join(f'{label}="{text}"' for label, text in pairs)
    line = f"{name}{braces.format(written)} {value}"
    wanted = expected(line)
    if wanted is None:
        with pytest.raises(ValueError, match="a line is no sample"):
            read_lines([line.encode()], {}, at=7.0)
    else:
        series = read_lines([line.encode()], {}, at=7.0)
        assert [each.labels for each in series] == [renamed for renamed, _ in wanted]
        assert all(list(each.values) == [7.0] for each in series)
        for each, (_, number) in zip(series, wanted, strict=True):
            assert each.values[7.0] == number or math.isnan(number)


def test_lines_that_are_written_usually_and_others_stand_side_by_side():
    lines = [b'm{a="1"} 1', b'm{a="\\"2"} 2', b'm{ a="3" } +3', b"m 4"]
    series = read_lines(lines, {"pod": "p"}, at=7.0)
    assert {each.labels.get("a", ""): each.values[7.0] for each in series} == {
        "1": 1.0,
        '"2': 2.0,
        "3": 3.0,
        "": 4.0,
    }
    assert {each.labels["pod"] for each in series} == {"p"}


def test_the_same_series_is_there_twice_however_it_is_written():
    with pytest.raises(ValueError, match="a series is there twice"):
        read_lines([b'm{a="1"} 1', b'm{ a="1" } 1'], {}, at=7.0)


def test_a_number_too_large_to_be_one_is_infinite():
    (series,) = read_lines([b"m " + b"1" * 400], {}, at=7.0)
    assert series.values == {7.0: math.inf}
