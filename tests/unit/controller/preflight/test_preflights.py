"""The back end is examined at the start, again while it has a problem, and when it comes back."""

import asyncio
import contextlib
import logging
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from davylamp.adapters.prometheus.connection.preflight import Preflight
from davylamp.controller.preflight.preflights import Preflights
from davylamp.controller.preflight.source_metrics import SourceMetrics

WELL = Preflight(kind="Prometheus", version="3.5.0", newest=2.0)
ILL = Preflight(problems=("HTTP 401",))


class BackEnds:
    """Gives one finding after another, the last again and again."""

    def __init__(self, *findings):
        self._findings = list(findings)
        self.examined = 0

    def __call__(self):
        self.examined += 1
        finding = self._findings.pop(0) if len(self._findings) > 1 else self._findings[0]
        if isinstance(finding, Exception):
            raise finding
        return finding


@contextlib.asynccontextmanager
async def running(back_ends, *, again=0.01):
    found: list[Preflight] = []
    preflights = Preflights(back_ends, on_found=found.append, again=again)
    task = asyncio.create_task(preflights.run())
    try:
        yield preflights, found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (nothing there could set an event)
            await asyncio.sleep(0.001)


async def test_one_that_is_well_is_examined_once_and_left_alone(caplog):
    caplog.set_level(logging.INFO)
    back_ends = BackEnds(WELL)
    async with running(back_ends) as (preflights, found):
        await until(lambda: found)
        preflights.on_query("ok")
        await asyncio.sleep(0.05)
    assert found == [WELL]
    assert preflights.text == "Prometheus 3.5.0, newest sample 2 s old"
    assert [record.levelname for record in caplog.records] == ["INFO"]


async def test_a_problem_is_told_once_and_looked_at_until_it_is_gone(caplog):
    caplog.set_level(logging.INFO)
    back_ends = BackEnds(ILL, ILL, ILL, WELL)
    async with running(back_ends) as (_, found):
        await until(lambda: WELL in found)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "HTTP 401" in caplog.text


async def test_one_that_comes_back_is_examined_anew():
    back_ends = BackEnds(WELL)
    async with running(back_ends) as (preflights, found):
        await until(lambda: len(found) == 1)
        for result in ("ok", "SourceDown", "SourceDown", "ok", "ok"):
            preflights.on_query(result)
        await until(lambda: len(found) == 2)
    assert back_ends.examined == 2


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("no files left")])
async def test_a_bug_in_it_ends_nothing(error):
    async with running(BackEnds(error)) as (preflights, found):
        await asyncio.sleep(0.05)
        assert preflights.text == "not examined yet"
    assert found == []


def test_what_was_found_is_shown_in_the_metrics():
    registry = CollectorRegistry()
    metrics = SourceMetrics(registry)
    metrics.show(ILL)
    assert registry.get_sample_value("davylamp_source_problems") == 1
    metrics.show(replace(WELL, skew=0.5))
    value = registry.get_sample_value
    assert value("davylamp_source_info", {"kind": "Prometheus", "version": "3.5.0"}) == 1
    assert value("davylamp_source_problems") == 0
    assert value("davylamp_source_clock_skew_seconds") == 0.5
    assert value("davylamp_source_newest_sample_age_seconds") == 2.0
