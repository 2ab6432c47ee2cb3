"""docs/reference.md lists every published name, and every name that it lists exists.

The names are found by importing all modules: a new enum of reasons, or a metric that is registered
somewhere else, fails here.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from enum import StrEnum
from types import ModuleType

from tests.support.documents import DOCS, code, rows, section

import davylamp
from davylamp.adapters.errors import SourceFault
from davylamp.api import names
from davylamp.api.names import Command, ConditionType, Reason
from davylamp.checks import CheckReason
from davylamp.controller import metric_names
from davylamp.controller.app import Operator
from davylamp.controller.metric_names import MetricFamily
from davylamp.controller.settings import Settings
from davylamp.controller.workqueue import PassOutcome
from davylamp.gates.kinds.registry import REASONS as GATE_REASONS

PAGE = DOCS / "reference.md"
LISTED = {Command, ConditionType, Reason, CheckReason, SourceFault, PassOutcome}
"""Enums whose members are published as names of their own."""
ELSEWHERE = {
    "Stage",
    "Outcome",
    "CheckName",
    "CheckVerdict",
    "OnFail",
    "Reference",
    "AnswerKind",
    "Digests",
}
"""Enums whose values are values of fields: `kubectl explain` and the CRD list those."""
OF_THE_CHART = {"Privilege"}
"""Enums whose values are values of the chart: its schema and docs/pod-template.md list those."""
INTERNAL = {"Arm", "Channel", "ImageFault"}
"""Enums that nobody outside ever reads."""


def modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(davylamp.__path__, "davylamp."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def first_column(heading: str) -> list[str]:
    return [name for row in list(rows(section(PAGE, heading)))[1:] for name in code(row[0])]


def test_every_enum_is_either_listed_or_known_not_to_be_a_name():
    enums = {
        value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum
    }
    unknown = {enum.__name__ for enum in enums - LISTED} - ELSEWHERE - OF_THE_CHART - INTERNAL
    assert enums >= LISTED
    assert not unknown


def test_the_commands():
    assert sorted(first_column("## Commands")) == sorted(Command)


def test_the_conditions():
    assert first_column("## Conditions") == list(ConditionType)


def test_the_reasons():
    listed = first_column("## Reasons")
    assert sorted(listed) == sorted(Reason)


def test_the_reasons_of_gates():
    listed = first_column("## Reasons of gates")
    assert sorted(listed) == sorted(GATE_REASONS)
    assert set(SourceFault) <= set(listed)


def test_the_reasons_of_checks():
    assert sorted(first_column("## Reasons of checks")) == sorted(CheckReason)


def test_the_labels_and_annotations():
    defined = {
        value for name, value in vars(names).items() if name.startswith(("LABEL_", "ANNOTATION_"))
    }
    listed = first_column("## Labels and annotations of what the operator creates")
    assert sorted(listed) == sorted(defined)
    page = section(PAGE, "## Labels and annotations of what the operator creates")
    for value in (names.MANAGED_BY, names.NO_REVISION, names.CONTAINER, names.FIELD_MANAGER):
        assert f"`{value}`" in page


def test_the_resource():
    page = section(PAGE, "## Resource")
    assert f"{names.PLURAL}.{names.GROUP}" in page
    assert f"`{names.KIND.lower()}.{names.GROUP}/NAME`" in page


def families() -> dict[str, MetricFamily]:
    found = [value for value in vars(metric_names).values() if isinstance(value, MetricFamily)]
    return {family.name: family for family in found}


def registered() -> set[str]:
    """Names of our metrics in the registry of a whole operator, counters with their suffix."""
    operator = Operator(Settings(), client=None)
    operator.outside.source.close()
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in operator.metrics.registry.collect()
        if not family.name.startswith(("process_", "python_"))
    }


async def test_every_metric_is_registered_under_the_names_of_one_module():
    assert registered() == set(families())


def test_the_metrics_and_their_labels():
    listed = {
        row[0].strip("`"): tuple(code(row[1]))
        for row in list(rows(section(PAGE, "## Metrics")))[1:]
    }
    assert listed == {name: family.labels for name, family in families().items()}


def test_the_results_of_passes():
    page = section(PAGE, "## Metrics")
    assert all(f"`{outcome}`" in page for outcome in PassOutcome)
