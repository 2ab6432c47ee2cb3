"""What the operator may cost: bounds on the counts that `bench/reconcile` prints."""

from bench.reconcile import counts

from davylamp.controller.leadership.lease import LeaseSettings

REFRESHES_PER_MINUTE = 2
"""Of the numbers in the status while something is judged: every 30 s."""
SHORT = {
    "replicas": 2,
    "rollout": {"steps": [{"weight": 50, "hold": "5s"}], "minRequests": 1, "probation": "0s"},
}


async def test_a_rollout_in_three_steps_takes_few_writes_besides_telling_its_numbers():
    work = await counts.rollout("v2")
    assert work.outcome == "v2 Promoted"
    assert work.writes_in_all - work.writes["ModelDeployment"] <= 20
    numbers = REFRESHES_PER_MINUTE * work.seconds / 60
    assert work.writes["ModelDeployment"] <= numbers + 20
    assert work.queries_per_poll == 1
    assert work.queries <= work.seconds


async def test_a_rollback_takes_few_writes():
    work = await counts.rollout("v2", counts.BAD)
    assert work.outcome == "v2 RolledBack"
    assert work.writes_in_all <= 40


async def test_p9_an_idle_hour_costs_no_write_and_no_query():
    work = await counts.idle()
    assert (work.writes_in_all, work.queries) == (0, 0)
    assert work.reads == 0


async def test_a_rollout_more_costs_two_queries_in_all():
    """Its own past, when it is first looked at and when its canary begins; the rest is shared."""
    work = await counts.many(SHORT)
    assert work.outcome == "v2 Promoted"
    assert work.queries <= work.polls + 2 * counts.MANY
    assert work.polls <= work.seconds
    assert work.writes_in_all <= 40 * counts.MANY


def test_the_lease_is_written_twelve_times_a_minute():
    lease = LeaseSettings(name="davylamp", namespace="davylamp-system", identity="davylamp-0")
    assert counts.leases_per_minute(lease) == 12
