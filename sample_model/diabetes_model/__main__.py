"""Command line: ``snapshot create``, ``snapshot verify``, ``train`` and ``serve``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code, 1 with one line on stderr for a bad input."""
    options = _parser().parse_args(arguments)
    command: str = options.run
    if command == "serve":
        return _serve()
    try:
        return _OFFLINE[command](options)
    except (ValueError, RuntimeError, OSError) as error:
        sys.stderr.write(f"{command}: {error}\n")
        return 1


def _serve() -> int:
    from diabetes_model.server.process import serve  # noqa: PLC0415

    return serve()


def _create(options: argparse.Namespace) -> int:
    from diabetes_model import release, snapshots  # noqa: PLC0415

    chosen = release.read(options.release)
    digest = snapshots.create(chosen.recipe, options.out)
    sys.stdout.write(f"{digest}  {options.out}\n")
    if chosen.sha256 not in {None, digest}:
        raise snapshots.SnapshotError(f"{options.release.name} expects sha256 {chosen.sha256}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from diabetes_model import snapshots  # noqa: PLC0415

    snapshot = snapshots.read(options.file, sha256=options.sha256)
    rows = len(snapshot.row_ids)
    sys.stdout.write(
        f"{snapshot.sha256}  {options.file}: {snapshot.id}, {rows} rows, contract kept\n"
    )
    return 0


def _train(options: argparse.Namespace) -> int:
    from diabetes_model import environment  # noqa: PLC0415

    environment.pin()
    from diabetes_model import release, snapshots, training  # noqa: PLC0415

    chosen = release.read(options.release) if options.release else None
    if chosen is None and options.seed is None:
        raise release.ReleaseError("without --release a --seed is needed")
    seed = options.seed if options.seed is not None else chosen.seed if chosen else None
    run = training.Run(
        snapshot=snapshots.read(options.snapshot, sha256=chosen.sha256 if chosen else None),
        seed=release.checked_seed(seed),
        hyperparameters=chosen.hyperparameters if chosen else release.Hyperparameters(),
        tag=options.tag,
        commit=options.commit,
    )
    training.train(run, options.out)
    return 0


_OFFLINE = {"create": _create, "verify": _verify, "train": _train}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="diabetes_model", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    snapshot = commands.add_parser("snapshot", help="make or check a feature snapshot")
    _snapshot_commands(snapshot.add_subparsers(required=True, metavar="COMMAND"))
    train = commands.add_parser("train", help="train from a snapshot and a seed")
    train.add_argument("--snapshot", type=Path, required=True)
    train.add_argument("--out", type=Path, required=True)
    train.add_argument("--seed", type=int, help="default: the release's")
    train.add_argument("--release", type=Path, help="TOML file with the hyperparameters")
    train.add_argument("--tag", default="local", help="the image tag, for the manifest")
    train.add_argument("--commit", default="unknown", help="the source commit, for the manifest")
    train.set_defaults(run="train")
    serve = commands.add_parser("serve", help="serve the model, configured by the environment")
    serve.set_defaults(run="serve")
    return parser


def _snapshot_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    create = commands.add_parser("create", help="write the snapshot of a release")
    create.add_argument("--release", type=Path, required=True)
    create.add_argument("--out", type=Path, required=True)
    create.set_defaults(run="create")
    verify = commands.add_parser("verify", help="check hash and data contract")
    verify.add_argument("file", type=Path)
    verify.add_argument("--sha256")
    verify.set_defaults(run="verify")


if __name__ == "__main__":
    sys.exit(main())
