import math
import os
import random
import subprocess
import sys

import pytest
from tests.unit.cli.conftest import as_csv, canary, rows, spec

TWO = "[{name: errors, errorRate: {}}, {name: slow, latency: {over: 250ms}}]"
CLASSIC = "[{name: classic, errorRate: {method: Threshold, max: 5%, window: 1m, failures: 2}}]"


def test_a_bad_canary_is_rolled_back_at_the_first_crossing(command):
    *blocks, last = command.judged(canary(0.2))
    assert last["decision"] == "rollback"
    assert last["at"] == blocks[-1]["at"] <= 15
    assert last["reason"] == "ErrorRateWorse"
    assert last["logE"] >= math.log(1 / 0.009)
    assert all(each["logE"] < math.log(1 / 0.009) for each in blocks[:-1])
    assert last["canaryRequests"] == 20 * last["at"]
    assert last["canaryErrors"] == int(0.2 * last["canaryRequests"])


def test_blocks_carry_totals_and_what_they_add(command):
    *blocks, _ = command.judged(canary(0.2))
    assert [each["block"]["number"] for each in blocks] == list(range(1, len(blocks) + 1))
    for name in ("canaryRequests", "canaryErrors", "stableRequests", "stableErrors"):
        assert sum(each["block"][name] for each in blocks) == blocks[-1][name]


def test_a_good_canary_is_promoted_and_the_rest_of_the_file_does_not_matter(command):
    last = command.judged(canary(0.0))[-1]
    assert (last["decision"], last["reason"]) == ("promote", "ErrorRateAcceptable")
    assert command.judged([r for r in canary(0.0) if r[0] <= last["at"]])[-1] == last


def test_too_short_a_file_leaves_it_undecided(command):
    last = command.judged(canary(0.012, end=40.0))[-1]
    assert (last["decision"], last["at"]) == ("undecided", None)
    assert last["canaryRequests"] == 800


def test_order_of_rows_and_other_revisions_do_not_matter(command):
    found = canary(0.05)
    mixed = random.Random(1).sample([*found, *rows("x-1", "older", errors=1.0)], len(found) + 61)
    assert command.judged(mixed) == command.judged(found)


def test_a_restart_adds_no_evidence(command):
    """A counter that falls began again at zero: what it had counted is not lost or counted twice."""
    cut = 20
    found = rows("c-1", "new", errors=0.05)
    lost = [(t, p, r, n - found[cut][3], e - found[cut][4]) for t, p, r, n, e in found[cut + 1 :]]
    restarted = [*found[: cut + 1], *lost]
    rest = [row for row in canary(0.0) if row[2] == "old"]
    assert command.judged([*rest, *restarted]) == command.judged([*rest, *found])


@pytest.mark.parametrize("offset", [0.0, 1_763_976_000.0])
def test_times_may_be_relative_or_epoch(command, offset):
    found = [(row[0] + offset, *row[1:]) for row in canary(0.2)]
    assert command.judged(found)[-1]["at"] - offset == command.judged(canary(0.2))[-1]["at"]


def test_without_weights_the_share_is_that_of_the_requests(command):
    blocks = command.judged(canary(0.2))
    assert blocks[0]["weight"] == pytest.approx(1 / 3, abs=1e-3)


def test_a_first_sample_above_zero_was_counted_within_one_interval(command):
    *blocks, _ = command.judged(canary(0.2, first=1))
    assert blocks[0]["canaryRequests"] == 100


def test_weights_say_when_it_began_and_when_the_share_changed(command):
    *blocks, _ = command.judged(canary(0.012), "--weights", "10:25,60:0.5")
    assert blocks[0]["at"] == 15.0
    assert {b["weight"] for b in blocks if b["at"] < 60} == {0.25}
    assert {b["weight"] for b in blocks if b["at"] >= 65} == {0.5}


def test_what_straddles_a_change_of_the_share_is_no_evidence(command):
    *blocks, _ = command.judged(canary(0.012), "--weights", "0:25,62:50")
    assert not [b for b in blocks if 62 < b["at"] < 70]


def test_other_settings_give_other_decisions(command):
    strict = command.judged(canary(0.03))[-1]
    lax = command.judged(canary(0.03), gates="[{name: errors, errorRate: {max: 10%}}]")[-1]
    assert (strict["decision"], lax["decision"]) == ("rollback", "promote")


def test_the_classic_rule_is_judged_by_its_windows(command):
    *windows, last = command.judged(canary(0.2), gates=CLASSIC)
    assert (last["decision"], last["at"], last["logE"]) == ("rollback", 120.0, None)
    assert len(windows) == 2


def test_gates_that_counters_cannot_decide_are_named_and_left_out(command):
    assert command.judged(canary(0.2), gates=TWO)[-1]["gate"] == "errors"
    assert "slow" in command.err


def test_a_gate_that_is_left_out_keeps_its_part_of_the_bound(command):
    assert command.judged(canary(0.2), gates=TWO)[-1]["logE"] >= math.log(1 / 0.0045)


def test_without_any_error_rate_gate_the_default_one_stands_in(command):
    last = command.judged(canary(0.2), gates="[{name: slow, latency: {over: 250ms}}]")[-1]
    assert last["decision"] == "rollback"
    assert "default" in command.err


def test_a_gate_that_is_called_like_what_stands_in_is_named_too(command):
    last = command.judged(canary(0.2), gates="[{name: errors, latency: {over: 250ms}}]")[-1]
    assert (last["decision"], last["reason"]) == ("rollback", "ErrorRateWorse")
    assert "cannot decide them: gate errors\n" in command.err


