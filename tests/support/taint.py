"""A canary secret in every byte that a pod chooses, and the search for it in all that the operator tells.

Whatever the fakes say of a pod is tainted unless it is listed here as somebody else's, so a field that
is added to a fake is tainted too.
"""

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import generate_latest
from tests.support.contract import Server
from tests.support.fakemodels import FakeModels
from tests.support.fakeprometheus import FakePrometheus
from tests.support.fakesource import PodKey
from tests.support.kubelets import Kubelets
from tests.support.operation import Land
from typing_extensions import override

from davylamp.adapters.prometheus.promql import CounterQuery
from davylamp.adapters.prometheus.query_result import CounterSeries
from davylamp.adapters.prometheus.scrapes import samples_of
from davylamp.adapters.prometheus.series import SeriesNames
from davylamp.adapters.prometheus.suggestions import OtherSeries, read_names
from davylamp.checks import Answered, Declined
from davylamp.controller.logs import JsonFormatter
from davylamp.controller.pods.events import WARNINGS
from davylamp.gates import ERRORS
from davylamp.gates.samples import Sample

Json = dict[str, Any]
HALVES = ("tigerlily", "quartzmoon")
CANARY = "".join(HALVES)
"""Its halves are looked for one by one: a name may be cut, or split at a border of a label."""
SPOKEN = f"{HALVES[0]}\x1b[31m\n{HALVES[1]} {CANARY} password={CANARY}"
"""How a container says it."""

OF_THE_KUBELET = frozenset(
    {
        "phase",
        "type",
        "status",
        "reason",
        "lastTransitionTime",
        "startTime",
        "startedAt",
        "finishedAt",
        "name",
        "podIP",
        "imageID",
    }
)
"""Keys of a pod's status whose texts no process of the pod can choose."""
OF_THE_CONTRACT = frozenset({"format"})
"""Keys of a manifest without which it is none."""


def leaks(text: str) -> list[str]:
    """Forms of the canary that are in a text."""
    lower = text.lower()
    plain = [name for name, form in _forms() if form in lower]
    return [*plain, *("base64" for coded in _coded() if coded in text)]


def _forms() -> Iterator[tuple[str, str]]:
    for half in HALVES:
        yield "plain", half
        yield "reversed", half[::-1]
        yield "hex", half.encode().hex()


def _coded() -> Iterator[str]:
    """Base64 of it, wherever in a longer text it begins."""
    for shift in range(3):
        yield base64.b64encode(b" " * shift + CANARY.encode()).decode()[4:-4]


def tainted(node: Any, kept: frozenset[str]) -> Any:
    """A document with the canary in every text of it, but under the keys that are kept."""
    if isinstance(node, str):
        return f"{node} {SPOKEN}"
    if isinstance(node, list):
        return [tainted(item, kept) for item in node]
    if isinstance(node, dict):
        return {
            key: value if key in kept and isinstance(value, str) else tainted(value, kept)
            for key, value in node.items()
        }
    return node


@dataclass
class TaintedKubelets(Kubelets):
    """Kubelets that repeat what containers, hooks and probes print."""

    killed: set[str] = field(default_factory=set)
    """Tags whose containers are killed for memory."""

    @override
    def _set_status(self, pod: Json, told: Json) -> None:
        tag = pod["metadata"]["labels"]["app.kubernetes.io/version"]
        reason = "OOMKilled" if tag in self.killed else "Error"
        ended = {"exitCode": 137, "reason": reason, "message": SPOKEN}
        model = {**told["model"], "lastState": {"terminated": ended}}
        told = {**told, "model": tainted(model, OF_THE_KUBELET)}
        super()._set_status(pod, told)
        uid = pod["metadata"].get("uid", "")
        self.cluster.warnings[uid] = list(self._warnings())

    def _warnings(self) -> Iterator[Json]:
        """One of each reason; another one is the newest every second."""
        reasons = [*sorted(WARNINGS), CANARY]
        first = int(self.clock().timestamp()) % len(reasons)
        for at, reason in enumerate([*reasons[first:], *reasons[:first]]):
            message = (
                f"Readiness probe failed: HTTP probe failed with statuscode: 503 {SPOKEN} secret "
                f'"{CANARY}" not found volume "{CANARY}" couldn\'t find key {CANARY} in Secret '
                f"models/{CANARY}"
            )
            yield {
                "reason": reason,
                "message": message,
                "lastTimestamp": f"2026-11-01T03:00:{at:02}Z",
            }


def _in_manifest(server: Server) -> None:
    """The canary as the name of everything that a manifest names."""
    manifest = server.manifest
    for gap in manifest["bias"]:
        gap["groups"] = {f"{CANARY}{name}": group for name, group in gap["groups"].items()}
        gap.update({key: f"{CANARY} {gap[key]}" for key in ("by", "part", "metric")})
    manifest["model"] = CANARY
    manifest[CANARY] = {"note": SPOKEN}
    manifest["explanationBaseline"] = {"shares": {f"{CANARY}-bmi": 0.6, f"{CANARY}-age": 0.4}}
    for golden in (*manifest["golden"], *server._claims["golden"]):
        for explanation in golden["explanations"]:
            named = explanation["contributions"].items()
            explanation["contributions"] = {f"{CANARY}-{name}": n for name, n in named}


def _differs(server: Server) -> None:
    server.manifest = tainted(server.manifest, OF_THE_CONTRACT)


def _other_prediction(server: Server) -> None:
    server.answer("/predict", lambda _said: {"predictions": [1.0, 2.0], CANARY: SPOKEN})


def _other_names(server: Server) -> None:
    def renamed(said: Json) -> Json:
        for one in said["explanations"]:
            one["contributions"] = {f"{CANARY}{k}": v for k, v in one["contributions"].items()}
        return said

    server.answer("/explain", renamed)


