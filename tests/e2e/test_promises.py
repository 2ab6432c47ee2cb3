"""The promises that one model alone can show; each test is named after its promise."""

import shlex
from collections import Counter
from datetime import datetime

from tests.support.gatetalk import offered
from tests.support.reading import Json
from tests.support.story import PAUSED_STEP, QUICK_STEPS, Story

from davylamp.api.names import Command, Reason
from lab import metrics
from lab.kubectl import kubectl
from lab.records import between, first_answer, lost, of_revision, once_reachable
from lab.traffic import Traffic

GATE = {"name": "errors", "errorRate": {}}
FAILING = {"FAULT_ERROR_RATE": "0.3"}
SLOW_START = {"FAULT_START_DELAY": "300"}


def fenced(story: Story, good: str, bad: str) -> bool:
    """Whether a rejected revision is out of traffic for good."""
    status = story.status()
    return (
        story.admits(good)
        and not story.admits(bad)
        and "candidate" not in status
        and not story.replicas(bad)
    )


def test_p2_an_incident_that_hits_both_is_not_the_canarys_fault(story: Story) -> None:
    story.install("v1", config=FAILING)
    both = story.model("v3", config=FAILING, gates=[GATE])

    with Traffic(
        story.namespace, story.name, rate=30, missing=0, image_tag=story.tags["v1"]
    ) as traffic:
        traffic.wait_for(10)
        canary = story.apply(both)
        story.wait_stage("Canary", canary)

        def judged() -> Json | None:
            gates = story.status()["candidate"].get("gates", [])
            many = gates and min(gates[0]["errors"], gates[0]["stableErrors"]) > 100
            return gates[0] if many else None

        gate = story.wait(judged, "a hundred errors of both")
        assert gate["verdict"] == "Undecided"
        story.stays(lambda: not story.rejection(canary), "not rolled back", seconds=20)
        assert story.status()["candidate"]["step"] == 1


def test_p3_no_traffic_is_neither_good_nor_bad(story: Story) -> None:
    good = story.install("v1")

    with story.untouched(good):
        canary = story.apply(story.model("v3", gates=[GATE]))
        story.wait_stage("Canary", canary)

        def quiet() -> bool:
            gates = story.status()["candidate"].get("gates", [])
            return bool(gates) and gates[0]["reason"] == "NoTraffic"

        story.wait(quiet, "the gate to miss its traffic")
        held = story.wait_holding(Reason.AWAITING_DATA)
    assert (held["stage"], held["step"]) == ("Canary", 1)
    assert "NoTraffic" in story.condition("Ready")["message"]
    assert story.rejection(canary) is None


def test_p4_abort_and_undo_while_preparing(story: Story) -> None:
    good = story.install("v1")

    with story.untouched(good):
        first = story.apply(story.model("v3", config=SLOW_START))
        story.wait_stage("Preparing", first)
        story.say(Command.ABORT, first)
        assert story.wait_rejected(first)["reason"] == Reason.ABORTED
        story.wait(lambda: fenced(story, good, first), "the first to be fenced")

        second = story.apply(story.model("v3", config={**SLOW_START, "RUN": "2"}))
        story.wait_stage("Preparing", second)
        story.apply(story.model("v1"))
        story.wait_serving(good)
    assert story.outcomes()[:2] == [(second, "Superseded"), (first, "Aborted")]


def test_p4_abort_retry_and_advance_at_a_paused_step(story: Story) -> None:
    good = story.install("v1")

    with story.untouched(good):
        canary = story.apply(story.model("v3", steps=PAUSED_STEP))
        story.wait_holding(Reason.AWAITING_APPROVAL)
        story.wait(lambda: story.admits(canary), "its traffic")
        story.say(Command.ABORT, canary)
        assert story.wait_rejected(canary)["reason"] == Reason.ABORTED
        story.wait(lambda: fenced(story, good, canary), "it to be fenced")

    story.say(Command.RETRY, f"{canary}@once-more")
    story.wait_holding(Reason.AWAITING_APPROVAL)
    story.say(Command.ADVANCE, f"{canary}@1")
    story.wait_serving(canary)
    assert story.rejection(canary) is None
    assert story.outcomes()[:2] == [(canary, "Promoted"), (canary, "Aborted")]


def test_p4_promote_and_abort_in_probation(story: Story) -> None:
    good = story.install("v1")
    hour = [{"weight": 50, "hold": "1h"}]

    with story.untouched(good):
        canary = story.apply(story.model("v3", steps=hour, rollout={"probation": "1h"}))
        story.wait_stage("Canary", canary)
        story.say(Command.PROMOTE, canary)
        story.wait_serving(canary)
        assert story.status()["previous"]["revision"] == good
        assert not story.admits(good)

        story.say(Command.ABORT, canary)
        story.wait_rejected(canary)
        story.wait(lambda: fenced(story, good, canary), "the one before to serve again")
    assert story.status()["stable"]["revision"] == good


