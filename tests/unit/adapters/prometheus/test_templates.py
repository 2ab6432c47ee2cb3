"""Variables in users' queries are values, whatever is in them."""

import re

import pytest

from davylamp.adapters.pod_names import pattern_of_pods
from davylamp.adapters.prometheus.templates import VARIABLES, check, render

HOSTILE = [
    'a"} or vector(1) #',
    "a\\",
    'a\\"',
    "a'} or vector(1) #",
    "a\nb",
    "a\r\nb",
    "{{ pods }}",
    "\\",
    '"',
    "}}",
]
ESCAPES = {"n": "\n", "r": "\r"}


def unquoted(text: str, quote: str) -> str:
    """What Prometheus reads of a string in quotes; fails when it ends early."""
    inner = re.fullmatch(rf"{quote}((?:[^{quote}\\\n]|\\[\\nr{quote}])*){quote}", text)
    assert inner, f"the string ended early: {text}"
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), inner[1])


def test_variables_are_replaced_wherever_they_may_stand() -> None:
    promql = (
        'sum(rate(errors_total{namespace="{{ namespace }}",pod=~"{{pods}}"}[{{ interval }}]))'
        " / {{  interval}} # {{ model }}"
    )
    values = {"namespace": "a", "pods": pattern_of_pods("x.1"), "interval": "60s", "model": "m"}
    assert render(promql, values) == (
        'sum(rate(errors_total{namespace="a",pod=~"(?:x\\\\.1)-[a-z0-9]+-[a-z0-9]{5}"}[60s]))'
        " / 60s # m"
    )


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_no_value_leaves_its_string(value: str, quote: str) -> None:
    rendered = render(f"up{{a={quote}{{{{ model }}}}{quote}}}", {"model": value})
    assert rendered.startswith("up{a=")
    assert unquoted(rendered[5:-1], quote) == value


def test_the_other_quote_inside_a_string_is_no_quote() -> None:
    rendered = render("""up{a="it's {{ model }}",b='"{{ model }}'}""", {"model": """'"x"""})
    assert rendered == r"""up{a="it's '\"x",b='"\'"x'}"""


def test_between_backquotes_a_value_stands_as_it_is_or_not_at_all() -> None:
    assert render("up{pod=~`{{ pods }}`}", {"pods": r"x\.1"}) == r"up{pod=~`x\.1`}"
    with pytest.raises(ValueError, match="double quotes"):
        render("up{a=`{{ model }}`}", {"model": "a`} or up"})


def test_quotes_in_a_comment_are_none() -> None:
    promql = """up # don't
    {model="{{ model }}"}"""
    assert render(promql, {"model": '"'}).endswith(r'{model="\""}')
    assert render("up # {{ model }}", {"model": "a\nor vector(1)"}) == "up # a\\nor vector(1)"


@pytest.mark.parametrize(
    "promql",
    ["up{a={{ model }}}", "{{ pods }}", 'up{a="b"}{{ namespace }}', "up[{{ revision }}]"],
)
def test_only_the_interval_may_stand_outside_of_quotes(promql: str) -> None:
    with pytest.raises(ValueError, match="inside quotes"):
        check(promql)


def test_a_backslash_before_a_variable_would_swallow_its_beginning() -> None:
    with pytest.raises(ValueError, match="backslash"):
        render(r'up{a="\{{ model }}"}', {"model": '"} or up #'})
    assert render(r'up{a="\\{{ model }}"}', {"model": '"'}) == r'up{a="\\\""}'


def test_an_interval_is_a_duration() -> None:
    with pytest.raises(ValueError, match="no duration"):
        render("up[{{ interval }}]", {"interval": "1m]) or vector(1"})


def test_an_unknown_variable_is_named_with_those_that_exist() -> None:
    with pytest.raises(ValueError) as caught:
        check('up{pod="{{ pod }}"}')
    assert "{{ pod }} is no variable" in str(caught.value)
    assert all(name in str(caught.value) for name in VARIABLES)


@pytest.mark.parametrize("promql", ['up{a="{{ }}"}', 'up{a="{{ .Values }}"}', "{{ a\nb }}"])
def test_what_looks_like_a_variable_is_one(promql: str) -> None:
    with pytest.raises(ValueError, match="is no variable"):
        check(promql)


def test_a_variable_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        render('up{a="{{ stablePods }}"}', {"pods": "x"})


def test_a_string_that_does_not_end_is_left_to_prometheus() -> None:
    assert render('up{a="{{ model }}', {"model": '"} or up'}) == r'up{a="\"} or up'


@pytest.mark.timeout(10)
@pytest.mark.parametrize("hostile", ["{{" + " " * 3_990, "{{" * 2_000, "#" + "{{ " * 1_300])
def test_a_query_that_never_ends_its_variable_has_none(hostile):
    """It is looked at in every pass: what takes more than linear time stops everybody."""
    check(hostile)
    assert render(hostile, {}) == hostile
