"""What `davylamp replay` is told; imports nothing heavy, as every command needs its options."""

from __future__ import annotations

import argparse
from typing import Final

DESCRIPTION: Final = """\
Judge a past canary again with the code that judges live ones, and say block by block what it would
have decided. Edit the spec to see what other settings would have done.

The decision is the first of two: a gate that takes back has its evidence (rollback), or every gate
has passed (promote). The operator promotes only when the steps are over as well, so a gate that
counts failures (an own query, method Threshold) passes at the last sample at the earliest. A record
of a probation ends with rollback or undecided: nothing is promoted there.

Gates that cannot be decided are left out and named on stderr. An own query can be decided by the
values in a record if the gate of that name there had the same promql and interval; with a ratio it
needs stable's values too.
"""
EPILOG: Final = """\
counters.csv has the header time,pod,revision,requests,errors: raw cumulative counters of each pod,
time in seconds. Give some minutes from before the canary too: they show how stable's errors hang
together. Example:

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
    parser.add_argument("--json", action="store_true", help="one JSON object a block")
    parser.add_argument("--plot", metavar="OUT.svg|OUT.png", help="draw the evidence")


def add_file(parser: argparse.ArgumentParser) -> None:
    """Where the counters are."""
    parser.add_argument("counters", nargs="?", metavar="counters.csv", help="or - for stdin")
    parser.add_argument(
        "--record", metavar="configmap.yaml", help="a flight record, which has all that is needed"
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """How they are judged."""
    parser.add_argument("--spec", metavar="modeldeployment.yaml", help="the ModelDeployment")
    parser.add_argument("--stable", metavar="REV", help="revision that served before")
    parser.add_argument("--candidate", metavar="REV", help="revision that was the canary")
    parser.add_argument(
        "--weights",
        metavar="t:w,t:w...",
        help="the canary's share from each time on, on the clock of the file: 25 or 25%% (percent) "
        "or 0.25; default: begins with the canary's first sample, share as the requests say",
    )
    parser.add_argument(
        "--scrape-interval", metavar="5s", help="default: the median gap between samples of a pod"
    )


def add_prometheus(parser: argparse.ArgumentParser) -> None:
    """The same from Prometheus."""
    group = parser.add_argument_group("from Prometheus instead of a file")
    group.add_argument("--prometheus", metavar="URL", help="address of Prometheus")
    group.add_argument("--namespace", help="namespace of the ModelDeployment")
    group.add_argument("--name", help="its name")
    group.add_argument("--from", dest="since", metavar="T", help="epoch seconds or RFC 3339")
    group.add_argument("--until", metavar="T", help="epoch seconds or RFC 3339")
