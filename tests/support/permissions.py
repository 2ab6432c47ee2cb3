"""What the chart's roles grant, verb by verb: the whole of it, to be compared exactly."""

from typing import Final, TypeAlias

Granted: TypeAlias = dict[tuple[str, str], set[str]]
"""(API group, resource) -> verbs."""
READ: Final = {"get", "list", "watch"}
CHILD: Final = READ | {"create", "patch", "delete"}
WRITE: Final = {"create", "update", "patch", "delete", "deletecollection"}
MODELS: Final = ("davylamp.dev", "modeldeployments")
SECRETS: Final = ("", "secrets")
OPERATOR: Final[Granted] = {
    MODELS: READ | {"patch"},
    ("davylamp.dev", "modeldeployments/status"): {"update"},
    ("davylamp.dev", "modeldeployments/scale"): {"patch"},
    ("davylamp.dev", "modeldeployments/records"): {"create"},
    ("apps", "controllerrevisions"): CHILD,
    ("apps", "deployments"): CHILD,
    ("", "services"): CHILD,
    ("", "configmaps"): CHILD,
    ("policy", "poddisruptionbudgets"): CHILD,
    ("batch", "cronjobs"): CHILD,
    ("batch", "jobs"): CHILD,
    SECRETS: {"get", "create", "patch", "delete"},
    ("apps", "deployments/scale"): {"patch"},
    ("", "pods"): READ | {"delete"},
    ("", "events"): {"create", "list"},
}
VIEW: Final[Granted] = {
    MODELS: READ,
    ("davylamp.dev", "modeldeployments/status"): READ,
    ("davylamp.dev", "modeldeployments/scale"): READ,
}
EDIT: Final[Granted] = {
    MODELS: WRITE,
    ("davylamp.dev", "modeldeployments/scale"): {"update", "patch"},
    ("davylamp.dev", "modeldeployments/abort"): {"update"},
    ("davylamp.dev", "modeldeployments/retry"): {"update"},
    ("davylamp.dev", "modeldeployments/rollout"): {"update"},
}
"""Besides what VIEW has."""
ADMIN: Final[Granted] = {
    ("davylamp.dev", "modeldeployments/advance"): {"update"},
    ("davylamp.dev", "modeldeployments/promote"): {"update"},
}
"""Besides what EDIT has."""


def together(*roles: Granted) -> Granted:
    """What somebody may do who has all of these."""
    keys = {key for role in roles for key in role}
    return {key: set().union(*(role.get(key, set()) for role in roles)) for key in keys}
