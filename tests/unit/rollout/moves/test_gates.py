"""What gates do to a rollout, each with the way out that its sentence promises."""

import re

import pytest
from tests.support.nature import Model, live, settle, world_in
from tests.support.world import NAME, NAMESPACE, Children, judgement, revision_of

from davylamp.api.gates import Gate, OnFail
from davylamp.api.names import Command, Reason
from davylamp.api.spec import Rollout, Step
from davylamp.api.status import Stage, to_json
from davylamp.api.status_parts import GateForecast
from davylamp.gates import Verdict
from davylamp.gates.kinds.error_rate import ErrorRateSpec
from davylamp.gates.kinds.explanations import ExplanationsSpec
from davylamp.gates.kinds.latency import LatencySpec
from davylamp.gates.kinds.query import QuerySpec
from davylamp.rollout import decide
from davylamp.rollout.wording import RESOURCE
from davylamp.schema.pseudonyms import pseudonym

V1, V2 = revision_of("v1"), revision_of("v2")
GOOD = {"v1": Model.GOOD, "v2": Model.GOOD}
STEPS = (Step(weight=25, hold="1m"), Step(weight=40, hold="1m"))


def plan(*gates, **settings):
    return Rollout(steps=STEPS, gates=gates or (gate("errors"),), **settings)


def gate(name, on_fail=None):
    return Gate(name=name, on_fail=on_fail, error_rate=ErrorRateSpec())


def in_canary(*gates, **settings):
    """v2 is in its first step, whose hold is over; every gate has passed so far."""
    world = world_in("Canary", rollout=plan(*gates, **settings))
    world.answers[V2] = judgement(Verdict.PASS)
    world.controllers_run()
    world.wait(minutes=5)
    return world


def at_last_step(*gates, **settings):
    """v2's pods for the last step are ready and its hold is over."""
    world = world_in("Step2", rollout=plan(*gates, **settings))
    world.answers[V2] = judgement(Verdict.PASS, requests=5_000)
    world.controllers_run()
    world.ready("v2")
    world.wait(minutes=5)
    return world


def preparing(*gates, **settings):
    """v2's one pod is ready, and the next pass would give it traffic."""
    world = world_in("Preparing", rollout=plan(*gates, **settings))
    world.sweep()
    world.controllers_run()
    world.ready("v2")
    return world


def passed(world, times=1):
    """Passes of the operator; deciding a second time about the same changes nothing."""
    for _ in range(times):
        seen = world.observe()
        decision = world.reconcile()
        again = decide(decision.status, seen, name=NAME, namespace=NAMESPACE)
        assert to_json(again.status) == to_json(decision.status)
        assert again.notices == ()
    return world


def held(world, reason):
    """The message while the candidate is held for a reason."""
    passed(world)
    assert world.status.candidate is not None, world.told
    assert world.status.candidate.waiting_for == reason
    return world.condition("Ready")[2]


def typed(world, message, command):
    """What a user types who copies a command from the message."""
    pattern = (
        rf"`kubectl annotate --overwrite {RESOURCE}/{NAME} {command.value}=(\S+) -n {NAMESPACE}`"
    )
    found = re.search(pattern, message)
    assert found, message
    world.commands[command] = found.group(1)


# --- Rollback, Pause and Warn -----------------------------------------------------------------


def test_p1_a_gate_rolls_back_unless_it_says_otherwise():
    world = in_canary(gate("errors"), gate("slow"))
    world.said["slow"] = judgement(Verdict.FAIL)
    world.reconcile()
    assert world.rejected == {"v2"}
    assert world.status.rejected[0].reason == Reason.GATE_FAILED
    assert world.status.rejected[0].message.startswith("gate slow: ")


@pytest.mark.parametrize("step", [in_canary, at_last_step])
def test_a_gate_that_pauses_holds_the_step_and_says_how_to_go_on(step):
    world = step(gate("errors"), gate("slow", OnFail.PAUSE))
    world.said["slow"] = judgement(Verdict.FAIL)
    number = world.status.candidate.step
    message = held(world, Reason.AWAITING_APPROVAL)
    assert "gate slow failed and pauses: 200 of 1000 requests failed" in message
    for command in (Command.PROMOTE, Command.ABORT):
        assert f"{command}={V2}" in message
    world.wait(hours=1)
    held(world, Reason.AWAITING_APPROVAL)
    assert world.status.candidate.step == number
    assert not world.rejected


