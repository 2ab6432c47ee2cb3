"""Shows that the model can be made again, bit by bit, and that a change is noticed.

    PYTHONPATH=sample_model:operator python -m reproduce [RELEASE] [--base-image IMAGE]

Needs Docker, and an environment with the training libraries. Prints tables on stdout, progress on
stderr; exit code 1 if anything differs, 2 if a step did not work.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from reproduce import subject, table
from reproduce.errors import ReproduceError
from reproduce.pipeline import Run, Say
from reproduce.results import Section, differences


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs; returns the exit code."""
    options = _options(arguments)
    begun = time.monotonic()

    def say(what: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - begun:5.0f}s] {what}\n")

    try:
        sections = _run(options, say)
    except ReproduceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return report(sections)


def report(sections: Sequence[Section]) -> int:
    """Prints the tables and the verdict; 1 if anything differs."""
    sys.stdout.write(table.text(sections, _style()) + "\n")
    different = differences(sections)
    good = not different and all(section.good for section in sections)
    verdict = "reproduced" if good else f"NOT reproduced: {', '.join(different) or 'nothing'}"
    sys.stdout.write(f"{verdict}\n")
    return 0 if good else 1


def _run(options: argparse.Namespace, say: Say) -> list[Section]:
    say(f"building the images of {options.release} (about 2 min where nothing is cached)")
    chosen = subject.build(options.release, options.base_image)
    published = options.published or subject.SAMPLE_MODEL / "published" / options.release
    with tempfile.TemporaryDirectory(prefix="reproduce-") as folder:
        return Run(chosen, published, Path(folder), say).sections()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reproduce", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("release", nargs="?", default="v1")
    parser.add_argument("--base-image", help="to build the images from; default: the official one")
    parser.add_argument(
        "--published", type=Path, metavar="FOLDER", help="compare with another record"
    )
    return parser.parse_args(arguments)


def _style() -> table.Style:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return table.Style(symbols=utf8, colour=sys.stdout.isatty())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # containers are removed on the way out
    sys.exit(main())
