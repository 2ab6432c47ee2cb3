"""What a pod of a model has whatever its overlay says: put back, or refused where it is taken away.

Routing and measuring depend on our labels, the Services on the port called `http`, and the model
on its environment. Nothing of that may vanish without a word.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from davylamp.api import names
from davylamp.api.child_metadata import PREFIXES, RESERVED
from davylamp.api.identity import PORT_NAME
from davylamp.manifests.overlay.refused import ROOT, below, named, refuse
from davylamp.schema.json import Json, JsonObject, entries, field, section, text

CONTAINERS: Final = f"{ROOT}.spec.containers"
MODEL: Final = named(CONTAINERS, names.CONTAINER)
PORT_VARIABLE: Final = "PORT"
RESERVED_PREFIX: Final = "DAVYLAMP_"


@dataclass(frozen=True)
class Essentials:
    """What an overlay does not change."""

    labels: JsonObject
    environment: JsonObject
    """The source of PORT, DAVYLAMP_* and `spec.config`, an item of `envFrom`."""
    config: Collection[str]
    """Names of the variables of `spec.config`."""


def upheld(template: JsonObject, essentials: Essentials) -> JsonObject:
    """A merged template with the essentials.

    Raises:
        TemplateRefused: with the path of what the overlay took away.
    """
    pod = section(template, "spec")
    for list_name in ("containers", "initContainers"):
        _check_images(pod, list_name)
    containers = [
        _with_environment(container, essentials)
        if text(container, "name") == names.CONTAINER
        else container
        for container in entries(pod, "containers")
    ]
    if not any(text(container, "name") == names.CONTAINER for container in containers):
        refuse(CONTAINERS, "the container called model is gone: it is what is served")
    _check_reserved(section(template, "metadata"), essentials.labels)
    labels = {**section(template, "metadata", "labels"), **essentials.labels}
    kept: list[Json] = [*containers]
    return {
        **template,
        "metadata": {**section(template, "metadata"), "labels": labels},
        "spec": {**pod, "containers": kept},
    }


def _check_reserved(metadata: JsonObject, ours: JsonObject) -> None:
    """Labels and annotations by which controllers, ours among them, know what is theirs."""
    for key in section(metadata, "labels").keys() - ours.keys():
        if key in RESERVED or key.startswith(PREFIXES):
            refuse(below(f"{ROOT}.metadata.labels", key), "is reserved: use a label of your own")
    for key in section(metadata, "annotations"):
        if key.startswith(f"{names.GROUP}/"):
            path = below(f"{ROOT}.metadata.annotations", key)
            refuse(path, "is reserved: use an annotation of your own")


def _check_images(pod: JsonObject, list_name: str) -> None:
    """A container of one's own needs an image; mostly it is the model's under a wrong name."""
    for container in entries(pod, list_name):
        if not text(container, "image"):
            place = named(f"{ROOT}.spec.{list_name}", text(container, "name"))
            refuse(
                f"{place}.image",
                "is missing: the model's container is called model, and any other needs an image",
            )


def _with_environment(model: JsonObject, essentials: Essentials) -> JsonObject:
    _check_port(model)
    _check_variables(model, essentials.config)
    # of equal names the last source counts: what the spec says is not for a Secret to change
    others = [s for s in entries(model, "envFrom") if s != essentials.environment]
    last = [s for n, s in enumerate(others) if s not in others[n + 1 :]]
    return {**model, "envFrom": [*last, essentials.environment]}


def _check_port(model: JsonObject) -> None:
    ports = entries(model, "ports")
    served = [port for port in ports if text(port, "name") == PORT_NAME]
    if len(served) > 1:
        refuse(f"{MODEL}.ports", f"more than one port is called {PORT_NAME}")
    if not served or field(served[0], "protocol") not in {None, "TCP"}:
        refuse(
            f"{MODEL}.ports",
            f"no TCP port is called {PORT_NAME}: Services, probes and checks find the model by it",
        )


def _check_variables(model: JsonObject, config: Collection[str]) -> None:
    for variable in entries(model, "env"):
        name = text(variable, "name")
        place = named(f"{MODEL}.env", name)
        if name == PORT_VARIABLE:
            refuse(place, "is set by Davylamp: change spec.serving.port instead")
        if name.startswith(RESERVED_PREFIX):
            refuse(place, f"{RESERVED_PREFIX} is reserved for variables that Davylamp sets")
        if name in config:
            refuse(place, f"is set in spec.config.{name} too: leave one of them out")
