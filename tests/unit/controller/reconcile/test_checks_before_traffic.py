"""Checks through the whole operator: real manifests and requests, against pods that are made wrong."""

import pytest
from tests.support.operation import QUICK, START, Land

from davylamp.checks import Declined

LABELS = {"namespace": "models", "name": "risk"}


def other_snapshot(server):
    server.manifest["featureSnapshot"]["id"] = "2026-11-08"


def shifted(server):
    def shift(document):
        document["predictions"][0] += 0.001
        return document

    server.answer("/predict", shift)


def crooked(server):
    def shift(document):
        document["explanations"][0]["contributions"]["age"] += 0.5
        return document

    server.answer("/explain", shift)


def unfair(server):
    bias = server.manifest["bias"][0]
    bias["groups"]["2"]["value"], bias["gap"] = 60.0, 18.5


def without_contract(server):
    server.answer("/manifest", lambda _: Declined("GET /manifest answered 404", 404))


WRONG = [
    (
        other_snapshot,
        "check Manifest: the manifest's featureSnapshot.id differs from the spec, which says",
    ),
    (shifted, "check Golden: golden request 2, prediction 1: served 97.501, recorded 97.5"),
    (crooked, "check Explain: /explain, golden request 1, explanation 1: baseline and"),
    (
        unfair,
        "check Bias: bias[0]: metric #f79a8b by feature #98d44e on part #d179b2 is 41.5 for group",
    ),
    (without_contract, "checks Manifest, Golden, Explain, Bias: the image offers no manifest"),
]


async def served(**changes):
    land = Land()
    land.apply("v1", **changes)
    await land.settle()
    return land


def value(land, name, **labels):
    registry = land.operator.metrics.registry
    return registry.get_sample_value(name, LABELS | labels)


def results(land, check, verdict, reason):
    told = {"check": check, "verdict": verdict, "reason": reason}
    return value(land, "davylamp_check_results_total", **told)


@pytest.mark.parametrize(("wrong", "words"), WRONG)
async def test_p11_a_wrong_image_gets_no_request_and_says_why(wrong, words):
    land = await served()
    land.models.wrong["v2"] = wrong
    land.apply("v2")
    await land.settle()
    assert not land.prometheus.served["v2"]
    assert land.serving() == {"v1"}
    rejection = land.status().rejected[0]
    assert (rejection.tag, rejection.reason) == ("v2", "CheckFailed")
    assert words in rejection.message
    assert rejection.message in land.condition("Stalled")[2]
    event = next(e for e in land.cluster.events if e["reason"] == "RolledBack")
    assert rejection.message in event["message"]
    assert all("davylamp.dev/revision" in each for each in selectors_written(land))


def selectors_written(land):
    """Every selector that the main Service ever had; one without a revision is open to all."""
    writes = [w.body for w in land.cluster.writes if (w.kind, w.name) == ("Service", "risk")]
    return [body["spec"]["selector"] for body in writes]


async def test_a_first_image_that_is_wrong_serves_nobody():
    land = Land()
    land.models.wrong["v1"] = shifted
    land.apply("v1")
    await land.settle()
    assert land.serving() == set()
    assert land.rejected_reason() == "CheckFailed"
    land.apply("v2")
    await land.until(lambda: land.stable() == "v2")


async def test_each_check_is_asked_once_and_counted():
    land = await served()
    passed = {
        "Manifest": "ManifestMatches",
        "Golden": "PredictionsReproduced",
        "Explain": "ExplanationsReproduced",
        "Bias": "GroupsWithinBounds",
    }
    assert (
        land.models.asked
        == [("v1", "/manifest")] + [("v1", "/predict")] * 2 + [("v1", "/explain")] * 2
    )
    for check, reason in passed.items():
        assert results(land, check, "Pass", reason) == 1


async def test_a_restart_in_the_middle_asks_again_and_ends_the_same():
    land = await served()
    land.models.silent.add("v2")
    land.apply("v2")
    await land.until(lambda: land.status().candidate and land.status().candidate.checks)
    land.restart()
    land.models.silent.clear()
    await land.until(lambda: land.stable() == "v2")


async def test_silence_is_told_and_ends_at_the_progress_deadline():
    land = await served()
    land.models.silent.add("v2")
    land.apply("v2")
    await land.until(lambda: "no connection" in land.condition("Ready")[2])
    assert land.status().candidate.waiting_for == "AwaitingChecks"
    await land.settle()
    assert land.rejected_reason() == "CheckFailed"
    assert (land.now - START).total_seconds() < 180
    assert results(land, "Golden", "Unknown", "Unreachable") == 1


async def test_an_image_without_the_contract_works_when_nothing_is_checked():
    land = Land()
    land.models.wrong = {"v1": without_contract, "v2": without_contract}
    plan = {**QUICK, "checks": []}
    land.apply("v1", rollout=plan)
    await land.settle()
    land.apply("v2", rollout=plan)
    await land.until(lambda: land.stable() == "v2")
    assert land.models.asked == []


async def test_p9_idle_models_are_asked_nothing():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    asked = len(land.models.asked)
    await land.run(1200)
    assert len(land.models.asked) == asked


async def test_after_a_rollback_what_serves_is_verified():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.apply("v2")
    await land.settle()
    assert land.condition("RollbackVerified")[:2] == ("True", "RollbackVerified")
    assert land.told()[-1] == "RollbackVerified"
    assert value(land, "davylamp_rollback_verified") == 1
    assert value(land, "davylamp_rollbacks_total") == 1
    land.apply("v3")
    await land.until(lambda: land.stable() == "v3")
    assert land.condition("RollbackVerified") is None
    assert value(land, "davylamp_rollback_verified") is None


async def test_a_rollback_that_cannot_be_verified_alerts_and_changes_no_traffic():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.models.wrong["v1"] = shifted
    land.apply("v2")
    await land.settle()
    assert land.condition("RollbackVerified")[:2] == ("False", "RollbackNotVerified")
    assert "served 97.501, recorded 97.5" in land.condition("RollbackVerified")[2]
    assert land.serving() == {"v1"}
    assert value(land, "davylamp_rollback_verified") == 0
    assert value(land, "davylamp_rollbacks_total") == 1


async def test_a_silent_stable_is_verified_once_it_answers_after_a_restart_too():
    land = await served()
    land.prometheus.error_share["v2"] = 0.3
    land.models.silent.add("v1")
    land.apply("v2")
    await land.until(lambda: land.condition("RollbackVerified"))
    await land.run(5)
    assert land.condition("RollbackVerified")[:2] == ("Unknown", "Verifying")
    land.restart()
    land.models.silent.clear()
    await land.until(lambda: land.condition("RollbackVerified")[0] == "True")
