"""One server of the comparison: ``python -m bench.serving.serve NAME DIRECTORY PORT CORE``."""

import os
import sys
from pathlib import Path

from bench.serving.variants import ENTRIES, settings_of


def main() -> None:
    """Serves on one core until it is stopped."""
    name, directory, port, core = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    ENTRIES[name].make(settings_of(Path(directory), int(port))).run()


if __name__ == "__main__":
    main()
