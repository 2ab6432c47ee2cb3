"""ModelDeployments of the sample model: making them, giving them commands, reading their status and Events."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from lab.kubectl import Object, get, items, kubectl, wait_until

GROUP: Final = "davylamp.dev"
RESOURCE: Final = f"modeldeployment.{GROUP}"
"""What kubectl is told to look for: the short word is another API's as well."""
REPOSITORY: Final = "davylamp/diabetes-risk"
RELEASES: Final = Path(__file__).resolve().parents[2] / "sample_model/releases"
SERVING: Final = {
    "resources": {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"memory": "256Mi"},
    }
}
"""Small requests: ten pods and a control plane share two cores."""


@dataclass(frozen=True)
class Event:
    """An Event of the operator. `at` is in epoch seconds."""

    at: float
    reason: str
    message: str
    severity: str


def model(  # noqa: PLR0913  (all but three have a default)
    name: str,
    namespace: str,
    tag: str,
    *,
    replicas: int = 4,
    steps: Sequence[Mapping[str, Any]] | None = None,
    gates: Sequence[Mapping[str, Any]] | None = None,
    config: Mapping[str, str] | None = None,
    rollout: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Object:
    """The manifest of a ModelDeployment; what is left out keeps the product's defaults.

    Args:
        name: its name.
        namespace: its namespace.
        tag: image tag of the sample model; snapshot and seed are those of its release.
        replicas: pods of the stable revision.
        steps: `spec.rollout.steps`.
        gates: `spec.rollout.gates`.
        config: environment of the model, for example a fault switch. One that fails requests at
            random cannot answer its golden requests, so it is not checked.
        rollout: more of `spec.rollout`.
        spec: more of `spec`, under the API's names.
    """
    plan = {**(rollout or {})}
    plan |= {"steps": list(steps)} if steps is not None else {}
    plan |= {"gates": list(gates)} if gates is not None else {}
    if "FAULT_ERROR_RATE" in (config or {}):
        plan = {"checks": []} | plan
    snapshot, seed = training_of(tag)
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "image": {"repository": REPOSITORY, "tag": tag},
            "featureSnapshot": snapshot,
            "seed": seed,
            "replicas": replicas,
            "serving": SERVING,
            **({"config": dict(config)} if config else {}),
            **({"rollout": plan} if plan else {}),
            **spec,
        },
    }


def training_of(tag: str) -> tuple[dict[str, str], int]:
    """Feature snapshot and seed of the release a tag names; those of v1 for an unknown tag."""
    release = RELEASES / f"{tag.partition('-')[0]}.toml"
    return _training(release if release.exists() else RELEASES / "v1.toml")


@cache
def _training(release: Path) -> tuple[dict[str, str], int]:
    settings = tomllib.loads(release.read_text(encoding="utf-8"))
    snapshot = settings["snapshot"]
    return {"id": str(snapshot["id"]), "sha256": str(snapshot["sha256"])}, int(settings["seed"])


def status(name: str, namespace: str) -> Object:
    """The status, empty while there is none."""
    return _status(get(RESOURCE, name, namespace) or {})


def condition(md: Object, type_: str) -> Object | None:
    """One condition of a ModelDeployment (or of a status)."""
    conditions = (md.get("status") or md).get("conditions", [])
    return next((c for c in conditions if c["type"] == type_), None)


def revision_of(name: str, namespace: str, tag: str) -> str | None:
    """The newest revision of a tag, by its record."""
    selector = f"{GROUP}/model={name},app.kubernetes.io/version={tag}"
    records = items("controllerrevisions", namespace, selector)
    newest = max(records, key=lambda r: str(r["metadata"]["creationTimestamp"]), default=None)
    return str(newest["metadata"]["labels"][f"{GROUP}/revision"]) if newest else None


def wait_stable(name: str, namespace: str, tag: str, timeout: float) -> Object:
    """The ModelDeployment once the tag serves and there is no candidate."""

    def serves(status: Object) -> bool:
        return _tag(status, "stable") == tag and "candidate" not in status

    return wait_status(name, namespace, serves, timeout=timeout, what=f"{tag} to serve")


