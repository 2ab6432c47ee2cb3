"""A past canary from Prometheus: one query for the raw samples of the pods of both revisions."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from davylamp.adapters.errors import SourceError, TooMuch
from davylamp.adapters.pod_names import DeploymentRef
from davylamp.adapters.prometheus.connection.back_end import BackEnd
from davylamp.adapters.prometheus.connection.environment import PROMETHEUS, back_end_from
from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.series import SETTINGS, SeriesNames
from davylamp.adapters.prometheus.source import PrometheusSource
from davylamp.api.identity import Owner
from davylamp.cli.errors import UsageError
from davylamp.cli.replay.measurements import Pods, error_channel
from davylamp.gates import Channel, Sample, Scrapes

DEADLINE: Final = 60.0
"""Seconds to wait for the answer; a long window of many pods takes a while."""
ANSWER_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of the answer; higher than the operator's, which runs with a memory limit."""


@dataclass(frozen=True, slots=True)
class SampleWindow:
    """Which samples to read: those of two Deployments, from `since` to `until` (epoch seconds)."""

    candidate: DeploymentRef
    stable: DeploymentRef
    since: float
    until: float


def window_of(options: argparse.Namespace) -> SampleWindow:
    """The window that the options describe.

    Raises:
        UsageError: a time is not valid, or the window is empty.
    """
    owner = Owner(options.name, options.namespace, uid="")
    since, until = _moment("--from", options.since), _moment("--until", options.until)
    if since >= until:
        raise UsageError("--from must be before --until")
    return SampleWindow(
        (owner.namespace, owner.child(options.candidate)),
        (owner.namespace, owner.child(options.stable)),
        since,
        until,
    )


def read_prometheus(url: str, window: SampleWindow) -> Mapping[Channel, Scrapes]:
    """The samples of requests and errors; series names come from the operator's variables.

    Raises:
        UsageError: Prometheus does not answer, or has no samples of a revision.
    """
    try:
        query = CounterQuery(
            workloads=frozenset({window.candidate, window.stable}),
            at=window.until,
            window=window.until - window.since,
            series=_series_names(),
        )
        back_end = replace(back_end_from(os.environ, PROMETHEUS, url=url), url=url)
        answer = asyncio.run(_scrapes(back_end, query))
    except TooMuch as error:
        advice = "choose a shorter time with --from and --until"
        raise UsageError(f"--prometheus {url}: {error}: {advice}") from error
    except (SourceError, ValueError) as error:
        raise UsageError(f"--prometheus {url}: {error}") from error
    candidate = _of_workload(query, answer, window.candidate)
    return error_channel(candidate, _of_workload(query, answer, window.stable))


async def _scrapes(
    back_end: BackEnd, query: CounterQuery
) -> Mapping[tuple[str, str], tuple[Sample, ...]]:
    source = PrometheusSource(back_end, deadline=DEADLINE, answer_limit=ANSWER_LIMIT)
    try:
        return await source.scrapes(query)
    finally:
        source.close()


def _of_workload(
    query: CounterQuery,
    answer: Mapping[tuple[str, str], tuple[Sample, ...]],
    workload: DeploymentRef,
) -> Pods:
    pods = {key[1]: samples for key, samples in answer.items() if query.owner(*key) == workload}
    if not pods:
        namespace, name = workload
        raise UsageError(f"Prometheus has no samples of pods of {namespace}/{name}: {query.text}")
    return pods


def _series_names() -> SeriesNames:
    """Series names from the operator's environment variables, and their defaults."""
    texts = {name: os.environ.get(f"DAVYLAMP_{name.upper()}") for name in SETTINGS}
    return SeriesNames(**{name: text.strip() for name, text in texts.items() if text is not None})


def _moment(option: str, text: str) -> float:
    """A time on the command line, in epoch seconds; without a zone it is UTC."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: write epoch seconds or 2026-11-01T12:00:00Z") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
