"""Pods by the operator's own clock: other clocks are looked at for change alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.world import START

from davylamp.rollout import ContainerState, PodState
from davylamp.rollout.pods.memory import MOST_ENDS, remembered, with_times

YEAR = timedelta(days=365)
RUNNING = PodState("p", containers=(ContainerState(running=True, started=True),))
SERVING = replace(RUNNING, ready=True, ready_changed_at=START)


def after(*looks, step=10.0):
    """A pod after several looks, ten seconds apart; the last one is now."""
    memory = None
    for number, pod in enumerate(looks):
        tick = number * step
        memory = remembered(memory, pod, tick)
    return with_times(looks[-1], memory, START, tick)


def ago(moment):
    return None if moment is None else (START - moment).total_seconds()


def restarted(pod, restarts, **changes):
    model = replace(pod.containers[0], restarts=restarts)
    return replace(pod, containers=(model,), **changes)


@pytest.mark.parametrize("skew", [-YEAR, -timedelta(hours=1), timedelta(), YEAR])
def test_readiness_is_timed_by_what_was_observed(skew):
    stamp = START + skew
    lost = replace(RUNNING, ready=False, ready_changed_at=stamp)
    pod = after(SERVING, lost, lost, lost)
    assert ago(pod.unready_since) == 20
    assert pod.was_ready
    assert pod.ready_since is None
    again = replace(SERVING, ready_changed_at=stamp)
    assert ago(after(lost, again, again).ready_since) == 10


def test_a_change_between_two_looks_begins_anew():
    flapped = replace(SERVING, ready_changed_at=START + timedelta(seconds=1))
    assert ago(after(SERVING, SERVING, flapped).ready_since) == 0


def test_a_new_process_counts_from_its_first_look():
    lost = replace(RUNNING, was_ready=True, ready_changed_at=START - YEAR)
    pod = after(lost)
    assert ago(pod.unready_since) == 0
    assert pod.was_ready
    assert ago(pod.troubled_at) == 0  # it may have been just now


def test_ends_are_those_that_were_observed():
    pod = after(restarted(SERVING, 7), restarted(SERVING, 7), restarted(SERVING, 9))
    assert [ago(end) for end in pod.containers[0].ends] == [0, 0]
    assert ago(pod.troubled_at) == 0
    many = after(*(restarted(SERVING, count) for count in range(20)))
    assert len(many.containers[0].ends) == MOST_ENDS


def test_a_pod_that_is_well_is_in_no_trouble():
    assert after(RUNNING, SERVING, SERVING).troubled_at is None
    assert after(SERVING, replace(SERVING, ready=False, terminating=True)).troubled_at is None


def test_trouble_before_is_remembered_after_it_is_over():
    lost = replace(SERVING, ready=False, ready_changed_at=START + YEAR)
    pod = after(SERVING, lost, SERVING, SERVING)
    assert pod.ready
    assert ago(pod.troubled_at) == 20


def test_its_own_time_begins_when_nothing_is_in_its_way():
    pulling = PodState("p", containers=(ContainerState(waiting_reason="ImagePullBackOff"),))
    assert after(pulling, pulling).unhindered_since is None
    assert ago(after(pulling, RUNNING, RUNNING).unhindered_since) == 10
    assert ago(after(RUNNING, pulling, RUNNING).unhindered_since) == 0
    assert ago(after(RUNNING, SERVING, RUNNING).unhindered_since) == 20
