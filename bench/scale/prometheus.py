"""A stand-in for Prometheus: every pod that there is has answered requests since it was made.

    python -m bench.scale.prometheus URL TOKEN PORT

A process of its own, so that its work is not counted as the operator's.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

from bench.scale.client import Client

SCRAPES: Final = 5.0
PER_SECOND: Final = 20.0
FAILED: Final = 0.002
_WINDOW: Final = re.compile(r"\[(\d+)ms\]$")
_PODS: Final = re.compile(r'pod=~"((?:[^"\\]|\\.)*)"')


def series(pod: str, born: float, at: float, window: float) -> Iterator[dict[str, Any]]:
    """The counters of one pod, as scraped within a window."""
    first = max(born, at - window)
    shift = hash(pod) % 1000 / 1000 * SCRAPES
    times = []
    moment = (first // SCRAPES) * SCRAPES + shift
    while moment <= at:
        if moment > first:
            times.append(moment)
        moment += SCRAPES
    for code, share in (("200", 1 - FAILED), ("500", FAILED)):
        values = [[t, str(int((t - born) * PER_SECOND * share))] for t in times]
        if values:
            yield {"metric": _labels(pod, code), "values": values}


def answer(query: str, at: float, pods: dict[str, float]) -> dict[str, Any]:
    """What Prometheus answers to an instant query of a range."""
    window, wanted = _WINDOW.search(query), _PODS.search(query)
    result: list[dict[str, Any]] = []
    if window and wanted:
        pattern = re.compile(json.loads(f'"{wanted[1]}"'))
        for pod, born in pods.items():
            if pattern.fullmatch(pod):
                result += series(pod, born, at, int(window[1]) / 1000)
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _labels(pod: str, code: str) -> dict[str, str]:
    return {
        "__name__": "model_requests_total",
        "route": "predict",
        "namespace": "models",
        "pod": pod,
        "job": "pods",
        "instance": pod,
        "code": code,
    }


def _born(pod: dict[str, Any]) -> float:
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"]).timestamp()


def main(url: str, token: str, port: str) -> None:
    """Answer until killed."""
    client, pods = Client(url, token), dict[str, float]()

    def look() -> None:
        while True:
            listed = client.items("/api/v1/namespaces/models/pods", slim=True)
            known = {pod["metadata"]["name"]: _born(pod) for pod in listed}
            pods.clear()
            pods.update(known)
            time.sleep(5)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            at = float(form.get("time", [str(time.time())])[0])
            body = json.dumps(answer(form["query"][0], at, dict(pods))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    threading.Thread(target=look, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
