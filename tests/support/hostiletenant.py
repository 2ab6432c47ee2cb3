"""A tenant who means harm: models whose servers answer the operator with what hurts whoever reads it."""

from dataclasses import replace
from typing import Final

from tests.support.reading import Json
from tests.support.story import Story

from lab.models import SERVING

SERVER: Final = r"""
import itertools, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HARM = os.environ["HARM"]
DEEP = b'{"a":' * 150_000 + b"1" + b"}" * 150_000
WIDE = b"[" + b",".join([b"{}"] * 300_000) + b"]"
LABELS = ",".join(f'x{n}="{"y" * 20}"' for n in range(40))


def endless(line):
    return (line * 100 for _ in itertools.count())


def slowly():
    for byte in itertools.repeat(b" "):
        time.sleep(0.2)
        yield byte


def honest():
    yield f'model_requests_total{{code="200",route="predict"}} {time.time():.0f}\n'.encode()


def series():
    for n in range(40_000):
        yield f'model_requests_total{{code="{n}",route="predict",{LABELS}}} {n}\n'.encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        asked = self.path in ("/manifest", "/metrics")
        self.send_response(200)
        kind = "text/plain; version=0.0.4" if self.path == "/metrics" else "application/json"
        self.send_header("Content-Type", kind)
        self.end_headers()
        if not asked:
            return self.wfile.write(b"{}")
        pieces = {
            "honest": honest,
            "deep": lambda: [DEEP],
            "wide": lambda: [WIDE],
            "endless": lambda: endless(b'model_requests_total{code="200"} 1\n'),
            "slow": slowly,
            "series": series,
        }[HARM]()
        for piece in pieces:
            self.wfile.write(piece)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass


ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
HARMS: Final = ("deep", "wide", "endless", "slow", "series")
HONEST: Final = {"HARM": "honest"}
SERVING_HARM: Final = {
    **SERVING,
    "template": {"spec": {"containers": [{"name": "model", "command": ["python", "-c", SERVER]}]}},
}
UNCHECKED: Final = {"checks": [], "evidence": {"source": "Pods", "interval": "1s"}}
GATE: Final = {"name": "errors", "errorRate": {}}
STEP: Final = {"weight": 50, "hold": "1h"}


def attack(tenant: Story) -> None:
    """Models whose pods harm whoever asks for their manifest, and canaries whose metrics do.

    Returns once all of them are asked; the canaries and what answers slowly go on being asked.
    """
    asked = [replace(tenant, name=f"asked-{harm}") for harm in HARMS]
    scraped = [replace(tenant, name=f"scraped-{harm}") for harm in HARMS]
    for model in scraped:
        model.apply(_model(model, HONEST))
    for model, harm in zip(asked, HARMS, strict=True):
        model.apply(model.model("v1", serving=SERVING_HARM, config={"HARM": harm}))
    for model, harm in zip(scraped, HARMS, strict=True):
        model.wait_status(lambda status: "stable" in status, "it to serve")
        model.apply(_model(model, {"HARM": harm}))
    for model in scraped:
        model.wait_status(_is_in_traffic, "its canary")
    for model in asked:
        model.wait(lambda model=model: _is_asked(model.status()), "answers")


def _model(model: Story, config: dict[str, str]) -> Json:
    return model.model(
        "v1", serving=SERVING_HARM, rollout=UNCHECKED, config=config, gates=[GATE], steps=[STEP]
    )


def _is_in_traffic(status: Json) -> bool:
    return bool(status.get("candidate", {}).get("stage") == "Canary")


def _is_asked(status: Json) -> bool:
    return bool(status.get("rejected") or status.get("candidate", {}).get("checks"))
