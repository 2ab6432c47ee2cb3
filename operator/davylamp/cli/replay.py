"""`davylamp replay`: judge a past canary again, under these settings or others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from davylamp.api.quantities import seconds
from davylamp.cli import figures, told
from davylamp.cli.counters import of_revision, parse_counters
from davylamp.cli.errors import UsageError
from davylamp.cli.past import Past, past_of
from davylamp.cli.rejudging import rejudged
from davylamp.cli.specfile import read_spec, read_text
from davylamp.cli.weights import parse_weights


def run(options: argparse.Namespace) -> int:
    """Do what the command says; answers with the exit code."""
    target = figures.checked_target(options.plot) if options.plot else None
    past = _past(options)
    for line in _left_out(past):
        sys.stderr.write(f"davylamp replay: {line}\n")
    replay = rejudged(past)
    for line in told.as_json(replay) if options.json else told.as_text(past, replay):
        sys.stdout.write(f"{line}\n")
    if target:
        from davylamp.cli.replayplot import plot  # noqa: PLC0415

        plot(past, replay, target)
    return 0


def _past(options: argparse.Namespace) -> Past:
    """The canary that is meant, from the one source that is named."""
    sources = [options.counters, options.record, options.prometheus]
    if sum(each is not None for each in sources) != 1:
        raise UsageError("give one of counters.csv, --record and --prometheus")
    return _from_file(options)


def _from_file(options: argparse.Namespace) -> Past:
    _require(options, "spec", "stable", "candidate")
    counters = parse_counters(options.counters, read_text(options.counters))
    return past_of(
        read_spec(options.spec).rollout,
        of_revision(options.counters, counters, options.candidate),
        of_revision(options.counters, counters, options.stable),
        weights=parse_weights(options.weights) if options.weights else (),
        interval=_interval(options.scrape_interval),
    )


def _require(options: argparse.Namespace, *names: str) -> None:
    """Refuse options that are missing, as they are written on the command line."""
    written = {"since": "from"}
    missing = [f"--{written.get(name, name)}" for name in names if not getattr(options, name)]
    if missing:
        raise UsageError(f"missing: {', '.join(missing)}")


def _interval(text: str | None) -> float | None:
    """Seconds between two scrapes, where they are told."""
    if text is None:
        return None
    try:
        interval = float(text) if text.replace(".", "", 1).isdigit() else float(seconds(text))
    except ValueError as wrong:
        raise UsageError(f"--scrape-interval {wrong}") from wrong
    if interval <= 0:
        raise UsageError("--scrape-interval must be above 0s")
    return interval


def _left_out(past: Past) -> Iterator[str]:
    """Gates of the spec that these counters cannot decide, and what stands in."""
    if past.others:
        yield f"left out, as counters of errors cannot decide them: gate {', '.join(past.others)}"
    if past.stands_in:
        yield "the spec has no error-rate gate: judged by the default one"
