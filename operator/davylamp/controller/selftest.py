"""`helm test`: is the operator ready, are ModelDeployments accepted, and is each looked after?"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import aiohttp

from davylamp.adapters.errors import Forbidden, OperatorError
from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect
from davylamp.api import names
from davylamp.schema.json import JsonObject, integer, text
from davylamp.schema.text import one_line

PATIENCE: Final = 60.0
"""Seconds that the whole check may take."""
CATCH_UP: Final = 20.0
"""Seconds in which an operator looks at what was changed just now."""


LONGEST_LINE: Final = 2000


class Listing(Protocol):
    """What lists objects."""

    async def list(
        self, kind: str, namespace: str | None, *, labels: Mapping[str, str]
    ) -> list[JsonObject]:
        """Objects with all these labels, in one namespace or (None) in all."""


def selftest() -> int:
    """Check the operator at `DAVYLAMP_SELFTEST_URL`, a dry-run create, and what it should look after.

    Returns 0 when all is well.
    """
    url = os.environ.get("DAVYLAMP_SELFTEST_URL", "http://davylamp:8080/readyz")
    namespace = os.environ.get("DAVYLAMP_SELFTEST_NAMESPACE", "default")
    watched = tuple(filter(None, os.environ.get("DAVYLAMP_NAMESPACES", "").split(",")))
    try:
        waiting = asyncio.run(_check(url, namespace, watched))
    except (OperatorError, TimeoutError, aiohttp.ClientError) as error:
        sys.stderr.write(f"selftest failed: {type(error).__name__} {error}\n")
        return 1
    if waiting:
        sys.stderr.write(f"selftest failed: no operator looks after {', '.join(waiting)}\n")
        return 1
    sys.stdout.write("the operator is ready, and ModelDeployments are accepted and looked after\n")
    return 0


async def _check(url: str, namespace: str, watched: Sequence[str]) -> list[str]:
    """What nobody looks after, once the rest was found to be well."""
    async with asyncio.timeout(PATIENCE):
        while not await _ready(url):  # noqa: ASYNC110  (nothing here could set an event)
            await asyncio.sleep(1)
    sys.stdout.write(f"Prometheus: {await source_of(url)}\n")
    async with connect() as client:
        cluster = KubernetesCluster(client, write_guard=lambda: None)
        await cluster.would_create(_example(namespace))
        return await not_looked_after(cluster, watched, within=CATCH_UP)


async def not_looked_after(
    cluster: Listing, namespaces: Sequence[str], *, within: float
) -> list[str]:
    """ModelDeployments whose newest spec no operator has looked at, after some seconds for that.

    Args:
        cluster: lists them.
        namespaces: where; all if empty.
        within: seconds.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + within
    while True:
        waiting: list[str] = []
        for namespace in namespaces or (None,):
            try:
                items = await cluster.list(names.KIND, namespace, labels={})
            except Forbidden:
                continue  # roles are made by somebody else, who need not know of this check
            waiting += [_named(item) for item in items if not _is_looked_after(item)]
        if not waiting or clock() >= end:
            return waiting
        await asyncio.sleep(1)


async def source_of(url: str) -> str:
    """What the operator found out about Prometheus, as one line; that alone fails no test.

    Args:
        url: of the operator's `/readyz`.
    """
    try:
        patience = aiohttp.ClientTimeout(total=5)
        address = url.removesuffix("/readyz") + "/sourcez"
        async with aiohttp.ClientSession(timeout=patience) as http, http.get(address) as answer:
            return one_line(await answer.text(), limit=LONGEST_LINE)
    except (TimeoutError, aiohttp.ClientError, ValueError):
        return "the operator does not say what it found out about it"


def _named(item: JsonObject) -> str:
    return f"{text(item, 'metadata', 'namespace')}/{text(item, 'metadata', 'name')}"


def _is_looked_after(item: JsonObject) -> bool:
    observed = integer(item, "status", "observedGeneration")
    return observed >= integer(item, "metadata", "generation")


async def _ready(url: str) -> bool:
    try:
        patience = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=patience) as http, http.get(url) as answer:
            return answer.status == 200
    except (TimeoutError, aiohttp.ClientError):
        return False


def _example(namespace: str) -> JsonObject:
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": "selftest", "namespace": namespace},
        "spec": {
            "image": {"repository": "registry.example/model", "tag": "0000000"},
            "featureSnapshot": {"id": "none"},
            "seed": 0,
        },
    }
