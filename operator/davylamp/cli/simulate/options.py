"""The options of `davylamp simulate`; imports nothing heavy, as every command loads them."""

from __future__ import annotations

import argparse
from typing import Final

DESCRIPTION: Final = """\
Simulate canaries with your traffic through the steps of a spec, and show how many healthy ones its
gates would roll back, how soon they would roll back bad ones, and how many bad answers users would
get until then, next to the classic rules of Argo Rollouts and Flagger on the same traffic.
"""
EPILOG: Final = """\
Example: davylamp simulate --spec modeldeployment.yaml --rps 100 --stable-errors 0.5%
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "simulate",
        help="simulate the gates of a spec with your traffic",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--spec", required=True, metavar="modeldeployment.yaml", help="the ModelDeployment"
    )
    parser.add_argument(
        "--rps", required=True, metavar="N", help="requests per second, to all pods together"
    )
    parser.add_argument(
        "--stable-errors",
        default="0.5%",
        metavar="P",
        help="error rate of stable; default: 0.5%%",
    )
    parser.add_argument(
        "--runs", default="200", metavar="N", help="canaries of every kind; default: 200"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed gives the same numbers; default: 1"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per gate and kind of canary"
    )
    parser.add_argument("--plot", metavar="OUT.svg|OUT.png", help="draw the comparison to a file")