def _text_for_numbers(server: Server) -> None:
    server.answer("/predict", lambda _said: {"predictions": [SPOKEN]})


def _unfair(server: Server) -> None:
    (gap,) = server.manifest["bias"]
    first = next(iter(gap["groups"]))
    gap["groups"][first]["value"], gap["gap"] = 500.0, 456.0


def _crooked_groups(server: Server) -> None:
    (gap,) = server.manifest["bias"]
    gap["groups"] = dict.fromkeys(gap["groups"], SPOKEN)


def _declines(server: Server) -> None:
    server.answer("/predict", lambda _said: Declined("POST /predict answered 500", 500))


def _strange_documents(server: Server) -> None:
    server.answer("/manifest", lambda _said: Answered([SPOKEN, {CANARY: CANARY}]))


def _strange_format(server: Server) -> None:
    server.manifest["format"] = CANARY


WRONG: Mapping[str, Callable[[Server], None]] = {
    "manifest differs": _differs,
    "manifest is none": _strange_documents,
    "format is another": _strange_format,
    "predictions differ": _other_prediction,
    "predictions are text": _text_for_numbers,
    "explanations have other names": _other_names,
    "groups are unfair": _unfair,
    "groups are text": _crooked_groups,
    "no answer": _declines,
}
"""Images that fail a check, each with the canary where it says why."""


@dataclass
class TaintedModels(FakeModels):
    """Model servers that name everything by the canary."""

    @override
    def _server(self, pod: Json, tag: str) -> Server:
        server = super()._server(pod, tag)
        _in_manifest(server)
        change = self.faults.get(tag)
        if change:
            change(server)
        return server

    faults: dict[str, Callable[[Server], None]] = field(default_factory=dict)


@dataclass
class TaintedPrometheus(FakePrometheus):
    """Series whose labels are the canary, read as those of a real Prometheus are."""

    shifted: set[str] = field(default_factory=set)
    """Tags whose explanations, scores and groups are others."""
    looks_like: tuple[str, ...] = (f"model_{CANARY}_requests", "http_requests_total", CANARY)

    @override
    def _in_window(self, query: CounterQuery) -> Iterator[tuple[PodKey, tuple[Sample, ...]]]:
        if query.channel is ERRORS:
            yield from super()._in_window(query)
            return
        begin = query.at - query.window
        for key, known in self.samples.items():
            counted = {s.time: s.requests for s in known if begin < s.time <= query.at}
            if counted and query.owner(*key) is not None:
                series = [
                    CounterSeries(
                        {
                            "__name__": metric,
                            "note": CANARY,
                            f"exported_{CANARY}": SPOKEN,
                            **labels,
                        },
                        {at: number * share for at, number in counted.items()},
                    )
                    for metric, labels, share in self._shares(key)
                ]
                yield key, samples_of(query.channel, series, names=SeriesNames())

    def _shares(self, key: PodKey) -> Iterator[tuple[str, Json, float]]:
        pods = self.cluster.find("Pod", key[1], key[0])
        tag = pods[0]["metadata"]["labels"]["app.kubernetes.io/version"] if pods else ""
        odd = tag in self.shifted
        yield "model_explanation_share_count", {}, 1.0
        for name, share in (("bmi", 0.1 if odd else 0.6), ("age", 0.9 if odd else 0.4)):
            yield "model_explanation_share_sum", {"feature": f"{CANARY}-{name}"}, share
        for group, high in (("1", 0.9 if odd else 0.5), ("2", 0.5)):
            of = {"group": f"{CANARY}{group}"}
            yield "model_group_requests_total", {**of, "code": "200"}, 0.5
            yield "model_group_predictions_total", {**of, "outcome": "high"}, 0.5 * high
            yield "model_group_predictions_total", {**of, "outcome": CANARY}, 0.5 * (1 - high)
        for metric in ("model_prediction_score", "model_request_seconds"):
            yield f"{metric}_count", {}, 1.0
            for le, share in (("0.1", 0.1 if odd else 0.7), ("1", 0.5 if odd else 0.9)):
                yield f"{metric}_bucket", {"le": le}, share
            yield f"{metric}_bucket", {"le": "+Inf"}, 1.0
            yield f"{metric}_bucket", {"le": CANARY}, 0.5

    @override
    async def other_series(self, query: CounterQuery, *, until: float | None = None) -> OtherSeries:
        return read_names(query, [{"metric": {"__name__": name}} for name in self.looks_like])


class TaintedLand(Land):
    """The cluster of the stories, in which every pod has the canary to tell."""

    prometheus: TaintedPrometheus
    models: TaintedModels
    kubelets: TaintedKubelets

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self.kubelets = TaintedKubelets(self.cluster, self.time)
        self.prometheus = TaintedPrometheus(self.cluster, self.seconds)
        self.models = TaintedModels(self.cluster)
        self.restart()
        self._log = io.StringIO()
        self._handler = logging.StreamHandler(self._log)
        self._handler.setFormatter(JsonFormatter())
        logging.getLogger().addHandler(self._handler)

    def close(self) -> None:
        """Stop listening to the log."""
        logging.getLogger().removeHandler(self._handler)

    def all_told(self) -> Iterator[tuple[str, str]]:
        """Everything that people can read: what was written, the log, the metrics."""
        for write in self.cluster.writes:
            if write.kind != "Secret":
                yield (
                    f"{write.verb} {write.kind} {write.name}",
                    json.dumps(write.body, ensure_ascii=False),
                )
        for event in self.cluster.events:
            yield "Event", json.dumps(event, ensure_ascii=False)
        yield "log", self._log.getvalue()
        for process in self.processes:
            yield "metrics", generate_latest(process.metrics.registry).decode()
