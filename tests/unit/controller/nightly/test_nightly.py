"""The nightly job and a candidate's own, with the real reconciler on a fake cluster."""

import pytest
from tests.support import nights
from tests.support.fakecluster import Address, Killed, Port, refusing, refusing_kind
from tests.support.nights import CRON_JOB, report
from tests.support.operation import NAMESPACE, Land, written

from davylamp.adapters.errors import Forbidden, Retryable
from davylamp.api.names import Command, Reason

CONDITION = "ExplanationsStable"
REJECT = {"onDrift": "RejectCandidate"}
LABELS = {"namespace": NAMESPACE, "name": "risk"}


async def served(**explanations: object) -> Land:
    land = Land()
    land.apply("v1", explanations=explanations)
    await land.settle()
    return land


def metric(land: Land, name: str) -> float | None:
    return land.operator.metrics.registry.get_sample_value(f"davylamp_{name}", LABELS)


def image(land: Land) -> str:
    cron = nights.cron_job(land)
    assert cron
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return pod["containers"][0]["image"]


def told(land: Land, reason: Reason) -> list[tuple[str, str]]:
    said = [event for event in land.cluster.events if event["reason"] == reason]
    return [(event["type"], event["message"]) for event in said]


# --- the CronJob ----------------------------------------------------------------------------------


async def test_without_explanations_there_is_no_job_and_nobody_asks_for_any():
    land = Land()
    land.apply("v1")
    await land.settle()
    assert nights.cron_job(land) is None
    assert land.condition(CONDITION) is None
    assert not {("get", "CronJob"), ("get", "Job"), ("list", "Pod")} & land.cluster.reads.keys()


async def test_what_the_first_run_pulled_every_later_run_is_bound_to():
    land = await served()
    pulled, moved = (f"registry.example/model-training@sha256:{n * 64}" for n in "ab")
    nights.ran(land, "night-1", 0, report("Stable"), image=f"docker-pullable://{pulled}")
    await land.run(2)
    bound = f"registry.example/model-training:v1@{pulled.partition('@')[2]}"
    assert image(land) == bound
    nights.ran(land, "night-2", 3, report("Drifted"), image=moved)
    await land.run(2)
    assert image(land) == bound


async def test_a_run_that_could_not_pull_or_was_loaded_by_hand_binds_nothing():
    land = await served()
    for night, ran in enumerate(("", f"sha256:{'a' * 64}", "registry.example/model-training@x")):
        nights.ran(land, f"night-{night}", 0, report("Stable"), image=ran)
        await land.run(2)
        assert image(land) == "registry.example/model-training:v1"


async def test_a_new_revision_begins_without_the_last_ones_digest():
    land = await served()
    pulled = f"registry.example/model-training@sha256:{'a' * 64}"
    nights.ran(land, "night-1", 0, report("Stable"), image=pulled)
    await land.run(2)
    land.apply("v2", explanations={})
    await land.until(lambda: land.stable() == "v2", within=300)
    await land.run(2)
    assert image(land) == "registry.example/model-training:v2"


async def test_asked_for_it_is_there_and_asked_for_no_more_it_is_gone():
    land = await served()
    assert image(land) == "registry.example/model-training:v1"
    value, reason, message = land.condition(CONDITION)
    assert (value, reason) == ("Unknown", "ExplanationsUndecided")
    assert f"--from=cronjob/{CRON_JOB}" in message
    nights.ran(land, "night-1", 0, report("Stable"))
    await land.run(2)
    land.apply("v1", explanations=None)
    await land.run(2)
    assert nights.cron_job(land) is None
    assert land.condition(CONDITION) is None
    assert land.status().explanations is None
    assert metric(land, "explanation_drifted") is None


async def test_a_change_of_it_is_no_rollout():
    land = await served()
    before = land.outcomes()
    land.apply("v1", explanations={"schedule": "1 2 * * *", "distance": "0.3"})
    await land.settle()
    assert nights.cron_job(land)["spec"]["schedule"] == "1 2 * * *"
    assert land.outcomes() == before


async def test_p9_a_night_without_news_costs_nothing():
    land = await served()
    nights.ran(land, "night-1", 0, report("Stable"))
    await land.run(3)
    writes, reads = len(land.cluster.writes), nights.looked_for(land.cluster)
    await land.run(1000)
    assert len(land.cluster.writes) == writes
    assert nights.looked_for(land.cluster) == reads


