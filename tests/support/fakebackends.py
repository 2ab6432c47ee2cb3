"""Back ends as they answer: Prometheus, Mimir, Thanos and VictoriaMetrics, as far as it matters here.

VictoriaMetrics' ways were measured on version 1.132.0: see docs/decisions/0041.
"""

import json
import time
from dataclasses import dataclass
from http import HTTPStatus

from tests.support.fakehttp import Request, Response

NOT_FOUND = Response("404 page not found", HTTPStatus.NOT_FOUND)


@dataclass
class FakeBackEnd:
    """Answers `time()`, `max(timestamp(up))` and `/api/v1/status/buildinfo`."""

    build: str | None = '{"version": "3.5.0"}'
    """What it says of itself; None where it does not have that page."""
    path: str = ""
    """Where its API is."""
    skew: float = 0.0
    """Seconds by which its clock is ahead."""
    newest: float | None = 3.0
    """Seconds since the newest sample of `up`."""
    keeps_back: float = 0.0
    """Seconds of samples that VictoriaMetrics keeps back from those who do not ask otherwise."""
    is_victoria: bool = False
    tenant: str | None = None
    """What `X-Scope-OrgID` has to be."""

    def __call__(self, request: Request) -> Response:
        if not request.path.startswith(f"{self.path}/api/v1/"):
            return NOT_FOUND
        if self.tenant is not None and request.headers.get("X-Scope-OrgID") != self.tenant:
            return Response("no org id", HTTPStatus.UNAUTHORIZED)
        if request.path.endswith("/buildinfo"):
            build = None if self.build is None else json.loads(self.build)
            return NOT_FOUND if build is None else Response({"status": "success", "data": build})
        return self._answer(request.form)

    def _answer(self, form: dict[str, str]) -> Response:
        is_fresh = form.get("nocache") == "1" and form.get("latency_offset") == "1ms"
        now = time.time() + self.skew - (0.0 if is_fresh else self.keeps_back)
        if form["query"] == "time()":
            value = now
        else:
            assert form["query"] == "max(timestamp(up))"
            value = None if self.newest is None else time.time() + self.skew - self.newest
        return Response({"status": "success", "data": self._data(value)} | self._stats())

    def _data(self, value: float | None) -> dict[str, object]:
        pair = [time.time(), str(value)]
        if self.is_victoria or value is None:
            vector = [] if value is None else [{"metric": {}, "value": pair}]
            return {"resultType": "vector", "result": vector}
        return {"resultType": "scalar", "result": pair}

    def _stats(self) -> dict[str, object]:
        return {"stats": {"seriesFetched": "1"}} if self.is_victoria else {}


PROMETHEUS = FakeBackEnd()
MIMIR = FakeBackEnd(
    build='{"application": "Grafana Mimir", "version": "2.17.1"}', path="/prometheus", tenant="ops"
)
THANOS = FakeBackEnd(build='{"version": "0.40.1"}')
VICTORIA = FakeBackEnd(build='{"version": "2.24.0"}', is_victoria=True, keeps_back=30.0)
