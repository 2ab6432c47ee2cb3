"""A canary secret in a pod never appears anywhere: not in what the operator writes, logs or exposes."""

import json

from tests.support.reading import Json, items
from tests.support.story import PAUSED_STEP, Story
from tests.support.taint import CANARY, leaks

from davylamp.api.names import Command, Reason
from lab import kubectl, metrics

HOSTILE = """
import http.server, json, os, sys, time

secret, mode, began = os.environ["CANARY"], os.environ["MODE"], time.time()
print(secret, flush=True)
with open("/dev/termination-log", "w") as log:
    log.write("password=" + secret)
if mode == "crash":
    sys.exit(secret)

def metrics():
    n = int(10 * (time.time() - began)) + 1
    yield f'model_requests_total{{code="200",note="{secret}"}} {n}'
    yield f"model_explanation_share_count {n}"
    for name, share in (("bmi", 0.5), ("age", 0.5)):
        yield f'model_explanation_share_sum{{feature="{secret}-{name}"}} {n * share}'
    yield f"model_{secret}_requests_total {n}"

MANIFEST = {"format": "davylamp.dev/manifest/v1", "model": secret, "image": {"tag": secret},
            "featureSnapshot": {"id": secret, "sha256": secret}, "seed": 7,
            "golden": [{"request": {}, "predictions": [secret]}], "bias": [{secret: secret}]}

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body, code = secret, 200
        if self.path == "/metrics":
            body = "".join(line + "\\n" for line in metrics())
        elif self.path == "/manifest":
            body = json.dumps(MANIFEST)
        elif mode == "probe":
            code = 503
        self.send_response(code, secret)
        self.send_header("X-Secret", secret)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body.encode())
    do_GET = do_POST = answer
    def log_message(self, *_):
        print(secret, flush=True)

http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
READ = ("modeldeployments", "configmaps", "controllerrevisions", "deployments", "services")
EXPLAINED = {"name": "reasons", "explanations": {"against": ["Stable"]}}
SOON = {"rollout": {"progressDeadline": "20s"}}


def hostile(story: Story, mode: str, **options: object) -> Json:
    """A model whose containers have the canary from a Secret, and tell it in one way."""
    command = ["$(CANARY)"] if mode == "command" else ["python", "-c", HOSTILE]
    source = {"secretKeyRef": {"name": "canary", "key": "CANARY"}}
    container = {
        "name": "model",
        "command": command,
        "env": [{"name": "CANARY", "valueFrom": source}],
    }
    template = {"spec": {"containers": [container]}}
    manifest = story.model("v1", config={"MODE": mode}, **options)
    serving = manifest["spec"]["serving"]
    manifest["spec"]["serving"] = {**serving, "template": template}
    return manifest


def assert_nothing_told(story: Story) -> None:
    """Everything of the namespace that the operator writes, its Events, its log and its metrics."""
    told = {plural: json.dumps(items(plural, story.namespace)) for plural in READ}
    told["Events"] = str(story.events())
    told["log"] = metrics.logs(lines=5000)
    told["metrics"] = str(metrics.scrape_all())
    for where, text in told.items():
        at = text.lower().find(CANARY)
        assert not leaks(text), f"{where}: {text[max(0, at - 300) : at + 100]}"


def test_a_canary_secret_in_a_pod_never_appears_anywhere(story: Story) -> None:
    metadata = {"name": "canary", "namespace": story.namespace}
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "stringData": {"CANARY": CANARY},
        }
    )
    story.install("v1")

    bad = story.apply(hostile(story, "manifest"))
    assert story.wait_rejected(bad)["reason"] == Reason.CHECK_FAILED
    for mode, reason in (
        ("crash", Reason.CRASH_LOOP),
        ("probe", Reason.PROGRESS_DEADLINE_EXCEEDED),
        ("command", Reason.CRASH_LOOP),
    ):
        bad = story.apply(hostile(story, mode, **SOON))
        rejection = story.wait_rejected(bad)
        assert rejection["reason"] == reason, rejection
        assert "see `kubectl " in rejection["message"]
        assert_nothing_told(story)

    unchecked = {"rollout": {"checks": [], "minRequests": 0}, "gates": [EXPLAINED]}
    first = story.apply(hostile(story, "first", steps=PAUSED_STEP, **unchecked))
    story.wait_stage("Canary", first)
    story.say(Command.PROMOTE, first)
    story.wait_serving(first)
    second = story.apply(hostile(story, "second", steps=PAUSED_STEP, **unchecked))
    story.wait_status(
        lambda status: any(
            gate["requests"] for gate in status.get("candidate", {}).get("gates", [])
        ),
        "its gate has read explanations",
    )
    story.say(Command.ABORT, second)
    assert story.wait_rejected(second)
    assert_nothing_told(story)
