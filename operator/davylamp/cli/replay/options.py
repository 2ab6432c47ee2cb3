"""The options of `davylamp replay`; imports nothing heavy, as every command loads them."""

from __future__ import annotations

import argparse
from typing import Final

DESCRIPTION: Final = """\
Judge a past canary again with the code that judges live ones, and show block by block what it would
have decided. Edit the spec to see what other settings would have done.

The replay ends with the first of two decisions: a gate with onFail: Rollback has enough evidence
(rollback), or every gate has passed (promote). The operator also waits for the steps before it
promotes, so a gate that counts failures (a user query, method Threshold) passes at the last sample
at the earliest. The replay of a probation ends with rollback or undecided: nothing is promoted in
it.

Gates that cannot be decided are ignored and named on stderr. A user query can be decided from the
values in a record if the gate of that name had the same promql and interval; a ratio also needs the
values of stable.
"""
EPILOG: Final = """\
counters.csv has the header time,pod,revision,requests,errors and holds the raw cumulative counters
of the pods, with times in seconds. Include some minutes from before the canary: they show how
correlated the errors of stable are. Example:

  davylamp replay --spec modeldeployment.yaml --stable 6f1c2a --candidate 91ab03 counters.csv
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "replay",
        help="judge a past canary again",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_file(parser)
    add_settings(parser)
    add_prometheus(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per block")
    parser.add_argument("--plot", metavar="OUT.svg|OUT.png", help="draw the evidence to a file")


def add_file(parser: argparse.ArgumentParser) -> None:
    """Declare the files that a canary can be read from."""
    parser.add_argument(
        "counters", nargs="?", metavar="counters.csv", help="counters of the pods; - for stdin"
    )
    parser.add_argument(
        "--record",
        metavar="configmap.yaml",
        help="a flight record; needs no other option, but --spec, --weights and --scrape-interval "
        "override what it says",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Declare the settings by which a canary is judged."""
    parser.add_argument(
        "--spec", metavar="modeldeployment.yaml", help="the ModelDeployment whose gates judge"
    )
    parser.add_argument("--stable", metavar="REV", help="the revision that served before")
    parser.add_argument("--candidate", metavar="REV", help="the revision that was the canary")
    parser.add_argument(
        "--weights",
        metavar="t:w,t:w...",
        help="the canary's share of traffic, and from when on, on the clock of the samples: 25 or "
        "25%% (percent) or 0.25; default: from the canary's first sample on, its share of the "
        "requests",
    )
    parser.add_argument(
        "--scrape-interval",
        metavar="5s",
        help="time between two scrapes; default: the median time between two samples of a pod",
    )


def add_prometheus(parser: argparse.ArgumentParser) -> None:
    """Declare what is needed to read a canary from Prometheus."""
    group = parser.add_argument_group("from Prometheus instead of a file")
    group.add_argument("--prometheus", metavar="URL", help="address of Prometheus")
    group.add_argument("--namespace", help="namespace of the ModelDeployment")
    group.add_argument("--name", help="name of the ModelDeployment")
    group.add_argument(
        "--from", dest="since", metavar="T", help="first sample: epoch seconds or RFC 3339"
    )
    group.add_argument("--until", metavar="T", help="last sample: epoch seconds or RFC 3339")