def wait_candidate_stage(  # noqa: PLR0913  (all but three have a default)
    name: str,
    namespace: str,
    stage: str,
    *,
    tag: str | None = None,
    step: int | None = None,
    timeout: float = 120,
) -> Object:
    """The ModelDeployment once its candidate is at a stage (and tag, and step)."""

    def there(status: Object) -> bool:
        candidate = status.get("candidate") or {}
        return (
            candidate.get("stage") == stage
            and tag in {None, candidate.get("tag")}
            and step in {None, candidate.get("step")}
        )

    what = f"a candidate {tag or ''} at {stage} {step or ''}"
    return wait_status(name, namespace, there, timeout=timeout, what=what)


def wait_rejected(name: str, namespace: str, tag: str, timeout: float) -> Object:
    """The rejection of a tag, from the status."""
    md = wait_status(
        name,
        namespace,
        lambda status: rejection(status, tag) is not None,
        timeout=timeout,
        what=f"{tag} to be rolled back",
    )
    return rejection(md, tag) or {}


def rejection(md: Object, tag: str) -> Object | None:
    """Why a tag was rolled back, in a ModelDeployment (or a status)."""
    rejected = (md.get("status") or md).get("rejected", [])
    return next((r for r in rejected if r["tag"] == tag), None)


def wait_status(
    name: str,
    namespace: str,
    holds: Callable[[Object], bool],
    *,
    timeout: float,
    what: str,
) -> Object:
    """The ModelDeployment once its status meets a condition."""
    latest: Object = {}

    def current() -> Object | None:
        latest.clear()
        latest.update(get(RESOURCE, name, namespace) or {})
        return dict(latest) if holds(_status(latest)) else None

    return wait_until(
        current,
        timeout=timeout,
        what=f"{namespace}/{name}: {what}",
        state=lambda: describe(latest),
    )


def describe(md: Object) -> str:
    """The state of a ModelDeployment in one line."""
    status = _status(md)
    ready = condition(status, "Ready") or {}
    candidate = status.get("candidate") or {}
    return (
        f"stable {_tag(status, 'stable')}, candidate {_tag(status, 'candidate')} "
        f"{candidate.get('stage', '')} step {candidate.get('step', '-')}, "
        f"rejected {[r['tag'] for r in status.get('rejected', [])]}, "
        f"Ready={ready.get('status')} {ready.get('reason')}: {ready.get('message')}"
    )


def annotate(name: str, namespace: str, command: str, value: str) -> None:
    """Give a command (promote, advance, abort, retry) as a user would."""
    annotation = f"{GROUP}/{command}={value}"
    kubectl("annotate", "--overwrite", f"{RESOURCE}/{name}", annotation, "-n", namespace)


def events(name: str, namespace: str) -> list[Event]:
    """The operator's Events about a ModelDeployment, oldest first."""
    chosen = f"involvedObject.kind=ModelDeployment,involvedObject.name={name}"
    listed = kubectl("get", "events", "-n", namespace, "--field-selector", chosen, "-o", "json")
    return read_events(listed)


def read_events(listed: str) -> list[Event]:
    """Events from kubectl's list (JSON), oldest first."""
    written = sorted(json.loads(listed)["items"], key=_written)
    return sorted((_event(item) for item in written), key=lambda event: event.at)


def _event(item: Object) -> Event:
    return Event(
        _event_time(item), str(item["reason"]), str(item.get("message", "")), str(item["type"])
    )


def _written(item: Object) -> int:
    """Order of writing, for Events of the same moment."""
    return int(item["metadata"].get("resourceVersion", 0))


def _event_time(item: Object) -> float:
    """Events carry whole seconds; the operator's carry microseconds in their name as well."""
    last = str(item["metadata"]["name"]).rpartition(".")[2]
    stamp = item.get("firstTimestamp") or item.get("eventTime")
    if stamp is None:
        return 0.0
    written = datetime.fromisoformat(str(stamp)).timestamp()
    try:
        exact = int(last, 16) / 1e6
    except ValueError:
        return written
    return exact if abs(exact - written) < 5 else written


def _status(md: Object) -> Object:
    status: Object = md.get("status") or {}
    return status


def _tag(status: Object, part: str) -> str | None:
    revision = status.get(part) or {}
    tag: str | None = revision.get("tag")
    return tag
