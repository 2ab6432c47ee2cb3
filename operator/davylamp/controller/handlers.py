"""kopf's part: it watches ModelDeployments. An event means only "reconcile this object again".

Low-level handlers put no finalizer and no annotation on users' objects (decision 0001). Children are
many more, and are watched by `controller/watches` (decision 0033).
"""

import logging
import os
from collections.abc import Callable
from typing import Any, cast

import kopf

from davylamp.api import names
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.schema.json import JsonObject


def registry(cache: ObjectCache, on_change: Callable[[Key], None]) -> kopf.OperatorRegistry:
    """The watch of ModelDeployments."""
    watches = kopf.OperatorRegistry()

    async def changed(event: kopf.RawEvent, **_: Any) -> None:
        item = cast("JsonObject", dict(event["object"]))
        gone = event["type"] == "DELETED"
        key = cache.remove(item) if gone else cache.put(item)
        if key is not None:
            on_change(key)

    kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=watches)(changed)
    kopf.on.login(registry=watches)(_login)
    return watches


def watch_settings() -> kopf.OperatorSettings:
    """No scanning, no Events of kopf's own."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 660
    settings.networking.request_timeout = 30
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return settings


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return kopf.login_with_service_account(**kwargs)
    return kopf.login_with_kubeconfig(**kwargs)
