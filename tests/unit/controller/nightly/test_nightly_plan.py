"""Which writes keep the nightly job as wanted, from values alone."""

from datetime import UTC, datetime

import pytest
from tests.support import plans
from tests.support.fakecluster import refusing_kind
from tests.support.nights import CRON_JOB

from davylamp.controller.cluster.writes import IfRefused, WriteStep
from davylamp.controller.obstacles.refusals import RefusedJob

ASKED = {"schedule": "17 3 * * *", "onDrift": "RejectCandidate"}
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


def nightly_of(plan) -> list[tuple[str, str]]:
    return [(type(write).__name__, write.kind) for write in plan.of(WriteStep.NIGHTLY)]


async def told() -> plans.Story:
    story = plans.Story()
    with story.recorded():
        await plans.nightly(story)
    return story


async def test_a_job_that_cannot_be_deleted_is_in_nobodys_way():
    story = await told()
    writes = [write for plan in story.plans for write in plan.of(WriteStep.NIGHTLY)]
    rules = {(type(write).__name__, write.if_refused) for write in writes}
    assert rules == {
        ("Apply", IfRefused.CONDITION),
        ("Replace", IfRefused.CONDITION),
        ("Delete", IfRefused.LOG),
    }


async def test_without_explanations_no_plan_has_a_nightly_write():
    story = plans.Story()
    with story.recorded():
        await plans.good(story)
    assert all(nightly_of(plan) == [] for plan in story.plans)


async def test_once_it_is_there_no_plan_writes_it_again():
    story = plans.Story()
    with story.recorded():
        await story.served(explanations=ASKED)
        made = [nightly_of(plan) for plan in story.plans]
    assert [writes for writes in made if writes] == [[("Apply", "CronJob")]]


async def test_a_refused_one_is_planned_again_after_five_minutes_and_not_before():
    story = plans.Story()
    with story.recorded():
        await story.served()
        story.land.cluster.before.append(refusing_kind("CronJob", CRON_JOB))
        story.land.apply("v1", explanations=ASKED)
        await story.land.run(3)
        for seconds in (270, 40):
            tried = len([plan for plan in story.plans if nightly_of(plan)])
            await story.land.run(seconds)
            story.land.operator.wake(story.land.operator.cache.parents()[0])
            await story.land.run(1)
            again = len([plan for plan in story.plans if nightly_of(plan)])
            assert again == tried + (seconds == 40)


@pytest.mark.parametrize(("manifest", "stands"), [({"kind": "Job"}, True), ({}, False)])
def test_another_manifest_is_tried_at_once(manifest, stands):
    assert RefusedJob({"kind": "Job"}, "403", NOW).stands(manifest, NOW) is stands