def test_a_user_may_promote_what_a_gate_paused():
    world = in_canary(gate("errors"), gate("slow", OnFail.PAUSE))
    world.said["slow"] = judgement(Verdict.FAIL)
    typed(world, held(world, Reason.AWAITING_APPROVAL), Command.PROMOTE)
    passed(world)
    assert world.stage is Stage.PROMOTING
    settle(world, GOOD)
    assert world.stable == "v2"


def test_a_user_may_abort_what_a_gate_paused():
    world = in_canary(gate("errors"), gate("slow", OnFail.PAUSE))
    world.said["slow"] = judgement(Verdict.FAIL)
    typed(world, held(world, Reason.AWAITING_APPROVAL), Command.ABORT)
    passed(world)
    assert (world.candidate, world.rejected) == (None, {"v2"})
    assert world.status.rejected[0].reason == Reason.ABORTED


def test_a_gate_that_rolls_back_is_not_stopped_by_one_that_pauses():
    world = in_canary(gate("errors"), gate("slow", OnFail.PAUSE))
    world.said = {"slow": judgement(Verdict.FAIL), "errors": judgement(Verdict.FAIL)}
    world.reconcile()
    assert world.status.rejected[0].message.startswith("gate errors: ")


def test_a_gate_that_warns_tells_once_and_holds_nothing():
    world = in_canary(gate("errors"), gate("slow", OnFail.WARN))
    world.said["slow"] = judgement(Verdict.FAIL)
    passed(world, 3)
    warnings = [notice for notice in world.notices if notice.reason is Reason.GATE_WARNED]
    assert [(each.severity, each.revision) for each in warnings] == [("Warning", V2)]
    assert warnings[0].message == "gate slow would roll back v2: 200 of 1000 requests failed"
    settle(world, GOOD)
    assert world.told.count(Reason.GATE_WARNED) == 1
    assert (world.stable, world.rejected) == ("v2", set())


def test_each_gate_that_warns_is_told():
    world = in_canary(gate("a", OnFail.WARN), gate("b", OnFail.WARN))
    world.answers[V2] = judgement(Verdict.FAIL)
    passed(world, 2)
    told = [
        notice.message.split()[1] for notice in world.notices if "would roll back" in notice.message
    ]
    assert told == ["a", "b"]


@pytest.mark.parametrize("verdict", [Verdict.UNDECIDED, Verdict.UNKNOWN, Verdict.FAIL])
def test_a_gate_that_warns_never_keeps_from_promotion(verdict):
    world = at_last_step(gate("errors"), gate("slow", OnFail.WARN))
    world.said["slow"] = judgement(verdict)
    passed(world)
    assert world.stage is Stage.PROMOTING


@pytest.mark.parametrize("verdict", [Verdict.UNDECIDED, Verdict.UNKNOWN])
@pytest.mark.parametrize("on_fail", [OnFail.ROLLBACK, OnFail.PAUSE])
def test_p3_every_other_gate_has_to_pass_before_promotion(verdict, on_fail):
    world = at_last_step(gate("errors"), gate("slow", on_fail))
    world.said["slow"] = judgement(verdict)
    awaited = {"Undecided": Reason.AWAITING_EVIDENCE, "Unknown": Reason.AWAITING_DATA}
    assert "gate slow: " in held(world, awaited[verdict.value])


def test_gates_keep_what_the_plan_said_when_the_canary_began():
    world = in_canary(gate("errors"), gate("slow", OnFail.PAUSE))
    world.apply(rollout=plan(gate("errors"), gate("slow", OnFail.ROLLBACK)))
    world.said["slow"] = judgement(Verdict.FAIL)
    held(world, Reason.AWAITING_APPROVAL)


# --- no data ----------------------------------------------------------------------------------

BLIND = judgement(Verdict.UNKNOWN)


def without_baseline(**settings):
    """A gate has had no data for a moment."""
    world = in_canary(gate("errors"), no_data_deadline="2m", **settings)
    world.answers[V2] = BLIND
    held(world, Reason.AWAITING_DATA)
    return world


def test_without_data_it_waits_and_waits_by_default():
    world = without_baseline()
    world.wait(minutes=30)
    assert "gate errors: NoTraffic" in held(world, Reason.AWAITING_DATA)


def test_without_data_for_too_long_it_is_rolled_back_where_the_plan_says_so():
    world = without_baseline(no_data="Rollback")
    world.wait(minutes=2)
    held(world, Reason.AWAITING_DATA)
    world.wait(seconds=1)
    world.reconcile()
    assert world.rejected == {"v2"}
    (entry,) = world.status.rejected
    assert entry.reason == Reason.NO_DATA
    assert entry.message == (
        "gate errors: no data for longer than 2m: NoTraffic: 0 of 1000 requests failed"
    )


