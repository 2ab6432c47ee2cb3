"""What `davylamp simulate` is told; imports nothing heavy, as every command needs its options."""

from __future__ import annotations

import argparse
from typing import Final

DESCRIPTION: Final = """\
Say what the gates of a spec mean for some traffic: how many healthy releases would be rolled back,
and how soon bad ones are found, side by side with the classic rules of Argo Rollouts and Flagger on
the same simulated traffic through the spec's steps.
"""
EPILOG: Final = """\
Example: davylamp simulate --spec modeldeployment.yaml --rps 100 --stable-errors 0.5%
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "simulate",
        help="what a spec's gates mean for some traffic",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--spec", required=True, metavar="modeldeployment.yaml")
    parser.add_argument(
        "--rps", required=True, metavar="N", help="requests per second, to all pods together"
    )
    parser.add_argument(
        "--stable-errors", default="0.5%", metavar="P", help="error rate of stable (0.5%%)"
    )
    parser.add_argument("--runs", default="200", metavar="N", help="canaries of each kind (200)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same numbers (1)")
    parser.add_argument("--json", action="store_true", help="one JSON object a gate and kind")
    parser.add_argument("--plot", metavar="OUT.svg|OUT.png", help="draw the comparison")
