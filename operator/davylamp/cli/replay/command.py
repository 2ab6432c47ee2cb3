"""`davylamp replay`: judge a past canary again, with the same settings or others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

from davylamp.cli import plotting
from davylamp.cli.errors import UsageError
from davylamp.cli.replay import report
from davylamp.cli.replay.engine import replayed
from davylamp.cli.replay.input import PastAttempt, past_attempt
from davylamp.cli.replay.measurements import Measurements, error_channel
from davylamp.cli.replay.sources.counters import of_revision, parse_counters
from davylamp.cli.replay.weights import parse_weights
from davylamp.cli.specfile import read_spec, read_text
from davylamp.gates import Channel, Scrapes, ShareChange
from davylamp.schema.quantities import seconds


def run(options: argparse.Namespace) -> int:
    """Replay the canary that the options name; returns the exit code."""
    target = plotting.checked_target(options.plot) if options.plot else None
    past = _past_attempt(options)
    for line in _warnings(past):
        sys.stderr.write(f"davylamp replay: {line}\n")
    replay = replayed(past)
    for line in report.as_json(replay) if options.json else report.as_text(past, replay):
        sys.stdout.write(f"{line}\n")
    if target:
        from davylamp.cli.replay.plot import plot  # noqa: PLC0415

        plot(past, replay, target)
    return 0


def _past_attempt(options: argparse.Namespace) -> PastAttempt:
    """The attempt to replay, from the one source that the options name."""
    sources = [options.counters, options.record, options.prometheus]
    if sum(source is not None for source in sources) != 1:
        raise UsageError("give exactly one of counters.csv, --record and --prometheus")
    if options.record:
        return _from_record(options)
    _require(options, "spec", "stable", "candidate")
    if options.stable == options.candidate:
        raise UsageError("--stable and --candidate are the same revision")
    if options.prometheus:
        return _from_prometheus(options)
    counters = parse_counters(options.counters, read_text(options.counters))
    candidate = of_revision(options.counters, counters, options.candidate)
    stable = of_revision(options.counters, counters, options.stable)
    return _with_options(options, error_channel(candidate, stable))


def _from_prometheus(options: argparse.Namespace) -> PastAttempt:
    _require(options, "namespace", "name", "since", "until")
    from davylamp.cli.replay.sources.prometheus import (  # noqa: PLC0415
        read_prometheus,
        window_of,
    )

    window = window_of(options)
    return _with_options(options, read_prometheus(options.prometheus, window))


def _from_record(options: argparse.Namespace) -> PastAttempt:
    """The attempt in a flight record, which is complete; options override what it says."""
    from davylamp.cli.replay.sources.record import read_record  # noqa: PLC0415

    rollout, recorded = read_record(options.record, read_text(options.record))
    measured = replace(
        recorded,
        weights=_weights(options) or recorded.weights,
        scrape_interval=_interval(options.scrape_interval) or recorded.scrape_interval,
    )
    return past_attempt(read_spec(options.spec).rollout if options.spec else rollout, measured)


def _with_options(options: argparse.Namespace, channels: Mapping[Channel, Scrapes]) -> PastAttempt:
    """The attempt in some samples, with the settings and weights that the options give."""
    measured = Measurements(
        channels,
        weights=_weights(options),
        scrape_interval=_interval(options.scrape_interval),
    )
    return past_attempt(read_spec(options.spec).rollout, measured)


def _weights(options: argparse.Namespace) -> tuple[ShareChange, ...]:
    return parse_weights(options.weights) if options.weights else ()


def _require(options: argparse.Namespace, *names: str) -> None:
    """Refuse to go on without these options; names them as on the command line."""
    spelled = {"since": "from"}
    missing = [f"--{spelled.get(name, name)}" for name in names if not getattr(options, name)]
    if missing:
        raise UsageError(f"missing: {', '.join(missing)}")


def _interval(text: str | None) -> float:
    """Seconds between two scrapes; 0 if the option is not given."""
    if text is None:
        return 0.0
    try:
        interval = float(text) if text.replace(".", "", 1).isdigit() else float(seconds(text))
    except ValueError as error:
        raise UsageError(f"--scrape-interval {error}") from error
    if interval <= 0:
        raise UsageError("--scrape-interval must be above 0s")
    return interval


def _warnings(past: PastAttempt) -> Iterator[str]:
    """What the record lacks, which gates cannot be decided, and whether the default is used."""
    for part in past.measured.lacks:
        yield f"the record lacks: {part}"
    if past.others:
        what = "a probation with these samples" if past.in_probation else "these samples"
        yield f"ignored, because {what} cannot decide them: gate {', '.join(past.others)}"
    if past.stands_in:
        yield "the spec has no error-rate gate: the default one is used"
