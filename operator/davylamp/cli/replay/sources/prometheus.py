"""A past canary from Prometheus: one query for the raw samples of both revisions' pods."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

from davylamp.adapters.errors import SourceError, TooMuch
from davylamp.adapters.pod_names import DeploymentRef
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.source import PrometheusSource
from davylamp.api.identity import Owner
from davylamp.cli.errors import UsageError
from davylamp.cli.replay.input import of_counters
from davylamp.cli.replay.sources.counters import Pods
from davylamp.gates import Channel, Sample, Scrapes

DEADLINE: Final = 60.0
"""Seconds for the answer; a long window of many pods takes its time."""
ANSWER_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of the answer: there is one, and a command has no limit of memory as the operator has."""
TOKEN_FILE: Final = "DAVYLAMP_PROMETHEUS_BEARER_TOKEN_FILE"  # noqa: S105
CA_FILE: Final = "DAVYLAMP_PROMETHEUS_CA_FILE"


@dataclass(frozen=True, slots=True)
class Address:
    """Where Prometheus is, and how to be let in."""

    url: str
    bearer_token_file: str | None = None
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Whose samples are wanted: two Deployments, and from when to when in epoch seconds."""

    candidate: DeploymentRef
    stable: DeploymentRef
    since: float
    until: float


def wanted(options: argparse.Namespace) -> Window:
    """What the options ask for.

    Raises:
        UsageError: a time is none, or the window is empty.
    """
    owner = Owner(options.name, options.namespace, uid="")
    since, until = _moment("--from", options.since), _moment("--until", options.until)
    if since >= until:
        raise UsageError("--from must be before --until")
    return Window(
        (owner.namespace, owner.child(options.candidate)),
        (owner.namespace, owner.child(options.stable)),
        since,
        until,
    )


def asked(url: str, window: Window) -> Mapping[Channel, Scrapes]:
    """The samples of requests and errors; names of series come from the operator's variables.

    Raises:
        UsageError: Prometheus cannot be asked, or has no samples of a revision.
    """
    try:
        query = CounterQuery(
            workloads=frozenset({window.candidate, window.stable}),
            at=window.until,
            window=window.until - window.since,
            series=_series_names(),
        )
        address = Address(url, os.environ.get(TOKEN_FILE), os.environ.get(CA_FILE))
        answer = asyncio.run(_scrapes(address, query))
    except TooMuch as wrong:
        advice = "choose a shorter time with --from and --until"
        raise UsageError(f"--prometheus {url}: {wrong}: {advice}") from wrong
    except (SourceError, ValueError) as wrong:
        raise UsageError(f"--prometheus {url}: {wrong}") from wrong
    candidate, stable = (
        _of_workload(query, answer, each) for each in (window.candidate, window.stable)
    )
    return of_counters(candidate, stable)


async def _scrapes(
    address: Address, query: CounterQuery
) -> Mapping[tuple[str, str], tuple[Sample, ...]]:
    source = PrometheusSource(address, deadline=DEADLINE, answer_limit=ANSWER_LIMIT)
    try:
        return await source.scrapes(query)
    finally:
        source.close()


def _of_workload(
    query: CounterQuery,
    answer: Mapping[tuple[str, str], tuple[Sample, ...]],
    workload: DeploymentRef,
) -> Pods:
    found = {key[1]: samples for key, samples in answer.items() if query.owner(*key) == workload}
    if not found:
        namespace, name = workload
        raise UsageError(f"Prometheus has no samples of pods of {namespace}/{name}: {query.text}")
    return found


def _series_names() -> SeriesNames:
    """Names of series as the operator's environment variables tell them."""
    told = {
        field.name: os.environ.get(f"DAVYLAMP_{field.name.upper()}")
        for field in fields(SeriesNames)
    }
    return SeriesNames(**{name: text.strip() for name, text in told.items() if text is not None})


def _moment(option: str, text: str) -> float:
    """Epoch seconds of a moment."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"{option} {text}: write epoch seconds or 2026-11-01T12:00:00Z") from wrong
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
