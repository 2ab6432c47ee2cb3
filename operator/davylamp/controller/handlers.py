"""kopf's part: watches, and nothing else. An event means only "reconcile this object again".

Low-level handlers put no finalizer and no annotation on users' objects (decision 0001).
"""

import logging
import os
from collections.abc import Callable
from typing import Any, Final, cast

import kopf

from davylamp.api import names
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.schema.json import JsonObject

WATCHED_CHILDREN: Final = (
    ("apps", "v1", "controllerrevisions"),
    ("apps", "v1", "deployments"),
    ("", "v1", "configmaps"),
    ("", "v1", "services"),
    ("", "v1", "pods"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("batch", "v1", "cronjobs"),
    ("batch", "v1", "jobs"),
)


def registry(cache: ObjectCache, on_change: Callable[[Key], None]) -> kopf.OperatorRegistry:
    """The watches that keep the cache current."""
    watches = kopf.OperatorRegistry()

    async def changed(event: kopf.RawEvent, **_: Any) -> None:
        item = cast("JsonObject", dict(event["object"]))
        gone = event["type"] == "DELETED"
        key = cache.remove(item) if gone else cache.put(item)
        if key is not None:
            on_change(key)

    kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=watches)(changed)
    for group, version, plural in WATCHED_CHILDREN:
        kopf.on.event(group, version, plural, registry=watches)(changed)
    kopf.on.login(registry=watches)(_login)
    return watches


def watch_settings() -> kopf.OperatorSettings:
    """Narrow server-side watches, no scanning, no Events of kopf's own."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 660
    settings.networking.request_timeout = 30
    ours = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
    for group, version, plural in WATCHED_CHILDREN:
        resource = f"{plural}.{version}.{group}" if group else f"{plural}.{version}"
        settings.watching.label_selectors[resource] = ours
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return settings


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return kopf.login_with_service_account(**kwargs)
    return kopf.login_with_kubeconfig(**kwargs)
