"""Trains and builds both images of all releases; needs Python, Docker and, for good tags, git.

    python3 sample_model/build.py [--base-image IMAGE] [--print] [RELEASE...]

Prints one ``release=tag`` line per release on stdout, progress on stderr. Both images of a release,
``davylamp/diabetes-risk`` and ``davylamp/diabetes-risk-training``, have the same tag: the commit that
last changed a file they are made of, and what the files say where they differ from that commit. An
image that was built from these files, this base and this commit is not built again.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from packing import base, engine, sources
from packing.engine import BuildError
from packing.identity import identify
from packing.outputs import step_outputs
from packing.plan import SOURCE_LABEL, Claims, Kind, Plan

HERE = Path(__file__).resolve().parent


def releases(root: Path = HERE) -> list[str]:
    """The names of all releases."""
    return sorted(path.stem for path in (root / "releases").glob("*.toml"))


def plan(release: str, *, context: Path, base_image: str, url: str | None = None) -> Plan:
    """How to build a release from a copy of the sources."""
    identity = identify(HERE, sources.content_hash(context))
    return Plan(
        release=release,
        identity=identity,
        base=base.find(base_image),
        claims=Claims.read(context / "releases" / f"{release}.toml"),
        epoch=int(os.environ.get("SOURCE_DATE_EPOCH") or identity.epoch),
        url=url,
    )


def build(chosen: Plan, context: Path) -> None:
    """Builds what is not up to date; the serving image takes its model from the training image's run.

    Raises:
        BuildError: an image could not be built.
    """
    for kind in Kind:
        image = chosen.image(kind)
        if engine.labels(image).get(SOURCE_LABEL) == chosen.source:
            _say(f"{image} is up to date")
        else:
            _timed(image, context, chosen.options(kind))


def again(chosen: Plan, kind: Kind) -> str:
    """The name of an image that was built again."""
    return f"{chosen.image(kind)}-again"


def build_again(chosen: Plan, context: Path) -> None:
    """Builds both images again without a cache, beside the first ones, to compare them.

    Raises:
        BuildError: an image could not be built.
    """
    for kind in Kind:
        # The serving image is made of the layers and the training run that were just repeated.
        fresh = ["--no-cache"] if kind is Kind.TRAINING else []
        _timed(again(chosen, kind), context, [*fresh, *chosen.options(kind)])


def _timed(image: str, context: Path, options: list[str]) -> None:
    begun = time.monotonic()
    _say(f"building {image}")
    engine.build(image, context, options)
    _say(f"built {image} in {time.monotonic() - begun:.0f} s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs; 1 with one line on stderr if an image cannot be built."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        context = options.context or Path(folder)
        try:
            _run(options, context)
        except (BuildError, OSError) as error:
            _say(str(error))
            return 1
    return 0


def _run(options: argparse.Namespace, context: Path) -> None:
    sources.copy(HERE, context)
    for release in options.releases or releases():
        chosen = plan(release, context=context, base_image=options.base_image, url=options.url)
        if options.context:
            sources.date(context, chosen.epoch)
            sys.stdout.write(step_outputs(chosen))
            continue
        if not options.print:
            sources.date(context, chosen.epoch)
            build(chosen, context)
        _tell(f"{release}={chosen.tag}\n", options.tags)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds the sample model's images.")
    parser.add_argument("releases", nargs="*", metavar="RELEASE", help="default: all")
    parser.add_argument("--base-image", default=base.OFFICIAL)
    parser.add_argument("--url", help="where the sources are published, for a label")
    parser.add_argument("--print", action="store_true", help="only print the tags")
    parser.add_argument("--tags", type=Path, metavar="FILE", help="append the tags there as well")
    parser.add_argument(
        "--context",
        type=Path,
        metavar="DIRECTORY",
        help="build nothing: put the build context there and print arguments and labels "
        "as step outputs of a GitHub workflow",
    )
    options = parser.parse_args(arguments)
    unknown = set(options.releases) - set(releases())
    if unknown:
        parser.error(f"unknown release {', '.join(sorted(unknown))}")
    if options.context and len(options.releases) != 1:
        parser.error("--context is for one release")
    return options


def _tell(line: str, file: Path | None) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()
    if file is not None:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(line)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
