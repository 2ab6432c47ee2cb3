"""The nightly job and a candidate's own, with the sample model's real training image."""

import tempfile
from pathlib import Path
from typing import Any

from tests.support import featurestore
from tests.support.reading import Json, items, read
from tests.support.story import Story

from davylamp.api.names import Reason
from davylamp.schema.pseudonyms import pseudonym
from lab import metrics, models

JOB = {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}
NIGHT = 180.0
"""Seconds for a run, with other stories on the same two cores."""


def explained(story: Story, release: str, store: str, recent: str, **settings: Any) -> Json:
    """A model whose snapshot and recent traffic come from a feature store."""
    manifest = story.model(release)
    known = manifest["spec"]["featureSnapshot"]
    snapshot = {**known, "uri": f"{store}/{known['id']}.parquet"}
    explanations = {
        "recent": f"{store}/{recent}.parquet",
        "resources": JOB,
        "schedule": "0 0 1 1 *",  # no run but those that a test starts
        **settings,
    }
    changes = {"featureSnapshot": snapshot, "explanations": explanations}
    return {**manifest, "spec": {**manifest["spec"], **changes}}


def store_for(story: Story, *releases: str) -> str:
    """A feature store with the snapshots of some releases, and traffic like and unlike them."""
    files: dict[str, bytes] = {}
    for release in releases:
        with tempfile.TemporaryDirectory() as directory:
            files = featurestore.snapshots_of(Path(directory), release) | files
    return featurestore.serve(story.namespace, story.tags[releases[0]], files)


def run_now(story: Story, name: str, recent: str) -> Json:
    """The result of a run that a user starts about some traffic, from the status.

    The CronJob is written last in a pass, after the status.
    """
    cron = f"{story.name}-explanations"
    story.wait(
        lambda: f"/{recent}.parquet" in str(read("cronjobs", story.namespace, cron)),
        f"the CronJob about {recent}",
    )
    story.kubectl("create", "job", f"--from=cronjob/{story.name}-explanations", name)

    def has_ended(status: Json) -> bool:
        return status.get("explanations", {}).get("job") == name

    return story.wait_status(has_ended, f"the result of {name}", timeout=NIGHT)["explanations"]


def gauge(story: Story, name: str) -> float:
    """What the operator shows of this model; 0 where it shows nothing."""
    whose = {"namespace": story.namespace, "name": story.name}
    shown = [s for s in metrics.scrape_all() if s.labels == whose]
    return metrics.total(shown, name)


def explained_by(story: Story) -> Json:
    """The job's pods."""
    return items("pods", story.namespace, {"davylamp.dev/explains": story.name})


def test_the_nightly_job_tells_drift_from_no_drift(story: Story) -> None:
    store = store_for(story, "v1")
    revision = story.apply(explained(story, "v1", store, "like"))
    story.wait_serving(revision)
    story.wait(lambda: story.condition("ExplanationsStable"), "the condition")
    assert story.condition("ExplanationsStable")["status"] == "Unknown"

    with story.same_pods(revision):
        result = run_now(story, "night-1", "like")
        assert (result["verdict"], result["revision"]) == ("Stable", revision)
        assert float(result["distance"]) < float(result["limit"]) == 0.1
        assert story.condition("ExplanationsStable")["status"] == "True"

        story.apply(explained(story, "v1", store, "drifted"))
        story.wait_observed()
        result = run_now(story, "night-2", "drifted")
        assert (result["verdict"], result["tag"]) == ("Drifted", story.tags["v1"])
        assert float(result["distance"]) > 0.1
        assert pseudonym("bmi") in result["message"]
        drifted = story.condition("ExplanationsStable")
        assert (drifted["status"], drifted["reason"]) == ("False", Reason.EXPLANATIONS_DRIFTED)
        assert story.condition("Ready")["status"] == "True"
        (event,) = story.wait(lambda: story.events(Reason.EXPLANATIONS_DRIFTED), "its Event")
        assert event.severity == "Warning"
        story.wait(lambda: gauge(story, "davylamp_explanation_drifted") == 1, "its metric")
        story.wait(lambda: gauge(story, "davylamp_explanation_distance") > 0.1, "its distance")

    pods = explained_by(story)
    assert len(pods) == 2
    assert {pod["status"]["phase"] for pod in pods} == {"Succeeded", "Failed"}
    assert len(story.pods()) == 1, "pods of the job are none of the model's"

    without = explained(story, "v1", store, "like")
    del without["spec"]["explanations"]
    story.apply(without)
    gone = f"{story.name}-explanations"
    story.wait(lambda: read("cronjobs", story.namespace, gone) is None, "the CronJob to go")
    story.wait(lambda: not story.condition("ExplanationsStable"), "the condition to go")
    assert story.outcomes() == [(revision, "Promoted")]


def test_a_candidate_that_drifts_gets_no_traffic(story: Story) -> None:
    store = store_for(story, "v1", "v3")
    good = story.apply(explained(story, "v1", store, "like", onDrift="RejectCandidate"))
    story.wait_serving(good)

    with story.untouched(good):
        bad = story.apply(explained(story, "v3", store, "drifted", onDrift="RejectCandidate"))
        rejection = story.wait_rejected(bad, timeout=NIGHT)
        assert rejection["reason"] == Reason.CHECK_FAILED
        assert rejection["message"].startswith("check Drift: ")
        assert not story.admits(bad)
        assert not story.events(Reason.CANARY_STARTED)
        assert "explanations" not in story.status(), "nothing was found about what serves"

    after = explained(story, "v3", store, "like", onDrift="RejectCandidate")
    after["spec"]["config"] = {"RUN": "2"}
    following = story.apply(after)
    story.wait_serving(following, timeout=NIGHT)
    result = story.wait_status(lambda s: "explanations" in s, "what its Job found")["explanations"]
    assert (result["verdict"], result["revision"]) == ("Stable", following)
    assert models.condition(story.status(), "ExplanationsStable")["status"] == "True"
