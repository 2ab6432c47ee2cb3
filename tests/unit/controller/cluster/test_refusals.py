"""Refused writes: which ones people have to clear away, and how long they are remembered."""

from datetime import UTC, datetime, timedelta

import pytest

from davylamp.adapters.errors import Conflict, Forbidden, NotLeader, Retryable, Terminal
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.refusals import Refusals, RefusedJob, refusal_of

KEY = Key("models", "risk")
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
JOB = RefusedJob({"kind": "Job"}, "403 quota", NOW)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, None),
        (Retryable("500"), None),
        (Conflict("409"), None),
        (NotLeader("no lease"), None),
        (Forbidden("403"), Reason.WRITE_REFUSED),
        (Terminal(Reason.NAME_TAKEN, "taken"), Reason.NAME_TAKEN),
        (Terminal("Invalid", "422"), Reason.INVALID_SPEC),
    ],
)
def test_only_what_does_not_pass_by_itself_is_told(error, reason):
    refusal = refusal_of(error)
    assert (refusal and refusal.reason) == reason


def test_an_obstacle_is_remembered_until_a_pass_goes_through():
    refusals = Refusals()
    refusals.note_obstacle(KEY, Forbidden("403"))
    assert str(refusals.obstacle(KEY)) == "403"
    refusals.note_obstacle(KEY, None)
    assert refusals.obstacle(KEY) is None


def test_a_refused_job_stands_for_a_while_and_as_long_as_it_is_the_same():
    assert JOB.stands({"kind": "Job"}, NOW + timedelta(minutes=4))
    assert not JOB.stands({"kind": "Job"}, NOW + timedelta(minutes=5))
    assert not JOB.stands({"kind": "Job", "spec": {}}, NOW)
    assert not JOB.stands(None, NOW)


def test_jobs_are_remembered_by_kind_and_forgotten_with_their_object():
    refusals = Refusals()
    refusals.note_job(KEY, "Job", JOB)
    refusals.note_job(KEY, "CronJob", JOB)
    refusals.clear_jobs(KEY, ["CronJob"])
    assert refusals.jobs(KEY) == {"Job": JOB}
    refusals.note_obstacle(KEY, Forbidden("403"))
    refusals.forget(KEY)
    assert not refusals.jobs(KEY)
    assert refusals.obstacle(KEY) is None