async def test_p8_another_operator_writes_and_reads_nothing_again():
    land = await served(resources={"limits": {"memory": "1000Mi", "cpu": "1000m"}})
    nights.ran(land, "night-1", 0, report("Stable"))
    await land.run(3)
    writes, reads = len(land.cluster.writes), nights.looked_for(land.cluster)
    land.restart()
    await land.run(10)
    assert len(land.cluster.writes) == writes
    assert nights.looked_for(land.cluster) == reads
    assert metric(land, "explanation_drifted") == 0


async def test_it_stays_that_of_stable_until_another_one_serves():
    land = await served()
    nights.ran(land, "night-1", 3, report("Drifted", 0.4))
    land.apply("v2")
    await land.until(lambda: land.status().candidate and land.status().candidate.step)
    assert image(land).endswith(":v1")
    assert land.condition(CONDITION)[0] == "False"
    await land.settle()
    assert image(land).endswith(":v2")
    assert land.condition(CONDITION)[:2] == ("Unknown", "ExplanationsUndecided")
    assert metric(land, "explanation_drifted") is None


async def test_edited_or_deleted_by_hand_it_is_put_back_but_may_be_suspended():
    land = await served()
    land.cluster.edit("CronJob", CRON_JOB, lambda item: item["spec"].update(schedule="0 0 * * *"))
    land.cluster.edit("CronJob", CRON_JOB, lambda item: item["spec"].update(suspend=True))
    await land.run(2)
    assert nights.cron_job(land)["spec"]["schedule"] == "17 3 * * *"
    assert nights.cron_job(land)["spec"]["suspend"] is True
    land.cluster.drop(Address("CronJob", NAMESPACE, CRON_JOB))
    await land.run(2)
    assert nights.cron_job(land)


# --- what it finds ----------------------------------------------------------------------------------


async def test_a_night_without_drift_is_told():
    land = await served()
    job = nights.start(land, "night-1")
    await land.run(3)
    assert land.condition(CONDITION)[0] == "Unknown"
    nights.end(land, job, 0, report("Stable"))
    await land.run(2)
    run = land.status().explanations
    assert (run.job, run.tag, run.verdict) == ("night-1", "v1", "Stable")
    assert (run.distance, run.limit) == ("0.034", "0.1")
    value, reason, message = land.condition(CONDITION)
    assert (value, reason) == ("True", "ExplanationsStable")
    assert "distance 0.034, limit 0.1" in message
    assert metric(land, "explanation_distance") == 0.034
    assert (metric(land, "explanation_drifted"), metric(land, "nightly_failed")) == (0, 0)


async def test_drift_is_told_once_and_ends_with_a_night_without():
    land = await served()
    for night in ("night-1", "night-2"):
        nights.ran(land, night, 3, report("Drifted", 0.4))
        await land.run(2)
        assert land.condition(CONDITION)[:2] == ("False", "ExplanationsDrifted")
        assert land.status().explanations.job == night
    assert [kind for kind, _ in told(land, Reason.EXPLANATIONS_DRIFTED)] == ["Warning"]
    assert (metric(land, "explanation_drifted"), metric(land, "explanation_distance")) == (1, 0.4)
    assert land.condition("Ready")[0] == "True"
    assert metric(land, "rollbacks_total") is None
    nights.ran(land, "night-3", 0, report("Stable"))
    await land.run(2)
    assert land.condition(CONDITION)[0] == "True"
    assert metric(land, "explanation_drifted") == 0


@pytest.mark.parametrize("code", [1, None])
async def test_a_job_that_broke_says_nothing_about_the_model(code):
    land = await served()
    words = {"reason": "DeadlineExceeded", "message": "too long"}
    nights.end(land, nights.start(land, "night-1"), code, "no such file", **words)
    await land.run(2)
    value, reason, message = land.condition(CONDITION)
    assert (value, reason) == ("Unknown", "ExplanationJobFailed")
    shown = "exit code 1; see `kubectl logs job/night-1 -n models`"
    assert (shown if code else "DeadlineExceeded") in message
    assert "no such file" not in message
    assert metric(land, "nightly_failed") == 1
    assert len(told(land, Reason.EXPLANATION_JOB_FAILED)) == 1


async def test_only_jobs_that_are_ours_count():
    land = await served()
    foreign = nights.start(land, "pretender", owned=False)
    nights.end(land, foreign, 3, report("Drifted"))
    await land.run(2)
    assert land.status().explanations is None