@pytest.mark.parametrize("no_data", ["Rollback", "Pause"])
def test_data_that_come_back_reset_the_clock(no_data):
    world = without_baseline(no_data=no_data)
    for _ in range(4):
        world.wait(seconds=100)
        world.answers[V2] = judgement(Verdict.UNDECIDED)
        passed(world)
        assert world.status.candidate.no_data_since is None
        world.answers[V2] = BLIND
        passed(world)
    assert world.candidate == "v2"
    assert not world.status.candidate.no_data_paused


def test_a_restart_does_not_reset_the_clock():
    """Nothing has been asked yet: that is no data that came back."""
    world = without_baseline(no_data="Rollback")
    world.wait(seconds=90)
    del world.answers[V2]
    passed(world)
    world.wait(seconds=31)
    world.answers[V2] = BLIND
    world.reconcile()
    assert world.rejected == {"v2"}


def test_a_gate_that_only_warns_may_be_without_data():
    world = in_canary(gate("errors"), gate("slow", OnFail.WARN), no_data="Rollback")
    world.said["slow"] = BLIND
    passed(world)
    assert world.status.candidate.no_data_since is None


def paused():
    world = without_baseline(no_data="Pause")
    world.wait(minutes=3)
    held(world, Reason.AWAITING_APPROVAL)
    return world


def test_after_a_pause_it_waits_for_a_user_though_the_data_are_back():
    world = paused()
    world.answers[V2] = judgement(Verdict.PASS)
    message = held(world, Reason.AWAITING_APPROVAL)
    assert "had no data for longer than 2m (noData: Pause)" in message
    assert f"{Command.ABORT}={V2}" in message


def test_a_user_lets_it_go_on():
    world = paused()
    typed(world, held(world, Reason.AWAITING_APPROVAL), Command.ADVANCE)
    world.answers[V2] = judgement(Verdict.PASS)
    passed(world)
    assert world.status.candidate.step == 2


def test_the_clock_runs_anew_after_a_user_let_it_go_on():
    """And what the message says to type works every time, at the same step too."""
    world = paused()
    for _ in range(3):
        typed(world, held(world, Reason.AWAITING_APPROVAL), Command.ADVANCE)
        held(world, Reason.AWAITING_DATA)
        world.wait(seconds=119)
        held(world, Reason.AWAITING_DATA)
        world.wait(seconds=2)
        held(world, Reason.AWAITING_APPROVAL)
    assert world.status.candidate.step == 1


def test_what_the_message_says_works_again_though_the_data_had_come_back():
    world = paused()
    for _ in range(3):
        world.answers[V2] = judgement(Verdict.UNDECIDED, requests=0)
        typed(world, held(world, Reason.AWAITING_APPROVAL), Command.ADVANCE)
        held(world, Reason.AWAITING_EVIDENCE)
        world.answers[V2] = BLIND
        held(world, Reason.AWAITING_DATA)
        world.wait(seconds=121)
        held(world, Reason.AWAITING_APPROVAL)


def test_a_user_may_promote_or_abort_instead():
    for command, stage, rejected in (
        (Command.PROMOTE, Stage.PROMOTING, set()),
        (Command.ABORT, None, {"v2"}),
    ):
        world = paused()
        world.say(command, "v2")
        passed(world)
        assert (world.stage, world.rejected) == (stage, rejected)


def test_advance_after_blindness_does_not_let_a_paused_step_pass():
    """Two questions, two answers."""
    steps = (Step(weight=25, pause=True), Step(weight=40, hold="1m"))
    world = world_in("Canary", rollout=Rollout(steps=steps, no_data="Pause", no_data_deadline="1m"))
    world.controllers_run()
    world.answers[V2] = BLIND
    passed(world)
    world.wait(minutes=2)
    typed(world, held(world, Reason.AWAITING_APPROVAL), Command.ADVANCE)
    world.answers[V2] = judgement(Verdict.PASS)
    message = held(world, Reason.AWAITING_APPROVAL)
    assert "step 1 pauses" in message
    world.wait(seconds=1)
    typed(world, message, Command.ADVANCE)
    passed(world)
    assert world.status.candidate.step == 2


# --- blind on stable, before any traffic -------------------------------------------------------

NOTHING_THERE = 'no series http_requests_total{job="x"} of stable\'s pods'


def seeing_nothing(**settings):
    world = preparing(gate("errors"), **settings)
    world.without_baseline = {"errors": NOTHING_THERE}
    return world


