"""Packages the chart of a release: a copy of it that names the operator's image by digest.

python charts/package.py --repository REPOSITORY --digest sha256:... --out FOLDER

prints the path of the package. Needs `helm` on PATH.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHART = Path(__file__).resolve().parent / "davylamp"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def named(values: str, *, repository: str, digest: str) -> str:
    """The text of values.yaml with another image; everything else, comments too, stays.

    Raises:
        ValueError: the digest is none, or the values have no such lines.
    """
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is not sha256: and 64 hexadecimal digits")
    for key, old, new in (
        ("repository", "davylamp/operator", repository),
        ("digest", '""', digest),
    ):
        values, replaced = re.subn(
            rf"^(  {key}: ){old}$", rf"\g<1>{new}", values, count=1, flags=re.MULTILINE
        )
        if not replaced:
            raise ValueError(f"values.yaml has no line '  {key}: {old}'")
    return values


def package(*, repository: str, digest: str, out: Path) -> Path:
    """The packaged chart in `out`.

    Raises:
        ValueError: see `named`.
        subprocess.CalledProcessError: Helm refuses the chart.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(CHART, Path(scratch) / CHART.name))
        values = copy / "values.yaml"
        text = named(values.read_text(encoding="utf-8"), repository=repository, digest=digest)
        values.write_text(text, encoding="utf-8")
        command = ["helm", "package", str(copy), "--destination", str(out)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Path(told.strip().rpartition(": ")[2])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        path = package(repository=options.repository, digest=options.digest, out=options.out)
    except ValueError as error:
        sys.exit(f"package: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"package: {error.stderr.strip()}")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