async def test_the_newest_run_counts_and_an_older_one_that_ends_later_is_a_newer_answer():
    land = await served()
    long = nights.start(land, "by-hand")
    nights.ran(land, "night-1", 0, report("Stable"))
    await land.run(2)
    nights.end(land, long, 3, report("Drifted"))
    await land.run(2)
    assert land.status().explanations.job == "by-hand"
    land.cluster.drop(Address("Job", NAMESPACE, "by-hand"))
    await land.run(2)
    assert land.status().explanations.job == "by-hand", "what was told does not go back"


async def test_a_run_that_cannot_be_read_just_now_is_read_later(monkeypatch):
    land = await served()
    await land.run(5)
    refused, listing = [], Port.list

    async def unavailable(port, kind, namespace, *, labels):
        if "batch.kubernetes.io/job-name" in labels and not refused:
            refused.append(kind)
            raise Retryable("no answer within 5 s")
        return await listing(port, kind, namespace, labels=labels)

    monkeypatch.setattr(Port, "list", unavailable)
    nights.ran(land, "night-1", 0, report("Stable"))
    await land.run(2)
    assert refused
    assert land.status().explanations is None
    await land.run(40)
    assert land.status().explanations.verdict == "Stable"


async def test_a_spec_that_cannot_be_read_leaves_it_as_it_is():
    land = await served()
    nights.ran(land, "night-1", 3, report("Drifted"))
    await land.run(2)
    land.apply("v1", seed="none")
    await land.run(3)
    assert land.condition("Stalled")[1] == "InvalidSpec"
    assert nights.cron_job(land)
    assert land.condition(CONDITION)[0] == "False"


async def test_what_is_refused_is_told_and_holds_up_nothing():
    land = await served()
    land.cluster.drop(Address("CronJob", NAMESPACE, CRON_JOB))
    await land.run(2)

    def fault(write):
        if (write.kind, write.verb) == ("CronJob", "apply"):
            raise Forbidden("apply CronJob: 403 quota")

    land.cluster.before.append(fault)
    land.apply("v2")
    await land.settle()
    assert (land.stable(), land.serving()) == ("v2", {"v2"})
    value, reason, message = land.condition(CONDITION)
    assert (value, reason) == ("Unknown", "WriteRefused")
    assert "quota" in message
    assert land.condition("Stalled") is None
    land.cluster.before.clear()
    land.operator.wake(land.operator.cache.parents()[0])
    await land.until(lambda: land.condition(CONDITION)[1] != "WriteRefused", within=2000)
    assert image(land).endswith(":v2")


# --- a candidate's own ------------------------------------------------------------------------------


async def rehearsing(land: Land, tag: str = "v2") -> dict:
    """A candidate whose Job has begun."""
    land.apply(tag)
    await land.until(lambda: land.cluster.find("Job"), within=60)
    await land.run(3)
    (job,) = land.cluster.find("Job")
    return job


async def test_the_first_revision_has_nobody_to_be_compared_with():
    land = await served(**REJECT)
    assert land.stable() == "v1"
    assert land.cluster.find("Job") == []


async def test_with_alert_alone_a_candidate_goes_on_without_a_job():
    land = await served()
    land.apply("v2")
    await land.settle()
    assert land.stable() == "v2"
    assert land.cluster.find("Job") == []


async def test_a_candidate_waits_for_its_job_and_goes_on_when_nothing_drifts():
    land = await served(**REJECT)
    job = await rehearsing(land)
    candidate = land.status().candidate
    assert job["metadata"]["name"] == f"risk-{candidate.revision}-drift"
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert container["image"].endswith("-training:v2")
    assert {e["name"]: e["value"] for e in container["env"]}["DAVYLAMP_SERVER_URL"] == (
        "http://risk-stable.models.svc"
    )
    assert (candidate.stage, candidate.waiting_for) == ("Preparing", "AwaitingChecks")
    (check,) = [c for c in candidate.checks if c.name == "Drift"]
    assert check.verdict == "Unknown"
    await land.run(20)
    assert land.serving() == {"v1"}
    nights.end(land, job, 0, report("Undecided"))
    await land.until(lambda: land.status().candidate.step, within=30)
    (check,) = [c for c in land.status().candidate.checks if c.name == "Drift"]
    assert (check.verdict, check.reason) == ("Pass", "ExplanationsUndecided")
    await land.settle()
    assert land.stable() == "v2"
    run = land.status().explanations
    assert (run.job, run.tag) == (job["metadata"]["name"], "v2"), "it was about this revision"


