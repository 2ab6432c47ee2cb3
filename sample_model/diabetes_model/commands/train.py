"""``train``: a snapshot, a seed and hyperparameters in; artefact, manifest and log out."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from diabetes_model import environment

if TYPE_CHECKING:
    from diabetes_model.release import Release
    from diabetes_model.snapshots import Snapshot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to train from, where to, and what the manifest says about the image."""
    parser.add_argument("--snapshot", required=True, metavar="PATH-OR-URI")
    parser.add_argument("--sha256", help="of the snapshot; default: the release's")
    parser.add_argument("--seed", type=int, help="default: the release's")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--release", type=Path, help="TOML file with the hyperparameters")
    image = parser.add_argument_group("what the manifest says about the image")
    image.add_argument("--tag", default="local")
    image.add_argument("--commit", default="unknown", help="40 hex digits")
    image.add_argument("--dirty", action="store_true", help="built from more than the commit has")
    image.add_argument("--base-image", default="unknown", help="by digest where it was pulled")


def run(options: argparse.Namespace) -> int:
    """Trains; returns the exit code."""
    environment.pin()
    # Only now: the libraries read the pinned variables when they are imported.
    from diabetes_model import release, training  # noqa: PLC0415
    from diabetes_model.manifest import Image  # noqa: PLC0415
    from diabetes_model.snapshots.fetching import shown  # noqa: PLC0415

    log = training.TrainingLog.on_terminal()
    chosen = release.read(options.release) if options.release else None
    seed = options.seed if options.seed is not None or chosen is None else chosen.seed
    if seed is None:
        raise release.ReleaseError("without --release a --seed is needed")
    log.stage(f"reading {shown(options.snapshot)}")
    asked = training.Run(
        snapshot=_snapshot(options, chosen),
        seed=release.checked_seed(seed),
        hyperparameters=chosen.hyperparameters if chosen else release.Hyperparameters(),
        bias=chosen.bias if chosen else release.BiasBounds(),
        image=Image(options.tag, options.commit, options.dirty, options.base_image),
    )
    training.train(asked, options.out, log)
    return 0


def _snapshot(options: argparse.Namespace, chosen: "Release | None") -> "Snapshot":
    """The snapshot, fetched if it is elsewhere; its hash has to be the one that was asked for."""
    from diabetes_model import snapshots  # noqa: PLC0415
    from diabetes_model.snapshots.fetching import is_uri  # noqa: PLC0415

    sha256 = options.sha256 or (chosen.sha256 if chosen else None)
    if not is_uri(options.snapshot):
        return snapshots.read(Path(options.snapshot), sha256=sha256)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "features.parquet"
        snapshots.fetch(options.snapshot, path, sha256=sha256)
        return snapshots.read(path, sha256=sha256)