def test_p3_a_gate_that_finds_nothing_on_stable_gets_no_canary():
    world = seeing_nothing()
    held(world, Reason.AWAITING_FIRST_SCRAPE)
    world.wait(seconds=21)
    message = held(world, Reason.NO_BASELINE_DATA)
    assert f"gate errors: {NOTHING_THERE}" in message
    assert "spec.rollout.gates" in message
    assert f"{Command.PROMOTE}={V2}" in message
    assert world.serving() == {V1}


def test_a_gate_that_sees_at_last_lets_it_begin():
    world = seeing_nothing()
    world.wait(minutes=3)
    held(world, Reason.NO_BASELINE_DATA)
    world.without_baseline = {}
    passed(world)
    assert world.stage is Stage.CANARY


def test_a_corrected_gate_counts_before_the_canary():
    world = seeing_nothing()
    world.wait(minutes=3)
    held(world, Reason.NO_BASELINE_DATA)
    world.apply(rollout=plan(gate("other")))
    world.without_baseline = {}
    passed(world)
    assert world.stage is Stage.CANARY
    assert [each.name for each in world.status.candidate.plan.gates] == ["other"]


def test_a_blind_gate_ends_with_the_progress_deadline():
    world = seeing_nothing(progress_deadline="5m")
    world.wait(minutes=5)
    held(world, Reason.NO_BASELINE_DATA)
    world.wait(seconds=1)
    world.reconcile()
    (entry,) = world.status.rejected
    assert (entry.reason, entry.message) == (
        Reason.NO_BASELINE_DATA,
        f"gate errors: {NOTHING_THERE}",
    )


def test_a_user_may_promote_without_the_gate():
    world = seeing_nothing()
    world.wait(minutes=1)
    typed(world, held(world, Reason.NO_BASELINE_DATA), Command.PROMOTE)
    passed(world)
    assert world.stage is Stage.PROMOTING


# --- what is noted before a canary ---------------------------------------------------------------


def forecast(name="errors", message="at 20 requests/s", warning=None):
    return GateForecast(name=name, message=message, warning=warning)


def waiting(*gates):
    """v2 is preparing and its pods take their time."""
    return world_in("Preparing", rollout=plan(*gates))


def test_an_outlook_is_noted_once_though_its_numbers_move():
    world = waiting()
    world.forecast = (forecast(),)
    passed(world)
    written = len(world.written)
    for rate in range(21, 30):
        world.wait(seconds=5)
        world.forecast = (forecast(message=f"at {rate} requests/s"),)
        passed(world)
    assert world.status.candidate.forecast == (forecast(),)
    assert len(world.written) == written


def test_an_outlook_is_noted_anew_when_it_begins_or_ceases_to_warn():
    world = waiting()
    for told in (forecast(), forecast(warning="too slow"), forecast(message="faster")):
        world.forecast = (told,)
        passed(world)
        assert world.status.candidate.forecast == (told,)


def test_the_outlook_of_a_gate_that_comes_later_is_added():
    world = waiting(gate("errors"), gate("slow"))
    world.forecast = (forecast("errors"),)
    passed(world)
    world.forecast = (forecast("slow"),)
    passed(world)
    assert [each.name for each in world.status.candidate.forecast] == ["errors", "slow"]


def test_the_outlook_is_kept_during_the_canary():
    world = preparing()
    world.forecast = (forecast(warning="too slow"),)
    passed(world)
    assert world.stage is Stage.CANARY
    live(world, GOOD)
    passed(world)
    assert world.status.candidate.forecast == (forecast(warning="too slow"),)


def test_another_plan_has_another_outlook():
    world = waiting(gate("errors"))
    world.forecast = (forecast("errors"),)
    passed(world)
    world.apply(rollout=plan(gate("renamed")))
    world.forecast = (forecast("renamed"),)
    passed(world)
    assert [each.name for each in world.status.candidate.forecast] == ["renamed"]


EXPLAINED = Gate(name="explained", explanations=ExplanationsSpec())


def test_the_shares_of_training_are_noted_once_where_a_gate_compares_with_them():
    world = preparing(EXPLAINED)
    world.baseline = {"age": 0.25, "bmi": 0.75}
    passed(world)
    noted = [(each.feature, each.share) for each in world.status.candidate.baseline]
    assert noted == [(pseudonym("bmi"), "0.750000"), (pseudonym("age"), "0.250000")]
    world.baseline = {"age": 1.0}
    live(world, GOOD)
    passed(world)
    assert len(world.status.candidate.baseline) == 2


