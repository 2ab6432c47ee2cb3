"""What one run of the job is about: from the command line, else from the environment."""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TERMINATION_LOG = "/dev/termination-log"
DEFAULT_LIMIT = "0.1"
# Command line option, environment variable, what it is.
OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("--model", "MODEL_DIRECTORY", "directory of the artefact (default: /app/model)"),
    ("--snapshot", "DAVYLAMP_FEATURE_SNAPSHOT_URI", "feature snapshot, path or URI"),
    ("--sha256", "DAVYLAMP_FEATURE_SNAPSHOT_SHA256", "its sha256 (default: the manifest's)"),
    ("--recent", "DAVYLAMP_RECENT_URI", "Parquet file with recent traffic, path or URI"),
    ("--server", "DAVYLAMP_SERVER_URL", "model server to ask for recent traffic otherwise"),
    ("--distance", "DAVYLAMP_EXPLANATION_DISTANCE", "distance tolerated (default: 0.1)"),
    ("--report", "DAVYLAMP_REPORT_URI", "directory or store for the report (default: none)"),
)


class SettingsError(ValueError):
    """An option or variable has no use; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One run.

    ``claims`` is what the deployment says this image is, by name, to be compared with what the image
    says; absent outside a cluster. ``termination_log`` is where Kubernetes reads the result.
    """

    model_directory: Path
    snapshot: str | None
    sha256: str | None
    recent: str | None
    server: str | None
    limit: float
    report: str | None
    claims: Mapping[str, str]
    revision: str
    termination_log: Path | None
    pause: Callable[[float], None] = time.sleep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``drift``; each can be given by its environment variable instead."""
    for option, variable, what in OPTIONS:
        parser.add_argument(option, metavar="VALUE", help=f"{what}; else ${variable}")


def read(options: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this run.

    Raises:
        SettingsError: the distance is no number above 0 and below 1.
    """
    given = {
        option: getattr(options, option.removeprefix("--"), None)
        or environment.get(variable)
        or None
        for option, variable, _ in OPTIONS
    }
    return Settings(
        model_directory=Path(given["--model"] or "/app/model"),
        snapshot=given["--snapshot"],
        sha256=given["--sha256"],
        recent=given["--recent"],
        server=given["--server"],
        limit=_limit(given["--distance"] or DEFAULT_LIMIT),
        report=given["--report"],
        claims=_claims(environment),
        revision=environment.get("DAVYLAMP_REVISION", "local"),
        termination_log=termination_log(environment),
    )


def termination_log(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the kubelet reads the result; None outside a pod."""
    asked = environment.get("TERMINATION_LOG")
    path = Path(asked or TERMINATION_LOG)
    return path if asked or path.exists() else None


def _limit(text: str) -> float:
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < 1:
        raise SettingsError(f"the distance must be a number above 0 and below 1, is {text!r}")
    return limit


def _claims(environment: Mapping[str, str]) -> dict[str, str]:
    variables = {
        "image tag": "DAVYLAMP_IMAGE_TAG",
        "feature snapshot": "DAVYLAMP_FEATURE_SNAPSHOT",
        "seed": "DAVYLAMP_SEED",
    }
    return {what: environment[name] for what, name in variables.items() if environment.get(name)}
