"""The choices, as pure functions of what is on the machine, which nothing here touches."""

from dataclasses import dataclass
from enum import Enum

from localcluster.errors import SetupError
from localcluster.host import Host
from localcluster.versions import Version, is_at_least

NO_ENGINE_HINT = (
    "Install Docker (https://docs.docker.com/engine/install/), start it, and run this again;\n"
    "or run this as root on Debian, where it installs and starts the engine itself."
)
NO_IMAGE_HINT = (
    "No container registry answered. Either make docker.io reachable for the engine\n"
    "(`docker pull kindest/node`), or run this as root on Debian, where the images are built\n"
    "from Go modules and Debian packages."
)


class EngineChoice(Enum):
    """Where the Docker engine comes from."""

    RUNNING = "use the one that runs"
    START = "start the installed one"
    INSTALL = "install Debian's and start it"


class ClusterState(Enum):
    """What is left of an earlier run."""

    ABSENT = "absent"
    DEAD = "dead"
    UNREACHABLE = "unreachable"
    READY = "ready"


@dataclass(frozen=True)
class InstalledTool:
    """A program on PATH and what it prints about its version."""

    path: str
    version_output: str


def choose_engine(host: Host, *, running: bool, installed: bool) -> EngineChoice:
    """A running engine first; else Debian's, which takes root.

    Raises:
        SetupError: no engine runs and none can be started here.
    """
    if running:
        return EngineChoice.RUNNING
    if host.system != "linux" or not host.root:
        raise SetupError("no Docker engine answers", hint=NO_ENGINE_HINT)
    if installed:
        return EngineChoice.START
    if not host.debian_like:
        raise SetupError("no Docker engine is installed", hint=NO_ENGINE_HINT)
    return EngineChoice.INSTALL


def require_builder(host: Host, *, what: str) -> None:
    """Building images without a registry needs Debian's tools and root.

    Raises:
        SetupError: this host does not have them.
    """
    if not host.can_install:
        raise SetupError(f"{what} can be neither pulled nor built here", hint=NO_IMAGE_HINT)


def fits(tool: InstalledTool | None, *, minimum: Version) -> bool:
    """Whether a tool on PATH is new enough to be used as it is."""
    return tool is not None and is_at_least(tool.version_output, minimum)


def classify(*, container: str | None, node_ready: bool) -> ClusterState:
    """Read an earlier cluster's state.

    Args:
        container: Docker's state of the node container ("running", "exited", ...), None if none.
        node_ready: the API server answers and says so.
    """
    if container is None:
        return ClusterState.ABSENT
    if container != "running":
        return ClusterState.DEAD
    return ClusterState.READY if node_ready else ClusterState.UNREACHABLE
