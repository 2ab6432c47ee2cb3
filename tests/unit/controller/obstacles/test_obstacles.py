"""What is remembered of refused writes: when it is told, how often, and when it is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from davylamp.adapters.errors import Conflict, Forbidden, NamespaceEnding, Retryable, Terminal
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key
from davylamp.controller.cluster.writes import Fence, Write, WriteStep, apply
from davylamp.controller.obstacles.obstacles import EVENT_AGAIN, LONGEST_WAIT, PASSING, Obstacles

KEY = Key("models", "risk")
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def deployment(replicas: int = 1) -> Write:
    manifest = {
        "kind": "Deployment",
        "metadata": {"name": "risk-1"},
        "spec": {"replicas": replicas},
    }
    return apply(WriteStep.GROW, manifest)


def service(name: str = "risk", *, stops: tuple[str, ...] = ("v2",)) -> Fence:
    manifest = {"kind": "Service", "metadata": {"name": name}}
    return Fence(WriteStep.FENCE, "Service", name, manifest, shuts_out=stops, stops=stops)


def noted(*writes: Write, error: Exception, at: datetime = NOW) -> Obstacles:
    obstacles = Obstacles()
    for write in writes:
        obstacles.note(KEY, write, error, at)
    return obstacles


def reason_at(obstacles: Obstacles, moment: datetime) -> Reason | None:
    obstruction = obstacles.obstruction(KEY, moment)
    return obstruction.reason if obstruction else None


@pytest.mark.parametrize("error", [Forbidden("403"), Terminal("Invalid", "422")])
def test_what_somebody_has_to_clear_away_is_told_at_once(error):
    assert reason_at(noted(deployment(), error=error), NOW) is Reason.WRITE_REFUSED


@pytest.mark.parametrize("error", [Conflict("409"), Retryable("500")])
def test_what_may_pass_is_told_after_some_seconds(error):
    obstacles = noted(deployment(), error=error)
    assert reason_at(obstacles, NOW + PASSING - SECOND) is None
    assert reason_at(obstacles, NOW + PASSING) is Reason.WRITE_FAILING
    assert obstacles.counted(KEY, NOW + PASSING) == {Reason.WRITE_FAILING: 1}
    obstacles.clear(KEY, deployment().key)
    assert reason_at(obstacles, NOW + PASSING) is None


def test_a_namespace_that_goes_away_is_nobodys_business():
    obstacles = noted(deployment(), error=NamespaceEnding("403"))
    later = NOW + timedelta(hours=1)
    assert reason_at(obstacles, later) is None
    assert not obstacles.announcements(KEY, later)
    assert not obstacles.counted(KEY, later)


def test_a_refused_fence_is_told_first_and_stays_one_when_its_pods_are_gone():
    obstacles = noted(deployment(), service(), error=Retryable("500"))
    obstacles.note_second_way(KEY, service(), "Deployment risk-v2 was scaled to 0 instead")
    obstacles.note(KEY, service(stops=()), Retryable("500"), NOW + SECOND)
    obstacles.note_second_way(KEY, service(), "")
    obstruction = obstacles.obstruction(KEY, NOW + PASSING)
    assert obstruction is not None
    assert obstruction.reason is Reason.FENCE_REFUSED
    assert obstruction.message == (
        "Service risk cannot be made to shut v2 out; Deployment risk-v2 was scaled to 0 instead; 500; "
        "refused as well: Deployment risk-1"
    )


def test_a_fence_that_stops_nobody_is_a_refused_write_like_others():
    obstacles = noted(service(stops=()), error=Forbidden("403"))
    assert reason_at(obstacles, NOW) is Reason.WRITE_REFUSED


def test_one_event_for_one_obstacle_whatever_it_hits_and_another_after_long():
    obstacles = noted(deployment(), error=Forbidden("403 a", by="the webhook w"))
    (first,) = obstacles.announcements(KEY, NOW)
    other = apply(WriteStep.GROW, {"kind": "ConfigMap", "metadata": {"name": "risk-1"}})
    obstacles.note(KEY, other, Forbidden("403 b", by="the webhook w"), NOW)
    moment = NOW
    while moment < NOW + EVENT_AGAIN - SECOND:
        assert not obstacles.announcements(KEY, moment)
        moment += timedelta(seconds=30)
    (again,) = obstacles.announcements(KEY, NOW + EVENT_AGAIN)
    assert first.reason is again.reason is Reason.WRITE_REFUSED
    assert "ConfigMap risk-1" in again.message


def test_another_obstacle_and_one_that_returns_later_have_their_own_event():
    obstacles = noted(deployment(), error=Forbidden("403", by="the webhook w"))
    assert obstacles.announcements(KEY, NOW)
    obstacles.note(KEY, deployment(), Forbidden("403", by="the quota q"), NOW + SECOND)
    assert [news.message for news in obstacles.announcements(KEY, NOW + SECOND)] == [
        "refused by the quota q: 403; see `kubectl describe resourcequota q -n models`"
    ]
    obstacles.clear(KEY, deployment().key)
    obstacles.announcements(KEY, NOW + 2 * SECOND)
    obstacles.note(KEY, deployment(), Forbidden("403", by="the quota q"), NOW + 3 * SECOND)
    assert not obstacles.announcements(KEY, NOW + 3 * SECOND), "it comes and goes"
    obstacles.clear(KEY, deployment().key)
    later = NOW + timedelta(minutes=5)
    obstacles.announcements(KEY, later)
    obstacles.note(KEY, deployment(), Forbidden("403", by="the quota q"), later)
    assert obstacles.announcements(KEY, later)


def test_an_event_that_was_refused_is_news_again():
    obstacles = noted(deployment(), error=Forbidden("403"))
    (news,) = obstacles.announcements(KEY, NOW)
    obstacles.not_announced(KEY, news)
    assert obstacles.announcements(KEY, NOW) == [news]


def test_a_refused_write_is_tried_less_and_less_often_and_another_content_at_once():
    obstacles, moment, waits = Obstacles(), NOW, []
    for _ in range(8):
        obstacles.note(KEY, deployment(), Retryable("500"), moment)
        assert obstacles.waits(KEY, deployment(), moment)
        assert not obstacles.waits(KEY, deployment(replicas=2), moment)
        waits.append(obstacles.of(KEY)[0].again_at - moment)
        moment = obstacles.of(KEY)[0].again_at
        assert not obstacles.waits(KEY, deployment(), moment)
    assert [wait.total_seconds() for wait in waits] == [1, 2, 4, 8, 16, *[LONGEST_WAIT] * 3]


def test_a_fence_is_never_left_out_and_tried_again_within_two_seconds():
    obstacles, moment = Obstacles(), NOW
    for _ in range(8):
        obstacles.note(KEY, service(), Retryable("500"), moment)
        assert not obstacles.waits(KEY, service(), moment)
        due = obstacles.due_in(KEY, moment)
        assert due is not None
        assert due <= 2
        moment += 2 * SECOND


def test_what_the_api_server_asks_for_is_waited():
    obstacles = noted(deployment(), error=Retryable("429", after=7))
    assert obstacles.of(KEY)[0].again_at == NOW + 7 * SECOND


def test_obstacles_of_writes_that_nobody_wants_any_more_are_forgotten():
    obstacles = noted(deployment(), service(), error=Forbidden("403"))
    obstacles.keep(KEY, {service().key})
    assert [obstacle.write for obstacle in obstacles.of(KEY)] == [service().key]
    obstacles.forget(KEY)
    assert not obstacles.of(KEY)
