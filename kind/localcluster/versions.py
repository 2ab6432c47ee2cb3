"""Pinned versions, and reading a version out of what a tool prints.

Versions of Go modules are pinned in ``kind/go/*/go.mod`` (with their checksums in ``go.sum``), those
of Python wheels with their checksums in ``requirements``; they are read from there, so that each has
one place.
"""

import re
from pathlib import Path

Version = tuple[int, int, int]

# The default of kind v0.33.0: pkg/apis/config/defaults/image.go in its module.
OFFICIAL_NODE_IMAGE = (
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
)
OFFICIAL_PYTHON_IMAGE = (
    "python:3.13.14-slim-bookworm"
    "@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8"
)
DEBIAN_SUITE = "bookworm"  # the last one whose systemd boots under cgroup v1
PAUSE_VERSION = "3.10"

MINIMUM_GO: Version = (1, 26, 7)
MINIMUM_KIND: Version = (0, 31, 0)
MINIMUM_KUBECTL: Version = (1, 34, 0)
MINIMUM_HELM: Version = (3, 16, 0)


def parse_version(text: str) -> Version | None:
    """The first ``X.Y`` or ``X.Y.Z`` in ``text``; None where there is none."""
    match = re.search(r"(?<![\d.])v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if match is None:
        return None
    major, minor, patch = match.groups(default="0")
    return int(major), int(minor), int(patch)


def is_at_least(text: str, minimum: Version) -> bool:
    """Whether what a tool printed names a version of at least ``minimum``."""
    version = parse_version(text)
    return version is not None and version >= minimum


def pinned(go_mod: str, module: str) -> str:
    """The version of ``module`` in the text of a go.mod file, with its leading ``v``.

    Raises:
        KeyError: the module is not required there.
    """
    match = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", go_mod, flags=re.MULTILINE)
    if match is None:
        raise KeyError(module)
    return match[1]


def pinned_wheel(requirements: str) -> str:
    """The one requirement, ``name==version``, in the text of a requirements file with checksums.

    Raises:
        ValueError: there is not exactly one, or it has no checksum.
    """
    (requirement,) = re.findall(r"^([\w-]+==[\w.]+) \\$", requirements, flags=re.MULTILINE)
    if "--hash=sha256:" not in requirements:
        raise ValueError(f"{requirement} has no checksum")
    return str(requirement)


def prometheus_release(module_version: str) -> str:
    """The release that a Prometheus module version stands for (v0.316.0 is v3.16.0)."""
    _, minor, patch = parse_version(module_version) or (0, 0, 0)
    return f"v{minor // 100}.{minor % 100}.{patch}"


def read_pinned(folder: Path, module: str) -> str:
    """``pinned`` for the go.mod in ``folder``."""
    return pinned((folder / "go.mod").read_text(encoding="utf-8"), module)
