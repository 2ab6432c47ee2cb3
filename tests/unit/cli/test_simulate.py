import json

import pytest
from tests.unit.cli.conftest import DEFAULT_GATES, spec


def simulate(command, *more, gates=DEFAULT_GATES, rps="50"):
    path = command.file("spec.yaml", spec(gates))
    return command.run("simulate", "--spec", path, "--rps", rps, "--runs", "4", *more)


def answers(command, *more, **options):
    code, out = simulate(command, "--json", *more, **options)
    assert code == 0, command.err
    return [json.loads(line) for line in out.splitlines()]


def test_every_gate_judges_every_kind_of_canary(command):
    every = answers(command)
    assert {answer["canary"] for answer in every} == {"healthy", "2x", "5 %", "20 %", "100 %"}
    gates = [answer["gate"] for answer in every if answer["canary"] == "healthy"]
    assert gates[0] == "Davylamp"
    assert {gate.split(",")[0] for gate in gates[1:]} == {"Argo Rollouts", "Flagger"}
    assert len(every) == 5 * len(gates)


def test_a_total_outage_is_rolled_back_after_two_scrapes_and_costs_its_bad_answers(command):
    key = ("Davylamp", "100 %")
    answer = next(a for a in answers(command) if (a["gate"], a["canary"]) == key)
    assert answer["rolledBack"] == answer["runs"] == 4
    assert answer["secondsMedian"] == 10.0
    assert 200 <= answer["badMedian"] <= 300


def test_healthy_canaries_are_promoted(command):
    answer = next(a for a in answers(command) if a["canary"] == "healthy")
    assert (answer["rolledBack"], answer["promoted"]) == (0, 4)
    assert answer["rolledBackLow"] == 0.0
    assert answer["rolledBackHigh"] < 1


def test_the_same_seed_gives_the_same_numbers(command):
    first, again = answers(command, "--seed", "7"), answers(command, "--seed", "7")
    assert first == again
    assert answers(command, "--seed", "8") != first


def test_people_get_tables(command):
    _, out = simulate(command)
    assert "4 canaries as good as stable: 0.5 % errors" in out
    assert "rolled back per 1,000" in out
    assert "seconds (p95)" in out
    assert "Flagger, default" in out


def test_gates_that_are_not_simulated_are_named(command):
    simulate(command, gates="[{name: errors, errorRate: {}}, {name: shares, explanations: {}}]")
    assert "not simulated: gate shares" in command.err


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (("--rps", "0"), "--rps 0: must be a number above 0"),
        (("--rps", "many"), "--rps many"),
        (("--runs", "0.5"), "--runs 0.5"),
        (("--stable-errors", "0.5"), "'0.5' is not a percentage"),
    ],
)
def test_bad_options_are_refused(command, more, wrong):
    assert simulate(command, *more)[0] == 2
    assert wrong in command.err


def test_steps_that_no_pod_fits_are_refused_with_the_way_out(command):
    path = command.file("spec.yaml", spec().replace("weight: 50", "weight: 5"))
    assert command.run("simulate", "--spec", path, "--rps", "50")[0] == 2
    assert "add a wider step or raise spec.replicas" in command.err


def test_a_comparison_is_drawn(command, tmp_path):
    assert simulate(command, "--plot", str(tmp_path / "out.svg"))[0] == 0
    assert (tmp_path / "out.svg").read_bytes().startswith(b"<?xml")
