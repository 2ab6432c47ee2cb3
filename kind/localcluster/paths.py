"""Where things are: data files in the checkout, everything built in the user's cache."""

import os
from pathlib import Path

KIND_DIR = Path(__file__).resolve().parent.parent
REQUIREMENTS_DIR = KIND_DIR.parent / "requirements"


def cache_root() -> Path:
    """The XDG cache folder of this project; nothing in it is needed for correctness."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "davylamp"


def artifacts_dir() -> Path:
    """Finished builds, one folder per name, version and recipe."""
    return cache_root() / "artifacts"


def bin_dir() -> Path:
    """Tools provided because the machine had none that fit: prepend this to PATH."""
    return cache_root() / "bin"


def log_dir() -> Path:
    """Full output of the long steps."""
    return cache_root() / "log"
