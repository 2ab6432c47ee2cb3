"""`helm test`: is the operator ready, and does the API server accept a ModelDeployment?"""

import asyncio
import os
import sys
from typing import Final

import aiohttp

from davylamp.adapters.errors import OperatorError
from davylamp.adapters.kubernetes.cluster import KubernetesCluster
from davylamp.adapters.kubernetes.connection import connect
from davylamp.api import names
from davylamp.schema.json import JsonObject

PATIENCE: Final = 60.0
"""Seconds that the whole check may take."""


def selftest() -> int:
    """Check the operator at `DAVYLAMP_SELFTEST_URL` and a dry-run create; 0 when both work."""
    url = os.environ.get("DAVYLAMP_SELFTEST_URL", "http://davylamp:8080/readyz")
    namespace = os.environ.get("DAVYLAMP_SELFTEST_NAMESPACE", "default")
    try:
        asyncio.run(_check(url, namespace))
    except (OperatorError, TimeoutError, aiohttp.ClientError) as error:
        sys.stderr.write(f"selftest failed: {type(error).__name__} {error}\n")
        return 1
    sys.stdout.write("the operator is ready and ModelDeployments are accepted\n")
    return 0


async def _check(url: str, namespace: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await _ready(url):  # noqa: ASYNC110  (nothing here could set an event)
            await asyncio.sleep(1)
    async with connect() as client:
        cluster = KubernetesCluster(client, write_guard=lambda: None)
        await cluster.would_create(_example(namespace))


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
