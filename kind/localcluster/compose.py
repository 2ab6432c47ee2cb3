"""Compose: the plugin, the program of its own that Debian has, or Debian's, installed here."""

from localcluster import debian, shell
from localcluster.errors import SetupError
from localcluster.host import Host
from localcluster.progress import Progress
from localcluster.versions import Version, is_at_least

MINIMUM: Version = (1, 29, 0)  # the first with service_completed_successfully
PLUGIN, PROGRAM = ("docker", "compose"), ("docker-compose",)
PACKAGE = "docker-compose"
HINT = (
    "Install the plugin (https://docs.docker.com/compose/install/), so that `docker compose version`\n"
    "works, or docker-compose 1.29 or newer; or run this as root on Debian, which installs it itself."
)


def find() -> tuple[str, ...] | None:
    """The command of a compose that is new enough, None where there is none."""
    if shell.succeeds([*PLUGIN, "version"], timeout=20):  # every plugin is
        return PLUGIN
    says = shell.output([*PROGRAM, "version", "--short"], timeout=20)
    return PROGRAM if says and is_at_least(says, MINIMUM) else None


def ensure(host: Host, *, progress: Progress) -> tuple[str, ...]:
    """The command of a compose that works.

    Raises:
        SetupError: there is none, and none can be installed from here.
    """
    command = find()
    if command is None and host.can_install:
        debian.install([PACKAGE], host=host, progress=progress)
        command = find()
    if command is None:
        raise SetupError(
            "compose is missing: neither `docker compose` nor docker-compose", hint=HINT
        )
    return command