def test_p4_undo_by_editing_the_spec_in_probation(story: Story) -> None:
    good = story.install("v1")
    following = story.install("v3", rollout={"probation": "1h"})

    with story.same_pods(good):
        story.apply(story.model("v1"))
        story.wait_serving(good)
    assert not story.admits(following)
    assert story.outcomes()[0] == (good, "Returned")
    assert story.rejection(following) is None


def test_p4_a_paused_spec_holds_and_can_be_aborted(story: Story) -> None:
    good = story.install("v1")
    canary = story.apply(story.model("v3", steps=PAUSED_STEP))
    story.wait_holding(Reason.AWAITING_APPROVAL)

    story.kubectl("patch", story.resource_name, "--type=merge", '-p={"spec":{"paused":true}}')
    story.wait_holding(Reason.PAUSED)
    story.say(Command.ADVANCE, f"{canary}@1")
    story.wait_status(lambda s: s["candidate"].get("advanced") == 1, "the advance to be heard")
    story.stays(lambda: "candidate" in story.status(), "held", seconds=5)
    story.say(Command.ABORT, canary)
    story.wait_rejected(canary)
    story.wait(lambda: fenced(story, good, canary), "it to be fenced")


def test_p4_undo_by_editing_the_spec_in_a_canary(story: Story) -> None:
    good = story.install("v1")

    with story.untouched(good):
        canary = story.apply(story.model("v3", steps=PAUSED_STEP))
        story.wait_holding(Reason.AWAITING_APPROVAL)
        story.apply(story.model("v1"))
        story.wait_serving(good)
        story.wait(lambda: fenced(story, good, canary), "the canary to be gone")
    assert story.outcomes()[0] == (canary, "Superseded")
    assert story.rejection(canary) is None


def test_p6_rejected_stays_rejected_until_somebody_says_retry(story: Story) -> None:
    good = story.install("v1")
    manifest = story.model("v3", steps=PAUSED_STEP)
    bad = story.apply(manifest)
    story.wait_holding(Reason.AWAITING_APPROVAL)
    story.say(Command.ABORT, bad)
    story.wait_rejected(bad)
    story.wait_without_pods(bad)

    def applied_again(change: dict[str, object]) -> None:
        changed = {**manifest, "spec": {**manifest["spec"], **change}}
        changed["metadata"] = {**manifest["metadata"], "labels": {"sync": str(len(change))}}
        story.apply(changed)
        story.wait_observed()
        story.stays(lambda: fenced(story, good, bad), "out of traffic", seconds=4)
        assert story.rejection(bad)

    with story.untouched(good):
        applied_again({})
        applied_again({"paused": False})
        story.apply(story.model("v1"))
        story.wait_serving(good)
        applied_again({})

    story.say(Command.RETRY, bad)
    story.wait_stage("Canary", bad)
    story.wait(lambda: story.admits(bad), "its traffic")


def secret(story: Story, value: str) -> None:
    """Create or rotate the Secret that the models of P7 pin."""
    made = story.kubectl(
        *("create", "secret", "generic", "licence", f"--from-literal=key={value}"),
        *("--dry-run=client", "-o", "yaml"),
    )
    kubectl("apply", "-f", "-", "-n", story.namespace, stdin=made)


def test_p7_a_revision_is_whole_when_it_comes_back(story: Story) -> None:
    pinned = {"secrets": [{"name": "licence", "policy": "Pin"}], "config": {"RUN": "1"}}
    secret(story, "old")
    first = story.install("v1", **pinned)
    before = [story.child(kind, first) for kind in ("configmaps", "secrets", "deployments")]
    secret(story, "new")
    second = story.install("v3", **{**pinned, "config": {"RUN": "2"}})
    story.wait_without_pods(first)

    assert story.apply(story.model("v1", **pinned)) == first
    story.wait_serving(first)

    after = [story.child(kind, first) for kind in ("configmaps", "secrets", "deployments")]
    assert [o["metadata"]["uid"] for o in after] == [o["metadata"]["uid"] for o in before]
    assert [o.get("data") for o in after] == [o.get("data") for o in before]
    assert after[2]["spec"]["template"] == before[2]["spec"]["template"]
    pod = story.pods(first)[0]["metadata"]["name"]
    mounted = "/etc/davylamp/secrets/licence/key"
    assert story.kubectl("exec", pod, "--", "cat", mounted) == "old"
    assert story.kubectl("exec", pod, "--", "printenv", "RUN").strip() == "1"
    assert story.outcomes() == [(first, "Returned"), (second, "Promoted"), (first, "Promoted")]
    assert len(story.events(Reason.CANARY_STARTED)) == 1