def test_nobody_notes_shares_that_no_gate_compares_with():
    world = preparing(gate("errors"))
    world.baseline = {"age": 1.0}
    passed(world)
    assert world.status.candidate.baseline == ()


# --- requests ------------------------------------------------------------------------------------


def own_query(name):
    return Gate(name=name, query=QuerySpec(promql="up", max="1"))


def test_p3_user_queries_see_no_requests_and_are_not_asked_for_any():
    world = in_canary(own_query("own"), min_requests=50)
    world.answers[V2] = judgement(Verdict.PASS, requests=0)
    passed(world)
    assert world.status.candidate.step == 2


def test_p3_beside_an_own_query_the_requests_of_the_others_count():
    world = in_canary(own_query("own"), gate("errors"), min_requests=50)
    world.answers[V2] = judgement(Verdict.PASS, requests=0)
    world.said["errors"] = judgement(Verdict.PASS, requests=49)
    assert "has had 49 of 50 canary requests" in held(world, Reason.AWAITING_EVIDENCE)
    world.said["errors"] = judgement(Verdict.PASS, requests=50)
    passed(world)
    assert world.status.candidate.step == 2


def test_of_gates_that_read_other_counters_the_one_that_is_ahead_counts():
    world = in_canary(gate("errors"), Gate(name="slow", latency=LatencySpec()), min_requests=50)
    world.said = {"errors": judgement(Verdict.PASS, requests=60)}
    world.answers[V2] = judgement(Verdict.PASS, requests=10)
    passed(world)
    assert world.status.candidate.step == 2


def test_a_world_without_gates_waits_for_nobody():
    world = Children(rollout=Rollout(steps=STEPS, gates=(), min_requests=50))
    settle(world, {"v1": Model.GOOD})
    world.apply("v2")
    settle(world, GOOD)
    assert world.stable == "v2"


# --- nothing else serves ----------------------------------------------------------------------


def without_stable(world):
    for _ in range(len(world.pods[V1])):
        world.unready("v1", len(world.pods[V1]))
    return world


def test_p1_a_worse_canary_goes_on_while_nothing_else_serves():
    world = in_canary()
    world.answers[V2] = judgement(Verdict.FAIL)
    without_stable(world)
    message = held(world, Reason.STABLE_DEGRADED)
    assert "gate errors failed" in message
    assert "nothing else would serve" in message
    assert V2 in world.serving()
    world.ready("v1")
    world.reconcile()
    assert world.rejected == {"v2"}


def test_p4_a_user_may_abort_what_alone_serves():
    world = in_canary()
    world.answers[V2] = judgement(Verdict.FAIL)
    without_stable(world)
    typed(world, held(world, Reason.STABLE_DEGRADED), Command.ABORT)
    passed(world)
    assert world.rejected == {"v2"}


# --- clocks -----------------------------------------------------------------------------------


def test_p4_time_that_stood_still_before_the_canary_is_not_taken_off_its_deadline():
    world = preparing(deadline="1h", on_deadline="Rollback")
    world.paused = True
    passed(world)
    world.wait(hours=30)
    world.paused = False
    world.answers[V2] = judgement(Verdict.UNDECIDED)
    passed(world)
    assert world.stage is Stage.CANARY
    assert (world.status.candidate.stopped_seconds, world.status.candidate.stopped_at) == (0, None)
    world.wait(minutes=61)
    world.reconcile()
    assert world.status.rejected[0].reason == Reason.DEADLINE_EXCEEDED


def test_p4_without_a_source_the_deadline_is_told_before_the_canary_too():
    world = preparing(deadline="1h")
    world.source_error = "Prometheus: no answer within 8 s"
    held(world, Reason.AWAITING_DATA)
    for _ in range(3):  # the clock stands still for an hour at most
        world.wait(minutes=61)
        passed(world)
    message = held(world, Reason.DEADLINE_EXCEEDED)
    assert f"{Command.PROMOTE}={V2}" in message


def test_p3_nobody_is_paused_for_data_before_anybody_was_asked():
    """An operator that was away does not know yet whether there are data."""
    world = in_canary(no_data="Pause", no_data_deadline="5m")
    world.answers[V2] = judgement(Verdict.UNKNOWN)
    passed(world)
    del world.answers[V2]
    world.wait(minutes=15)
    passed(world)
    assert not world.status.candidate.no_data_paused
    world.answers[V2] = judgement(Verdict.PASS)
    passed(world)
    assert not world.status.candidate.no_data_paused
