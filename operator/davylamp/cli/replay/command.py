"""`davylamp replay`: judge a past canary again, under these settings or others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace

from davylamp.cli import plotting
from davylamp.cli.errors import UsageError
from davylamp.cli.replay import report
from davylamp.cli.replay.engine import rejudged
from davylamp.cli.replay.input import Past, Seen, of_counters, past_of
from davylamp.cli.replay.sources.counters import of_revision, parse_counters
from davylamp.cli.replay.weights import parse_weights
from davylamp.cli.specfile import read_spec, read_text
from davylamp.gates import Channel, Scrapes, WeightChange
from davylamp.schema.quantities import seconds


def run(options: argparse.Namespace) -> int:
    """Do what the command says; answers with the exit code."""
    target = plotting.checked_target(options.plot) if options.plot else None
    past = _past(options)
    for line in _warnings(past):
        sys.stderr.write(f"davylamp replay: {line}\n")
    replay = rejudged(past)
    for line in report.as_json(replay) if options.json else report.as_text(past, replay):
        sys.stdout.write(f"{line}\n")
    if target:
        from davylamp.cli.replay.plot import plot  # noqa: PLC0415

        plot(past, replay, target)
    return 0


def _past(options: argparse.Namespace) -> Past:
    """The canary that is meant, from the one source that is named."""
    sources = [options.counters, options.record, options.prometheus]
    if sum(each is not None for each in sources) != 1:
        raise UsageError("give one of counters.csv, --record and --prometheus")
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
    return _as_told(options, of_counters(candidate, stable))


def _from_prometheus(options: argparse.Namespace) -> Past:
    _require(options, "namespace", "name", "since", "until")
    from davylamp.cli.replay.sources.prometheus import asked, wanted  # noqa: PLC0415

    question = wanted(options)
    return _as_told(options, asked(options.prometheus, question))


def _from_record(options: argparse.Namespace) -> Past:
    """A record has all that is needed; what is told besides comes before it."""
    from davylamp.cli.replay.sources.record import recorded  # noqa: PLC0415

    rollout, seen = recorded(options.record, read_text(options.record))
    told = replace(
        seen,
        weights=_weights(options) or seen.weights,
        scrape_interval=_interval(options.scrape_interval) or seen.scrape_interval,
    )
    return past_of(read_spec(options.spec).rollout if options.spec else rollout, told)


def _as_told(options: argparse.Namespace, channels: Mapping[Channel, Scrapes]) -> Past:
    seen = Seen(
        channels,
        weights=_weights(options),
        scrape_interval=_interval(options.scrape_interval),
    )
    return past_of(read_spec(options.spec).rollout, seen)


def _weights(options: argparse.Namespace) -> tuple[WeightChange, ...]:
    return parse_weights(options.weights) if options.weights else ()


def _require(options: argparse.Namespace, *names: str) -> None:
    """Refuse options that are missing, as they are written on the command line."""
    written = {"since": "from"}
    missing = [f"--{written.get(name, name)}" for name in names if not getattr(options, name)]
    if missing:
        raise UsageError(f"missing: {', '.join(missing)}")


def _interval(text: str | None) -> float:
    """Seconds between two scrapes, 0 where they are not told."""
    if text is None:
        return 0.0
    try:
        interval = float(text) if text.replace(".", "", 1).isdigit() else float(seconds(text))
    except ValueError as wrong:
        raise UsageError(f"--scrape-interval {wrong}") from wrong
    if interval <= 0:
        raise UsageError("--scrape-interval must be above 0s")
    return interval


def _warnings(past: Past) -> Iterator[str]:
    """What the record lacks, gates of the spec that cannot be decided, and what stands in."""
    for part in past.seen.lacks:
        yield f"the record lacks: {part}"
    if past.others:
        what = "a probation with these samples" if past.in_probation else "these samples"
        yield f"left out, as {what} cannot decide them: gate {', '.join(past.others)}"
    if past.stands_in:
        yield "the spec has no error-rate gate: judged by the default one"
