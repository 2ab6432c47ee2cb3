"""HTTP endpoints of the operator process: liveness, readiness, its own metrics."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

STUCK_AFTER: Final = 300.0
"""Seconds after which an unfinished key means that this process hangs."""


@contextlib.asynccontextmanager
async def serving(app: web.Application, port: int) -> AsyncIterator[None]:
    """An application on all interfaces of the pod while the context lasts."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def probes(*, oldest: Callable[[], float], ready: Callable[[], bool]) -> web.Application:
    """`/healthz` fails when work hangs, `/readyz` until the watches are established."""

    async def healthz(_: web.Request) -> web.Response:
        age = oldest()
        return web.Response(
            status=200 if age < STUCK_AFTER else 503, text=f"oldest key {age:.0f} s\n"
        )

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(status=200, text="ready\n") if ready() else web.Response(status=503)

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


def metrics(registry: CollectorRegistry) -> web.Application:
    """`/metrics` in Prometheus' text format."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app = web.Application()
    app.add_routes([web.get("/metrics", show)])
    return app
