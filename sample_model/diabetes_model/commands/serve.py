"""``serve``: the model server of a pod."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None: a pod is configured by its environment."""
    parser.epilog = "see server/settings.py for the variables"


def run(_options: argparse.Namespace) -> int:
    """Serves until SIGTERM; returns the exit code."""
    from diabetes_model.server.process import serve  # noqa: PLC0415 - not needed for --help

    return serve()
