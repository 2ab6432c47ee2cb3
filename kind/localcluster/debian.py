"""Debian's part: packages for this machine, and root file systems made of packages."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster import shell
from localcluster.cache import Artifact, digest
from localcluster.errors import SetupError
from localcluster.host import Host
from localcluster.progress import Progress
from localcluster.versions import DEBIAN_SUITE

HOST_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

NODE_PACKAGES = (
    "bash ca-certificates conntrack containerd containernetworking-plugins curl dbus e2fsprogs "
    "ethtool findutils iproute2 iptables jq kmod libseccomp2 mount nftables procps runc socat "
    "systemd systemd-sysv util-linux"
)
PROXY_PACKAGES = "conntrack iptables kmod nftables"
PYTHON_PACKAGES = "ca-certificates python3 python3-pip python3-venv"


@dataclass(frozen=True)
class RootFs:
    """A root file system: packages and what to do with them afterwards.

    ``hooks`` are mmdebstrap customize hooks; ``extra`` is what they depend on besides.
    """

    name: str
    packages: str
    expected: float
    hooks: tuple[str, ...] = ()
    extra: str = ""

    @property
    def artifact(self) -> Artifact:
        """Its place in the cache; the tarball in it is ``root.tar``."""
        recipe = "\n".join((self.packages, *self.hooks, self.extra))
        return Artifact(self.name, DEBIAN_SUITE, recipe, self.expected)

    def build(self, folder: Path) -> None:
        """Make ``root.tar`` in ``folder``."""
        options = [f"--customize-hook={hook}" for hook in self.hooks]
        packages = ",".join(self.packages.split())
        target = str(folder / "root.tar")
        command = ["mmdebstrap", "--variant=minbase", f"--include={packages}", *options]
        shell.run([*command, DEBIAN_SUITE, target], log=self.name, env={"TMPDIR": "/var/tmp"})


NODE_ROOT = RootFs("node-root", NODE_PACKAGES, expected=50)
PROXY_ROOT = RootFs("proxy-root", PROXY_PACKAGES, expected=25)


def python_root() -> RootFs:
    """Debian's Python, made to look like the official image and to trust what this host trusts."""
    bundle = Path(os.environ.get("SSL_CERT_FILE") or HOST_CA_BUNDLE)
    return RootFs(
        "python-root",
        PYTHON_PACKAGES,
        expected=60,
        hooks=(
            f"upload {bundle} {CA_BUNDLE}",
            'ln -s python3 "$1/usr/bin/python"',
            'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
        ),
        extra=digest(bundle.read_text(encoding="utf-8")) if bundle.is_file() else "",
    )


def install(packages: Sequence[str], *, host: Host, progress: Progress) -> None:
    """Install Debian packages on this machine.

    Raises:
        SetupError: not root on Debian, or apt-get failed.
    """
    listed = " ".join(packages)
    if not host.can_install:
        raise SetupError(f"{listed} is missing", hint=f"Install it, e.g. apt-get install {listed}")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"installing {listed} (Debian)", expected=25):
        shell.run(["apt-get", "update", "-q"], log="apt", env=env)
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
        shell.run(command, log="apt", env=env)


def need(program: str, package: str, *, host: Host, progress: Progress) -> None:
    """Have ``program`` on PATH, from ``package`` if it is not."""
    if shutil.which(program) is None:
        install([package], host=host, progress=progress)
