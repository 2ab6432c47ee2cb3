"""Where the evidence comes from: Prometheus, asked with a deadline and believed with care."""

import asyncio
import functools
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeAlias
from urllib.parse import urlsplit

import requests
from prometheus_api_client import PrometheusConnect
from urllib3.util import Retry

from davylamp.adapters.errors import SourceError, SourceFault
from davylamp.adapters.prometheus_session import PrometheusSession
from davylamp.adapters.promql import CounterQuery
from davylamp.adapters.scrapes import PodKey, read_scrapes
from davylamp.gates.samples import Sample

__all__ = ["CounterQuery", "MetricSource", "PrometheusSource", "SourceSettings"]

CONNECT_TIMEOUT: Final = 2.0
READ_TIMEOUT: Final = 5.0
OnQuery: TypeAlias = Callable[[str, float], None]
"""Told of every query: "ok" or the fault, and seconds."""


class MetricSource(Protocol):
    """Whoever can tell the raw request counters of pods."""

    async def scrapes(self, query: CounterQuery) -> Mapping[PodKey, tuple[Sample, ...]]:
        """Samples of each pod within the window, in order of time; no pod without a sample.

        Raises:
            SourceError: nothing was learnt, and why.
        """


class SourceSettings(Protocol):
    """Where Prometheus is; from the operator's settings, never from what users write."""

    @property
    def url(self) -> str:
        """http(s) address, with a path prefix if there is one."""

    @property
    def bearer_token_file(self) -> str | None:
        """File with a bearer token, read for each request as such tokens rotate."""

    @property
    def ca_file(self) -> str | None:
        """Certificates to trust instead of the system's."""


class PrometheusSource:
    """`MetricSource` on Prometheus or on what speaks its HTTP API.

    One query at a time is expected; a second thread is there for the one after a query that
    ran into its deadline and is still dying.

    Args:
        settings: where Prometheus is.
        deadline: seconds for one answer as a whole.
        on_query: told of every query, for metrics.

    Raises:
        ValueError: the URL is not plain http(s), or carries credentials.
    """

    def __init__(
        self,
        settings: SourceSettings,
        *,
        deadline: float = 8.0,
        on_query: OnQuery = lambda _result, _seconds: None,
    ) -> None:
        self._deadline = deadline
        self._on_query = on_query
        self._client = PrometheusConnect(
            url=_checked(settings.url),
            session=PrometheusSession(
                token_file=settings.bearer_token_file,
                ca_file=settings.ca_file,
                deadline=deadline,
            ),
            retry=Retry(0),
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            method="POST",
        )
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="prometheus")

    async def scrapes(self, query: CounterQuery) -> Mapping[PodKey, tuple[Sample, ...]]:
        """See `MetricSource.scrapes`; asks nothing when no workload is meant."""
        if not query.workloads:
            return {}
        started = time.monotonic()
        try:
            found = read_scrapes(query, await self._ask(query))
        except SourceError as error:
            self._on_query(error.fault.value, time.monotonic() - started)
            raise
        self._on_query("ok", time.monotonic() - started)
        return found

    async def _ask(self, query: CounterQuery) -> object:
        """`data.result` of the answer, whatever it is."""
        ask = functools.partial(self._client.custom_query, query.text, {"time": f"{query.at:.3f}"})
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline):
                return await loop.run_in_executor(self._threads, ask)
        except (requests.JSONDecodeError, KeyError, TypeError) as error:
            message = "Prometheus: the answer is no result of a query"
            raise SourceError(SourceFault.BAD_ANSWER, message) from error
        except (requests.Timeout, TimeoutError) as error:
            message = f"Prometheus: no answer within {self._deadline:g} s"
            raise SourceError(SourceFault.DOWN, message) from error
        except (requests.RequestException, OSError, ValueError) as error:
            message = f"Prometheus: cannot be asked: {type(error).__name__}"
            raise SourceError(SourceFault.DOWN, message) from error

    def close(self) -> None:
        """Give connections and threads back."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the address of Prometheus is no http(s) URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address of Prometheus carries credentials: use a token file")
    if parts.query or parts.fragment:
        raise ValueError("the address of Prometheus has a query or a fragment")
    return url.rstrip("/")