@pytest.mark.parametrize("action", ["Warn", "Pause"])
def test_a_gate_that_does_not_roll_back_does_not_here_either(command, action):
    gates = "[{name: errors, onFail: ACTION, errorRate: {}}]".replace("ACTION", action)
    assert command.judged(canary(0.2), gates=gates)[-1]["decision"] == "undecided"


def test_people_get_a_table_a_curve_and_a_sentence(command):
    code, out = command.replay(canary(0.2))
    assert code == 0
    assert ":1 against the canary" in out
    assert "█" in out
    last = out.splitlines()[-1]
    assert last.startswith("rollback at ")
    assert "ErrorRateWorse: canary" in last


def test_long_tables_are_thinned(command):
    _, out = command.replay(canary(0.012))
    assert len(out.splitlines()) < 70
    assert "one block in 2 is shown" in out


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("", "counters.csv:1: the file is empty"),
        ("time,pod,revision,requests\n", "counters.csv:1: the header must be time,pod,revision"),
        (as_csv([(0, "p", "new", -1, 0)]), "counters.csv:2: requests is negative: -1"),
        (as_csv([(0, "p", "new", 1, "x")]), "counters.csv:2: errors is not a number: 'x'"),
        (as_csv([("nan", "p", "new", 1, 0)]), "counters.csv:2: time is not a number: 'nan'"),
        (as_csv([(0, "", "new", 1, 0)]), "counters.csv:2: pod is empty"),
        (as_csv([(0, "p", "new", 1)]), "counters.csv:2: 0,p,new,1: expected 5 fields, got 4"),
        (as_csv(rows("p", "new")), "no revision 'old' in this file, only: new"),
        (as_csv([(0, "p", "new", 1, 0), (0, "p", "new", 2, 0)]), "already in line 2"),
        (as_csv([(0, "p", "new", 1, 0), (5, '"p', "new", 2, 0)]), "counters.csv:3: not valid CSV"),
        (as_csv([(0, '"' + 130_000 * "p", "new", 1, 0)] * 9), "counters.csv:2: not valid CSV"),
    ],
)
def test_bad_files_are_refused_with_file_and_line(command, lines, wrong):
    code, out = command.replay(lines)
    assert (code, out) == (2, "")
    assert wrong in command.err


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (("--weights", "0:0"), "'0' is not a weight"),
        (("--weights", "0:101"), "'101' is not a weight"),
        (("--weights", "now:25"), "'now:25' is not time:weight"),
        (("--weights", "60:25,0:50"), "times must rise"),
        (("--weights", "5000:25"), "is not after the canary's start"),
        (("--scrape-interval", "fast"), "--scrape-interval"),
        (("--plot", "out.gif"), ".svg or .png"),
        (("--plot", "/nowhere/out.svg"), "directory /nowhere does not exist"),
        (("--stable", "new"), "the same revision"),
        (("--prometheus", "http://prometheus"), "one of counters.csv, --record and --prometheus"),
    ],
)
def test_bad_options_are_refused(command, more, wrong):
    code, out = command.replay(canary(0.0), *more)
    assert (code, out) == (2, "")
    assert wrong in command.err


def test_bad_specs_are_refused_with_the_path_of_the_field(command):
    code, _ = command.replay(canary(0.0), gates="[{name: errors, errorRate: {minBlocks: 0}}]")
    assert code == 2
    assert "spec.yaml: spec.rollout.gates[0].errorRate.minBlocks: " in command.err


def test_settings_that_are_no_rule_are_refused(command):
    code, _ = command.replay(canary(0.0), gates="[{name: errors, errorRate: {max: 0%}}]")
    assert code == 2
    assert "spec.rollout.gates: max_rate must lie between 0 and 1" in command.err


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("kind: Service", "no ModelDeployment in this file"),
        ("kind: [", "spec.yaml:1: "),
        ("kind: ModelDeployment", "spec: Field required"),
    ],
)
def test_files_that_are_no_spec_are_refused(command, text, wrong):
    path = command.file("spec.yaml", text)
    counters = command.file("counters.csv", as_csv(canary(0.0)))
    told = ["--spec", path, "--stable", "old", "--candidate", "new", counters]
    assert command.run("replay", *told)[0] == 2
    assert wrong in command.err


def test_missing_options_are_named(command):
    counters = command.file("counters.csv", as_csv(canary(0.0)))
    assert command.run("replay", "--spec", command.file("s", spec()), counters)[0] == 2
    assert "missing: --stable, --candidate" in command.err


def test_a_long_outage_stays_finite(command):
    last = command.judged(canary(1.0, rps=100_000))[-1]
    assert last["decision"] == "rollback"
    assert math.isfinite(last["logE"])


@pytest.mark.parametrize("name", ["out.svg", "out.png"])
def test_the_evidence_is_drawn_the_same_each_time(command, tmp_path, name):
    pictures = []
    for _ in range(2):
        assert command.replay(canary(0.05), "--plot", str(tmp_path / name))[0] == 0
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0] == pictures[1]
    assert pictures[0].startswith((b"\x89PNG", b"<?xml"))


def test_without_matplotlib_the_extra_is_named(command, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, out = command.replay(canary(0.05), "--plot", str(tmp_path / "out.svg"))
    assert (code, out) == (2, "")
    assert "davylamp[plots]" in command.err


def test_only_what_draws_needs_matplotlib_and_nothing_here_needs_the_operator():
    script = "import davylamp.cli.commands, sys; print(*sys.modules)"
    told = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=told, capture_output=True, text=True, check=True
    )
    assert not {"matplotlib", "numpy", "kopf", "aiohttp", "kubernetes"} & set(done.stdout.split())