def test_p10_it_says_why_and_what_to_type(story: Story) -> None:
    good = story.install("v1")
    canary = story.apply(story.model("v3", steps=PAUSED_STEP))
    story.wait_holding(Reason.AWAITING_APPROVAL)
    ready = story.wait(lambda: offered(story, "advance"), "a command to type")
    assert canary in ready

    story.say(Command.ABORT, canary)
    rejection = story.wait_rejected(canary)
    stalled = story.condition("Stalled")
    assert rejection["message"] in stalled["message"]
    events = story.wait(lambda: story.events(Reason.ABORTED), "its Event")
    assert [rejection["message"] in event.message for event in events] == [True]

    # exactly what the condition says, typed
    command = story.wait(lambda: offered(story, "retry"), "a command to type")
    story.kubectl(*shlex.split(command))
    story.wait_holding(Reason.AWAITING_APPROVAL)
    story.kubectl(*shlex.split(offered(story, "advance") or ""))
    kubectl(
        *("wait", "--for=condition=Ready", story.resource_name, "-n", story.namespace),
        "--timeout=55s",
    )
    story.wait_serving(canary)
    story.apply(story.model("v1"))
    story.wait_serving(good)
    story.wait(lambda: verified(story, good), "the last Event: the return is verified")
    every_attempt_has_its_event(story)


def verified(story: Story, revision: str) -> bool:
    """Whether the golden requests were put to a revision that serves again."""
    latest = story.status().get("verification", {})
    return (latest.get("revision"), latest.get("verdict")) == (revision, "Pass")


def every_attempt_has_its_event(story: Story) -> None:
    """Each attempt in the history has its Event, and each Event was counted by its reason.

    Events are written after the status that they are about, so the last one is awaited.
    """

    def by_reason() -> Counter[str]:
        return Counter(event.reason for event in story.events())

    story.wait(lambda: by_reason() == counted(story), "every Event written and counted")
    events = story.events()
    for entry in story.status()["history"]:
        mine = [e for e in events if e.reason == entry["outcome"] and entry["tag"] in e.message]
        assert mine, entry


def counted(story: Story) -> Counter[str]:
    """What the operators' metrics say happened to a story's model, by reason."""
    counts = Counter[str]()
    for sample in metrics.scrape_all():
        mine = sample.labels.get("namespace") == story.namespace
        if sample.name == "davylamp_events_total" and mine:
            counts[sample.labels["reason"]] += round(sample.value)
    return counts


def test_p11_no_more_than_the_step_and_nothing_before_ready(story: Story) -> None:
    story.install("v1", replicas=3)
    slow = story.model(
        "v3",
        replicas=3,
        steps=[{"weight": 25, "hold": "1h"}],
        config={"FAULT_START_DELAY": "5"},
    )

    with Traffic(
        story.namespace, story.name, rate=40, missing=0, image_tag=story.tags["v1"]
    ) as traffic:
        traffic.wait_for(10)
        canary = story.apply(slow)
        begun = story.wait_stage("Canary", canary)
        traffic.wait_for(800)
        status = story.status()["candidate"]
        ready = pod_ready_at(story, canary)
        story.say(Command.ABORT, canary)
        story.wait_rejected(canary)
    records = once_reachable(traffic.stop())

    mine = of_revision(records, canary)
    first = first_answer(mine, status["tag"])
    assert first is not None
    assert first.time >= ready
    assert (status["weight"], status["actualWeight"]) == (25, 25)
    assert begun["weights"][0]["share"] == "0.2500"
    middle = between(records, first.time + 1, mine[-1].time - 1)
    share = len(of_revision(middle, canary)) / len(middle)
    assert 0.15 < share < 0.25 + 4 * (0.25 * 0.75 / len(middle)) ** 0.5
    assert lost(records) == []


def pod_ready_at(story: Story, revision: str) -> float:
    """When the first pod of a revision became ready, epoch seconds rounded down."""
    pod = story.pods(revision)[0]
    ready = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")
    return datetime.fromisoformat(ready["lastTransitionTime"]).timestamp()


def test_p12_no_request_is_lost_to_promotion_rollback_or_return(story: Story) -> None:
    good = story.install("v1", replicas=2)

    with Traffic(story.namespace, story.name, rate=50, image_tag=story.tags["v1"]) as traffic:
        traffic.wait_for(50)
        promoted = story.install("v3", replicas=2, steps=QUICK_STEPS)
        story.wait_without_pods(good)
        aborted = story.apply(story.model("v3", replicas=2, steps=PAUSED_STEP, config={"RUN": "2"}))
        story.wait_holding(Reason.AWAITING_APPROVAL)
        story.wait(lambda: of_revision(traffic.records(), aborted), "an answer of the canary")
        traffic.wait_for(100)
        story.say(Command.ABORT, aborted)
        story.wait_rejected(aborted)
        story.wait_without_pods(aborted)
        story.apply(story.model("v1", replicas=2))
        story.wait_serving(good)
        story.wait_without_pods(promoted)
        traffic.wait_for(50)
    records = once_reachable(traffic.stop())

    assert [r for r in records if r.status != 200] == []
    assert {r.revision for r in records} == {good, promoted, aborted}
