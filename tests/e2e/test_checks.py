"""Images that are not what they or their spec say get no traffic; what serves after a rollback is checked."""

import re
from collections.abc import Callable

from tests.support.reading import Json
from tests.support.story import REVISION, Story

from davylamp.api.names import Reason
from lab import metrics, models
from lab.records import of_revision
from lab.traffic import Traffic
from lab.watch import Watch

GATE = {"name": "errors", "errorRate": {}}
SNAPSHOT, SEED = models.training_of("v3")
NUMBER = r"\d+(?:\.\d+)?(?:e-\d+)?"
LONG_STEP = ({"weight": 50, "hold": "10m"},)
PLAIN_SERVER = """
import http.server, json

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        known = self.path in {"/healthz", "/readyz", "/predict"}
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"predictions": [1.0]}).encode())
    do_GET = do_POST = answer
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""


def other_snapshot(story: Story) -> Json:
    manifest = story.model("v3")
    snapshot = {**manifest["spec"]["featureSnapshot"], "id": "2025-01-01"}
    return {**manifest, "spec": {**manifest["spec"], "featureSnapshot": snapshot}}


def other_seed(story: Story) -> Json:
    return story.model("v3", seed=7)


def shifted(story: Story) -> Json:
    return story.model("v3", config={"FAULT_PREDICTION_SHIFT": "0.001"})


def crooked(story: Story) -> Json:
    return story.model("v3", config={"FAULT_EXPLANATION_SHIFT": "0.5"})


def unfair(story: Story) -> Json:
    return story.model("unfair")


WRONG: list[tuple[Callable[[Story], Json], str, str]] = [
    (
        other_snapshot,
        "Manifest",
        r"featureSnapshot\.id differs from the spec, which says 2025-01-01\b",
    ),
    (other_seed, "Manifest", rf"\bseed\b(?=.*\b{SEED}\b)(?=.*\b7\b)"),
    (shifted, "Golden", rf"golden request \d+\b.*{NUMBER}.*{NUMBER}.*{NUMBER}"),
    (crooked, "Explain", rf"/explain\b.*{NUMBER}.*{NUMBER}.*\b0\.5\b.*{NUMBER}"),
    (unfair, "Bias", rf"bias\[0\]: .*{NUMBER}.*{NUMBER}.*{NUMBER}"),
]
"""What is wrong, the check that finds it, and what its sentence shows: where, and the numbers."""


def test_p11_an_image_that_is_not_what_it_says_gets_no_traffic(story: Story) -> None:
    good = story.install("v1")
    with (
        Watch("service", story.name, story.namespace) as service,
        Traffic(
            story.namespace, story.name, rate=20, missing=0, image_tag=story.tags["v1"]
        ) as traffic,
    ):
        traffic.wait_for(10)
        for wrong, check, pattern in WRONG:
            it_is_rolled_back(story, wrong(story), check, pattern)
        selectors = [
            version.object["spec"]["selector"].get(REVISION) for version in service.versions()
        ]
        following = story.install("v3")
        story.wait(lambda: of_revision(traffic.records(), following), "its answer")
    assert set(selectors) == {good}
    answered = {r.revision for r in traffic.stop() if r.status}
    assert answered == {good, following}


def it_is_rolled_back(story: Story, manifest: Json, check: str, pattern: str) -> None:
    """It says why in the status, the condition, an Event and the metric."""
    bad = story.apply(manifest)
    rejection = story.wait_rejected(bad)
    assert rejection["reason"] == Reason.CHECK_FAILED, rejection
    assert re.search(rf"check {check}: .*{pattern}", rejection["message"]), rejection["message"]
    assert rejection["message"] in story.condition("Stalled")["message"]

    def has_its_event() -> bool:
        return any(rejection["message"] in e.message for e in story.events(Reason.ROLLED_BACK))

    story.wait(has_its_event, "its Event")
    labels = {"check": check, "verdict": "Fail"}
    story.wait(lambda: counted(story, "davylamp_check_results_total", **labels), "its metric")
    story.wait_without_pods(bad)


def counted(story: Story, name: str, **labels: str) -> float:
    """The sum of what the operator counted about this model."""
    wanted = {"namespace": story.namespace, "name": story.name, **labels}
    return sum(
        sample.value
        for sample in metrics.scrape_all()
        if sample.name == name and wanted.items() <= sample.labels.items()
    )


def test_p11_a_first_image_is_checked_too(story: Story) -> None:
    bad = story.apply(shifted(story))
    assert story.wait_rejected(bad)["reason"] == Reason.CHECK_FAILED
    assert story.condition("Ready")["status"] == "False"
    assert not story.admits(bad)
    story.install("v1")


def test_what_serves_after_a_rollback_is_verified(story: Story) -> None:
    good = story.install("v1")
    with Traffic(
        story.namespace, story.name, rate=30, missing=0.3, image_tag=story.tags["v1"]
    ) as traffic:
        traffic.wait_for(10)
        bad = story.apply(story.model("v2", gates=[GATE], steps=LONG_STEP))
        assert story.wait_rejected(bad)["reason"] == Reason.GATE_FAILED

    def is_true() -> bool:
        return story.condition("RollbackVerified").get("status") == "True"

    story.wait(is_true, "RollbackVerified")
    verified = story.condition("RollbackVerified")
    assert verified["reason"] == Reason.ROLLBACK_VERIFIED
    assert re.search(r"\b\d+ golden requests\b", verified["message"]), verified
    assert story.status()["verification"]["revision"] == good
    story.wait(lambda: story.events(Reason.ROLLBACK_VERIFIED), "its Event")
    story.wait(lambda: counted(story, "davylamp_rollback_verified") == 1, "its metric")

    story.install("v3")
    assert story.condition("RollbackVerified") == {}


def test_an_image_without_the_contract_says_what_to_do_and_works_unchecked(story: Story) -> None:
    container = {"name": "model", "command": ["python", "-c", PLAIN_SERVER]}
    manifest = story.model("v1")
    serving = {
        **manifest["spec"]["serving"],
        "template": {"spec": {"containers": [container]}},
    }

    refused = story.apply(story.model("v1", serving=serving))
    rejection = story.wait_rejected(refused)
    assert rejection["reason"] == Reason.CHECK_FAILED
    assert "manifest" in rejection["message"]
    assert "docs/model-server.md" in rejection["message"]
    assert "spec.rollout.checks: []" in rejection["message"]

    unchecked = {"rollout": {"checks": []}, "serving": serving}
    first = story.install("v1", **unchecked, config={"RUN": "1"})
    second = story.install("v1", **unchecked, config={"RUN": "2"})
    assert story.outcomes()[:2] == [(second, "Promoted"), (first, "Promoted")]
    assert "checks" not in str(story.condition("Ready"))
