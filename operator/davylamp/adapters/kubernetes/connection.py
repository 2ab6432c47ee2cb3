"""How the API server is found and how we authenticate: service account or kubeconfig."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import (
    ConfigException,
    load_incluster_config,
    load_kube_config,
    refresh_token,
)
from kubernetes.aio.config.kube_config import KubeConfigLoader

_REFRESH_SECONDS: Final = 60
_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def connect(*, context: str | None = None) -> AsyncIterator[ApiClient]:
    """Client of the API server.

    Inside a pod it uses the mounted service account and reads its token again every minute, as the
    kubelet rotates it. Outside it uses the kubeconfig and runs its credential plug-in every minute.

    Args:
        context: kubeconfig context; if given, the kubeconfig is used even inside a pod.

    Raises:
        ConfigException: neither exists, or it cannot be read.
    """
    configuration = Configuration()
    configuration.connection_pool_maxsize = 0  # watches keep theirs, and must not starve writes
    refresher: asyncio.Task[None] | None = None
    if context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        loader = await load_kube_config(  # type: ignore[no-untyped-call]
            context=context, client_configuration=configuration
        )
        refresher = asyncio.create_task(_keep_fresh(loader, configuration))
    configuration.proxy = configuration.proxy or _proxy(configuration.host)
    configuration.client_session_kwargs = {"trust_env": False}
    client = ApiClient(configuration)
    client.user_agent = "davylamp"
    try:
        yield client
    finally:
        if refresher is not None:
            refresher.cancel()
        await client.close()  # type: ignore[no-untyped-call]


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address, found once.

    aiohttp would look it up again for every request, and a password in ~/.netrc besides, each in
    another thread.
    """
    address = urlsplit(url)
    if not address.hostname or proxy_bypass(address.hostname):
        return None
    return getproxies().get(address.scheme)


async def _keep_fresh(loader: KubeConfigLoader, configuration: Configuration) -> None:
    """Run the kubeconfig's credential plug-in periodically; ends at once if there is none."""
    while True:
        try:
            await refresh_token(  # type: ignore[no-untyped-call]
                loader, configuration, interval=_REFRESH_SECONDS
            )
        except (ConfigException, OSError, ValueError) as error:
            _log.warning("credential plug-in failed (%s), trying again", type(error).__name__)
        else:
            return
