"""Values of an earlier chart: refused with the option that helps, never a half of an installation."""

from collections.abc import Iterator
from functools import reduce

import pytest
import yaml
from tests.chart.conftest import CHART

pytestmark = pytest.mark.chart

PASSED_ON = {"resources", "podSecurityContext", "securityContext"}
"""Whole objects of Kubernetes': nothing in them is a value of ours."""
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def groups(values: dict[str, object], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Values with others below them, by their path."""
    for name, value in values.items():
        if isinstance(value, dict) and value and name not in PASSED_ON:
            yield (*above, name)
            yield from groups(value, (*above, name))


@pytest.mark.parametrize("path", list(groups(VALUES)), ids=".".join)
def test_values_of_a_chart_that_knew_less_are_refused_with_the_option_that_helps(refusal, path):
    """Helm takes `null` as not set at all, which is what `--reuse-values` makes of what is new."""
    without = reduce(lambda below, name: {name: below}, reversed(path), None)
    told = refusal(without)
    assert f"{'.'.join(path)}: not set" in told
    assert "--reset-then-reuse-values" in told
    assert "nil pointer" not in told


def test_values_of_the_user_alone_are_taken_as_they_are(render):
    """What `--reset-then-reuse-values` renders: the user's own over this chart's."""
    own = {"prometheus": {"url": "https://prom.example", "bearerTokenSecret": {"name": "prom"}}}
    assert render(own).of("Deployment")
