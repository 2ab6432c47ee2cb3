"""Recorded gaps between groups follow from their values and are within their bounds."""

import pytest
from tests.support.contract import Server
from tests.unit.checks.outcomes import failing

from davylamp.schema.pseudonyms import pseudonym, with_names

NAMES = ("meanAbsoluteError", "sex", "holdout", "1", "2")


def groups(document):
    return document["bias"][0]["groups"]


def widened(document):
    groups(document)["1"]["value"] = 30
    document["bias"][0]["gap"] = 14.0


def test_a_group_gap_above_its_bound_is_named_with_groups_and_values():
    result = failing(Server().claim(widened))
    assert (result.name, result.reason) == ("Bias", "GroupGapTooLarge")
    assert with_names(result.message, NAMES) == (
        "bias[0]: metric meanAbsoluteError by feature sex on part holdout is 30 for group 1 (40 rows) "
        "and 44 for group 2 (48 rows): gap 14, above 12"
    )


def test_rows_and_part_need_not_be_recorded():
    server = Server().claim(widened)
    server.claim(lambda m: [m["bias"][0].pop("part"), *(g.pop("rows") for g in groups(m).values())])
    message = failing(server).message
    assert with_names(message, NAMES) == (
        "bias[0]: metric meanAbsoluteError by feature sex is 30 for group 1 and 44 for group 2: "
        "gap 14, above 12"
    )


def test_a_gap_that_does_not_follow_from_its_groups_is_refused():
    result = failing(Server().claim(lambda m: groups(m)["1"].update(value=30)))
    assert (result.name, result.reason) == ("Bias", "ManifestInvalid")
    assert "gap 14, but the manifest says 2.5" in result.message


@pytest.mark.parametrize("value", [None, [], {}])
def test_without_recorded_groups_the_check_fails(value):
    result = failing(Server().claim(lambda m: m.update(bias=value)))
    assert (result.name, result.reason) == ("Bias", "NotRecorded")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: groups(m).pop("2"), "needs two groups"),
        (
            lambda m: groups(m)["2"].pop("value"),
            f"bias[0].groups.{pseudonym('2')}.value is missing",
        ),
        (
            lambda m: groups(m)["2"].update(rows=0),
            f"bias[0].groups.{pseudonym('2')}.rows is not a number of rows",
        ),
        (
            lambda m: groups(m)["2"].update(rows=10**13),
            f"bias[0].groups.{pseudonym('2')}.rows is not a number of rows",
        ),
        (lambda m: m["bias"][0].update(max=-1), "bias[0].max is below 0"),
        (lambda m: m["bias"][0].pop("metric"), "bias[0].metric is missing"),
        (lambda m: m.update(bias={"sex": 1}), "bias is not a list"),
    ],
)
def test_a_malformed_record_of_groups_is_named(change, words):
    result = failing(Server().claim(change))
    assert (result.name, result.reason) == ("Bias", "ManifestInvalid")
    assert words in result.message
