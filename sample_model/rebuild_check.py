"""Builds both images of v1 twice, the second time from nothing, and compares them.

    python3 sample_model/rebuild_check.py BASE-IMAGE

Exit code 1 if they differ in anything but the times of files and of the training run.
"""

import sys
import tempfile
from pathlib import Path

import build
import compare_images
from packing import engine, sources
from packing.engine import BuildError
from packing.plan import Kind

RELEASE = "v1"


def main(base_image: str) -> int:
    """Runs; 1 as well with one line on stderr if an image cannot be built."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        sources.copy(build.HERE, context)
        plan = build.plan(RELEASE, context=context, base_image=base_image)
        sources.date(context, plan.epoch)
        try:
            build.build(plan, context)
            build.build_again(plan, context)
        except (BuildError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
    codes = [compare_images.main([plan.image(kind), build.again(plan, kind)]) for kind in Kind]
    if max(codes) == 0:  # else keep them for inspection
        for kind in Kind:
            engine.remove(build.again(plan, kind))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
