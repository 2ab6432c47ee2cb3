"""kopf's part: it watches ModelDeployments. An event means only "reconcile this object again".

Low-level handlers put no finalizer and no annotation on users' objects (decision 0001). Children are
many more, and are watched by `controller/watches` (decision 0033). What tenants write does not reach
kopf: its session tells it names and versions, and hands the objects to the cache (decision 0034).
"""

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, cast

import aiohttp
import kopf

from davylamp.adapters.kubernetes.filtering import ObjectFilter
from davylamp.adapters.kubernetes.resources import resource_of
from davylamp.api import names
from davylamp.controller.cluster.cache import Key, ObjectCache
from davylamp.controller.cluster.objects import metadata
from davylamp.schema.json import JsonObject

CHUNK: Final = 50
"""Objects in one answer to kopf: with a megabyte of brackets in each it is read within seconds."""


@contextlib.asynccontextmanager
async def registry(
    cache: ObjectCache,
    on_change: Callable[[Key], None],
    on_passed_over: Callable[[str], None] = lambda _kind: None,
) -> AsyncIterator[kopf.OperatorRegistry]:
    """The watch of ModelDeployments; its connections are closed at the end.

    Args:
        cache: learns of each of them.
        on_change: called with each that changed.
        on_passed_over: called with the kind of an object that not even a name was found of.
    """
    watches = kopf.OperatorRegistry()

    def take_in(change: str, item: JsonObject) -> bool:
        key = cache.remove(item) if change == "DELETED" else cache.put(item)
        return key is not None

    async def changed(event: kopf.RawEvent, **_: Any) -> None:
        item = cast("JsonObject", event["object"])
        on_change(Key(metadata(item, "namespace"), metadata(item, "name")))

    models = resource_of(names.KIND)
    sessions = _Sessions(ObjectFilter(models, on_item=take_in, on_passed_over=on_passed_over))

    async def login(**kwargs: Any) -> kopf.AiohttpSession | None:
        return sessions.session(_credentials(**kwargs))

    kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=watches)(changed)
    kopf.on.login(registry=watches)(login)
    try:
        yield watches
    finally:
        await sessions.aclose()


def watch_settings() -> kopf.OperatorSettings:
    """No scanning, no Events of kopf's own."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 660
    settings.watching.chunk_size = CHUNK
    settings.watching.reconnect_backoff = 1.0
    settings.networking.request_timeout = 60
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return settings


class _Sessions:
    """Sessions for kopf whose answers pass through a filter."""

    def __init__(self, objects: ObjectFilter) -> None:
        self._objects = objects
        self._known: tuple[kopf.ConnectionInfo, kopf.AiohttpSession] | None = None

    def session(self, info: kopf.ConnectionInfo | None) -> kopf.AiohttpSession | None:
        """A session; the same one for the same credentials, so that kopf knows refused ones."""
        if info is None:
            return None
        if self._known is None or self._known[0] != info:
            self._known = info, self._begun(info)
        return self._known[1]

    async def aclose(self) -> None:
        """Close the connections; kopf does not where it is cancelled."""
        if self._known is not None:
            await self._known[1].aiohttp_session.close()

    def _begun(self, info: kopf.ConnectionInfo) -> kopf.AiohttpSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
            headers=info.as_http_headers(),
            proxy=info.proxy_url,
            trust_env=info.trust_env,
            middlewares=(self._objects,),
        )
        return kopf.AiohttpSession(
            aiohttp_session=session,
            server=info.server,
            default_namespace=info.default_namespace,
            priority=info.priority,
            expiration=info.expiration,
        )


def _credentials(**kwargs: Any) -> kopf.ConnectionInfo | None:
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return kopf.login_with_service_account(**kwargs)
    return kopf.login_with_kubeconfig(**kwargs)
