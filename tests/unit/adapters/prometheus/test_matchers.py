"""Matchers of a selector: read once, written into queries, evaluated on the labels of a pod."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davylamp.adapters.prometheus.matchers import Matcher, parse_matchers
from davylamp.adapters.prometheus.promql import braces
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.gates import SCORES


@pytest.mark.parametrize(
    ("text", "matchers"),
    [
        ("", ()),
        ("  ", ()),
        ('route="predict"', (Matcher("route", "=", "predict"),)),
        (
            ' handler = "/predict" ,job!~"b.*" ',
            (Matcher("handler", "=", "/predict"), Matcher("job", "!~", "b.*")),
        ),
        (r'a!="x\"y\\z\n"', (Matcher("a", "!=", 'x"y\\z\n'),)),
        (r'a=~"\\d+\x41\101\u00e9\U0001F600\t"', (Matcher("a", "=~", "\\d+AAé😀\t"),)),
        ('a="b,c=\\"d\\"",e=""', (Matcher("a", "=", 'b,c="d"'), Matcher("e", "=", ""))),
    ],
)
def test_a_selector_is_read_as_promql_reads_it(text, matchers):
    assert parse_matchers(text) == matchers
    assert parse_matchers(braces(matchers)[1:-1]) == matchers


@pytest.mark.parametrize(
    "text",
    [
        'a="b",',
        ',a="b"',
        'a="b" c="d"',
        "a=b",
        "a='b'",
        'a="b"} or vector(1)',
        'a="b\n"',
        '1a="b"',
        'a=="b"',
        'a="b',
        r'a="\d"',
        r'a="\x4"',
        r'a="\xff"',
        r'a="\777"',
        r'a="\ud800"',
        r'a="\U00110000"',
    ],
)
def test_what_is_no_selector_is_refused(text):
    with pytest.raises(ValueError):
        parse_matchers(text)
    with pytest.raises(ValueError):
        SeriesNames(requests_selector=text)


@given(st.lists(st.tuples(st.sampled_from(["=", "!=", "=~", "!~"]), st.text(max_size=20))))
def test_whatever_a_value_is_it_is_written_so_that_it_is_read_again(pairs):
    matchers = tuple(Matcher(f"l{n}", operator, text) for n, (operator, text) in enumerate(pairs))
    assert parse_matchers(braces(matchers)[1:-1]) == matchers
    assert "\n" not in braces(matchers)


LABELS = {"route": "predict", "code": "503", "empty": ""}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('route="predict"', True),
        ('route="pre"', False),
        ('route!="explain"', True),
        ('route!="predict"', False),
        ('route=~"pre"', False),
        ('route=~"pre.*"', True),
        ('route=~"a|predict"', True),
        ('code!~"4..|5.."', False),
        ('code!~"5"', True),
        ('job=""', True),
        ('job!=""', False),
        ('job=~".*"', True),
        ('job=~".+"', False),
        ('empty=""', True),
    ],
)
def test_a_pattern_matches_as_a_whole_and_a_label_that_is_not_there_is_empty(text, holds):
    (matcher,) = parse_matchers(text)
    assert matcher.condition()(LABELS) is holds


def test_a_dot_matches_the_end_of_a_line_too():
    assert Matcher("a", "=~", "x.y").condition()({"a": "x\ny"})


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        (r"\d+", "503", True),
        (r"\d+", "\u0665\u0660\u0663", False),
        (r"\w+", "pr\u00e9dict", False),
        (r"\W", "\u00e9", True),
        ("(?i)\u00e9", "\u00c9", True),
    ],
)
def test_classes_are_of_ascii_alone_and_case_is_ignored_in_any_script(pattern, value, matches):
    assert Matcher("a", "=~", pattern).condition()({"a": value}) is matches


UNLIKE = [
    "(",
    r"\pL+",
    "[[:alpha:]]+",
    "[^[:^space:]_]",
    r"\Qa.b\E",
    "x{,3}",
    r"(?i)\w+",
    r"(?si)\d",
]


@pytest.mark.parametrize("pattern", UNLIKE)
@pytest.mark.parametrize("operator", ["=~", "!~"])
def test_a_pattern_that_python_reads_differently_is_asked_of_prometheus_alone(pattern, operator):
    matcher = Matcher("a", operator, pattern)
    with pytest.raises(ValueError, match="is no regular expression here"):
        matcher.condition()
    names = SeriesNames(scores_selector=matcher.text)
    assert names.matchers(SCORES) == (matcher,)
