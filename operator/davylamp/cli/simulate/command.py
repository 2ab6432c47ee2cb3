"""`davylamp simulate`: how the gates of a spec perform on simulated traffic."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from pydantic.alias_generators import to_camel

from davylamp.cli import plotting
from davylamp.cli.errors import UsageError
from davylamp.cli.specfile import read_spec
from davylamp.cli.tables import aligned
from davylamp.gates.messages.numbers import percent
from davylamp.schema.quantities import fraction, spoken
from davylamp.simulation import plans
from davylamp.simulation.forecast import HEALTHY, TWICE, Answer, Question, forecasts
from davylamp.simulation.traffic import STEP

_HEALTHY_HEAD: Final = (
    "rolled back per 1,000", "95 % interval", "promoted", "after", "gate"
)  # fmt: skip
_BAD_HEAD: Final = (
    "rolled back", "seconds (p95)", "bad answers (p95)", "promoted", "neither", "gate"
)  # fmt: skip
NOTES: Final = """\
"seconds" and "bad answers" are medians (and 95th percentiles) until the rollback; - means that too
few canaries were rolled back. "neither" still lacks evidence at the end: the rollout waits until
spec.rollout.deadline, and then follows onDeadline.
Counters are scraped every 5 s, canary and stable at the same time; add a second or two for the
operator, and up to one scrape interval if Prometheus scrapes the pods at different times. The
classic rules go through the same steps on time alone. Nothing is simulated after promotion.\
"""


def run(options: argparse.Namespace) -> int:
    """Simulate the spec that the options name; returns the exit code."""
    target = plotting.checked_target(options.plot) if options.plot else None
    question = _question(options)
    _warn(question)
    answers = []
    for of_kind in forecasts(question):
        answers.append(of_kind)
        lines = map(_as_json, of_kind) if options.json else _as_text(of_kind)
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    if not options.json:
        sys.stdout.write(f"\n{NOTES}\n")
    if target:
        from davylamp.cli.simulate.plot import plot  # noqa: PLC0415

        plot(answers, target)
    return 0


def _question(options: argparse.Namespace) -> Question:
    question = Question(
        spec=read_spec(options.spec),
        rps=_positive("--rps", options.rps),
        stable_errors=_rate(options.stable_errors),
        runs=int(_positive("--runs", options.runs)),
        seed=options.seed,
    )
    spec = question.spec
    try:
        schedule = plans.schedule(spec.rollout, spec.replicas or 1, question.rps, STEP)
        plans.trials(spec.rollout, schedule.weights, STEP)
    except ValueError as error:
        raise UsageError(f"{options.spec}: {error}") from error
    return question


def _positive(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0 and (option != "--runs" or value >= 1)):
        raise UsageError(f"{option} {text}: must be a number above 0")
    return value


def _rate(text: str) -> float:
    try:
        return fraction(text)
    except ValueError as error:
        raise UsageError(f"--stable-errors {error}") from error


def _warn(question: Question) -> None:
    """Name what is not simulated as the spec has it."""
    judged = plans.judged(question.spec.rollout)
    if judged.others:
        sys.stderr.write(f"davylamp simulate: not simulated: gate {', '.join(judged.others)}\n")
    if judged.stands_in:
        sys.stderr.write("davylamp simulate: no error-rate gate: the default one is simulated\n")
    if any(step.pause for step in judged.rollout.steps):
        pause = spoken(plans.PAUSE)
        sys.stderr.write(f"davylamp simulate: a user advances a paused step after {pause}\n")


def _as_json(answer: Answer) -> str:
    return json.dumps({to_camel(name): value for name, value in asdict(answer).items()})


def _as_text(answers: Sequence[Answer]) -> Iterator[str]:
    kind, rate = answers[0].canary, percent(answers[0].canary_errors)
    healthy = kind == HEALTHY
    what = "as good as stable" if healthy else "twice as bad" if kind == TWICE else "bad"
    yield f"\n{answers[0].runs} canaries {what}: {rate} errors"
    head, row = (_HEALTHY_HEAD, _healthy) if healthy else (_BAD_HEAD, _bad)
    yield from aligned([head, *map(row, answers)])


def _healthy(answer: Answer) -> tuple[str, ...]:
    low, high = answer.rolled_back_low, answer.rolled_back_high
    return (
        f"{1000 * answer.rolled_back / answer.runs:.0f}",
        f"{1000 * low:.0f} to {1000 * high:.0f}",
        f"{answer.promoted / answer.runs:.0%}",
        _seconds(answer.promoted_seconds_median),
        answer.gate,
    )


def _bad(answer: Answer) -> tuple[str, ...]:
    return (
        f"{answer.rolled_back / answer.runs:.0%}",
        f"{_number(answer.seconds_median)} ({_number(answer.seconds_p95)})",
        f"{_number(answer.bad_median)} ({_number(answer.bad_p95)})",
        f"{answer.promoted / answer.runs:.0%}",
        f"{1 - (answer.rolled_back + answer.promoted) / answer.runs:.0%}",
        answer.gate,
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else spoken(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