async def test_a_candidate_that_drifts_is_taken_back_before_any_traffic():
    land = await served(**REJECT)
    job = await rehearsing(land)
    opened = len(written(land, ["Service"]))
    nights.end(land, job, 3, report("Drifted", 0.4))
    await land.settle()
    (entry,) = land.status().rejected
    assert (entry.tag, entry.reason) == ("v2", "CheckFailed")
    assert entry.message.startswith("check Drift: explanations drifted: distance 0.4, limit 0.1")
    assert not [w for w in written(land, ["Service"])[opened:] if w.endswith("Service risk")]
    assert land.serving() == {"v1"}
    assert land.status().explanations is None, "it says nothing about what serves"


async def test_a_retry_runs_the_job_anew():
    land = await served(**REJECT)
    job = await rehearsing(land)
    nights.end(land, job, 3, report("Drifted"))
    await land.settle()
    land.say(Command.RETRY, land.status().rejected[0].revision)
    await land.until(lambda: land.status().candidate and land.status().candidate.checks)
    await land.run(10)
    (again,) = land.cluster.find("Job")
    assert again["metadata"]["uid"] != job["metadata"]["uid"]
    assert land.status().candidate.waiting_for == "AwaitingChecks"
    nights.end(land, again, 0, report("Stable"))
    await land.settle()
    assert land.stable() == "v2"


@pytest.mark.parametrize("broken", [True, False])
async def test_without_an_answer_it_is_taken_back_at_the_deadline(broken):
    land = await served(**REJECT)
    job = await rehearsing(land)
    if broken:
        nights.end(land, job, 1, "no such snapshot")
    await land.run(10)
    assert land.status().candidate.waiting_for == "AwaitingChecks"
    await land.settle()
    (entry,) = land.status().rejected
    assert entry.reason == "CheckFailed"
    assert entry.message.startswith("check Drift: not passed within 1m: ")
    assert ("exit code 1; see `kubectl logs job/" if broken else "has not ended") in entry.message
    assert bool(land.cluster.find("Job")) == broken, "a run for nobody is ended"


async def test_a_person_may_promote_without_the_answer():
    land = await served(**REJECT)
    await rehearsing(land)
    land.say(Command.PROMOTE, land.status().candidate.revision)
    await land.settle()
    assert land.stable() == "v2"


async def test_a_refused_job_is_the_reason_that_people_read():
    land = await served(**REJECT)
    land.apply("v2")
    await land.until(lambda: land.status().candidate)
    name = f"risk-{land.status().candidate.revision}-drift"
    land.cluster.before.append(refusing_kind("Job", name, "exceeded quota"))
    await land.until(lambda: land.status().candidate.waiting_for == "AwaitingChecks")
    await land.until(lambda: "exceeded quota" in land.condition("Ready")[2], within=30)
    await land.settle()
    assert "exceeded quota" in land.status().rejected[0].message


async def test_a_refused_cron_job_does_not_keep_a_candidate_from_its_job():
    land = await served(**REJECT)
    land.cluster.before.append(refusing_kind("CronJob", CRON_JOB, "unsupported schedule"))
    land.apply("v1", explanations={**REJECT, "schedule": "0 0 * * 5-3"})
    await land.run(3)
    assert "unsupported schedule" in land.condition(CONDITION)[2]
    tried = written(land, ["CronJob"])
    nights.end(land, await rehearsing(land), 0, report("Stable"))
    await land.until(lambda: land.status().candidate.step, within=30)
    assert written(land, ["CronJob"]) == tried, "not again in every pass"


async def rejected_and_then_passed(death: int | None) -> dict:
    """Two candidates, one that drifts; the operator dies at one write if that is given."""
    land = await served(**REJECT)
    if death is not None:
        land.cluster.after.append(refusing(len(land.cluster.writes) + death, Killed()))
    nights.end(land, await rehearsing(land), 3, report("Drifted"))
    await land.until(lambda: land.status().rejected)
    for job in land.cluster.find("Job"):
        land.cluster.drop(Address("Job", NAMESPACE, job["metadata"]["name"]))
    nights.end(land, await rehearsing(land, "v3"), 0, report("Stable"))
    await land.settle()
    jobs = [(j["metadata"]["name"], j["spec"]) for j in land.cluster.find("Job")]
    assert land.deaths == (death is not None)
    return {**land.end(), "jobs": jobs, "cron": image(land)}


@pytest.mark.parametrize("death", [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23])
async def test_p5_killed_at_any_write_it_ends_the_same(death):
    assert await rejected_and_then_passed(death) == await rejected_and_then_passed(None)
