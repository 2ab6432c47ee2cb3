"""What this machine is, as plain facts."""

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from localcluster.capabilities import missing_capabilities


@dataclass(frozen=True)
class Host:
    """Facts that decide how a cluster can be made here.

    ``missing_capabilities`` holds what the kernel knows but this machine withholds even from root.
    """

    system: str
    machine: str
    root: bool
    debian_like: bool
    systemd: bool
    missing_capabilities: frozenset[str]

    @property
    def can_install(self) -> bool:
        """Debian packages can be installed and root file systems be made of them."""
        return self.root and self.debian_like


def is_debian_like(os_release: str) -> bool:
    """Whether the text of /etc/os-release names Debian or one of its children."""
    fields = dict(line.split("=", maxsplit=1) for line in os_release.splitlines() if "=" in line)
    words = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', " ").split()
    return "debian" in words


def observe() -> Host:
    """Read the facts from the running system."""
    return Host(
        system=sys.platform,
        machine=platform.machine(),
        root=os.geteuid() == 0,
        debian_like=is_debian_like(_read("/etc/os-release")),
        systemd=Path("/run/systemd/system").is_dir(),
        missing_capabilities=missing_capabilities(
            _read("/proc/self/status"), last=int(_read("/proc/sys/kernel/cap_last_cap") or 0)
        ),
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
