"""Bad input is refused by the API server itself, with the path of the field."""

from typing import Any, NamedTuple

import pytest
from tests.support.kube import admitted, refusal
from tests.support.manifests import REMOVED, changed, full, minimal

from davylamp.api.crd import MAX_NAME_LENGTH
from davylamp.api.spec import ModelDeploymentSpec
from davylamp.manifests import says_the_same

STEPS = "spec.rollout.steps"
GATES = "spec.rollout.gates"
LIMITS = "spec.serving.resources.limits"
SCHEDULE = "spec.explanations.schedule"
THRESHOLD = {"method": "Threshold", "max": "2%", "window": "1m", "failures": 3}


class Bad(NamedTuple):
    """A change that must be refused, the path that must be named, and words of the message."""

    changes: dict[str, Any]
    path: str
    words: str


def gate(**error_rate: Any) -> dict[str, Any]:
    return {"spec.rollout": {"gates": [{"name": "errors", "errorRate": error_rate}]}}


def any_gate(**fields: Any) -> dict[str, Any]:
    return {"spec.rollout": {"gates": [{"name": "own", **fields}]}}


def steps(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec.rollout": {"steps": list(items)}}


def weights(*percents: int) -> dict[str, Any]:
    return steps(*({"weight": percent, "hold": "1m"} for percent in percents))


def resources(**limits: Any) -> dict[str, Any]:
    return {"spec.serving": {"resources": {"limits": limits}}}


def explained(**fields: Any) -> dict[str, Any]:
    return {"spec.explanations": fields}


BAD = {
    # fields that do not exist
    "unknown field of the spec": Bad({"spec.replica": 2}, "spec.replica", "unknown field"),
    "unknown field of the image": Bad({"spec.image.name": "x"}, "spec.image.name", "unknown field"),
    "unknown field of a step": Bad(
        steps({"weight": 5, "hold": "1m", "wait": "2m"}), f"{STEPS}[0].wait", "unknown field"
    ),
    "unknown field of a gate": Bad(
        {"spec.rollout": {"gates": [{"name": "slow", "latency": {"above": "1s"}}]}},
        f"{GATES}[0].latency.above",
        "unknown field",
    ),
    # fields that are missing
    "no spec": Bad({"spec": REMOVED}, "spec", "Required value"),
    "no image": Bad({"spec.image": REMOVED}, "spec.image", "Required value"),
    "no tag": Bad({"spec.image.tag": REMOVED}, "spec.image.tag", "Required value"),
    "no snapshot": Bad({"spec.featureSnapshot": REMOVED}, "spec.featureSnapshot", "Required value"),
    "no seed": Bad({"spec.seed": REMOVED}, "spec.seed", "Required value"),
    # the image
    "tag latest": Bad({"spec.image.tag": "latest"}, "spec.image.tag", "does not name one model"),
    "empty tag": Bad({"spec.image.tag": ""}, "spec.image.tag", "must be an image tag such as"),
    "tag with a slash": Bad({"spec.image.tag": "a/b"}, "spec.image.tag", "such as 3f2c1ab"),
    "repository in capitals": Bad(
        {"spec.image.repository": "Risk"}, "spec.image.repository", "must be an image repository"
    ),
    "repository with a digest": Bad(
        {"spec.image.repository": "risk@sha256"}, "spec.image.repository", "without tag and digest"
    ),
    "short digest": Bad(
        {"spec.image.digest": "sha256:ab"}, "spec.image.digest", "64 hexadecimal digits"
    ),
    "pull policy": Bad({"spec.image.pullPolicy": "Often"}, "spec.image.pullPolicy", "Unsupported"),
    # the snapshot and the seed
    "bad sha256": Bad(
        {"spec.featureSnapshot.sha256": "9c1e"},
        "spec.featureSnapshot.sha256",
        "64 hexadecimal digits",
    ),
    "uri without scheme": Bad(
        {"spec.featureSnapshot.uri": "features.parquet"},
        "spec.featureSnapshot.uri",
        "with its scheme",
    ),
    "uri with a space": Bad(
        {"spec.featureSnapshot.uri": "s3://a b"}, "spec.featureSnapshot.uri", "with its scheme"
    ),
    "negative seed": Bad({"spec.seed": -1}, "spec.seed", "greater than or equal to 0"),
    "seed too large": Bad({"spec.seed": 2**53}, "spec.seed", "less than or equal to"),
    "seed as text": Bad({"spec.seed": "42"}, "spec.seed", "must be of type integer"),
    "seed as fraction": Bad({"spec.seed": 4.2}, "spec.seed", "must be of type integer"),
    # configuration and secrets
    "config key": Bad({"spec.config": {"omp-threads": "1"}}, "spec.config", "environment variable"),
    "reserved config key": Bad({"spec.config": {"DAVYLAMP_SEED": "1"}}, "spec.config", "reserved"),
    "port in the config": Bad(
        {"spec.config": {"PORT": "9000"}}, "spec.config", "change spec.serving.port instead"
    ),
    "config number": Bad({"spec.config": {"N": 1}}, "spec.config.N", "must be of type string"),
    "secret policy": Bad(
        {"spec.secrets": [{"name": "a", "policy": "Copy"}]}, "spec.secrets[0].policy", "Unsupported"
    ),
    "secret twice": Bad(
        {"spec.secrets": [{"name": "a"}, {"name": "a"}]}, "spec.secrets[1]", "Duplicate value"
    ),
    # labels and annotations of children
    "label key": Bad({"spec.metadata": {"labels": {"a b": "c"}}}, "spec.metadata.labels", "e.g."),
    "label prefix": Bad(
        {"spec.metadata": {"labels": {"a..b/c": "d"}}}, "spec.metadata.labels", "e.g."
    ),
    "long label prefix": Bad(
        {"spec.metadata": {"labels": {f"{'a' * 254}/c": "d"}}}, "spec.metadata.labels", "e.g."
    ),
    "label value": Bad({"spec.metadata": {"labels": {"a": "b c"}}}, "spec.metadata.labels", "e.g."),
    "long label value": Bad(
        {"spec.metadata": {"labels": {"a": "b" * 64}}}, "spec.metadata.labels.a", "63"
    ),
    "our label": Bad(
        {"spec.metadata": {"labels": {"app.kubernetes.io/name": "x"}}},
        "spec.metadata.labels",
        "reserved",
    ),
    "our annotation": Bad(
        {"spec.metadata": {"annotations": {"davylamp.dev/abort": "x"}}},
        "spec.metadata.annotations",
        "reserved",
    ),
    # serving
    "no replicas": Bad({"spec.replicas": 0}, "spec.replicas", "greater than or equal to 1"),
    "port": Bad({"spec.serving": {"port": 70000}}, "spec.serving.port", "less than or equal to"),
    "megabytes in small letters": Bad(
        resources(memory="512mb"),
        f"{LIMITS}[memory]",
        "must be a quantity such as 500m, 2 or 512Mi",
    ),
    "less than no CPU": Bad(resources(cpu="-1"), f"{LIMITS}[cpu]", "must be a quantity"),
    "less than no GPU": Bad(resources(gpu=-1), f"{LIMITS}[gpu]", "must be a quantity"),
    # steps
    "weights that fall": Bad(weights(50, 25), STEPS, "weights must rise"),
    "weights that stay": Bad(weights(25, 25), STEPS, "weights must rise"),
    "weight 0": Bad(weights(0), f"{STEPS}[0].weight", "greater than or equal to 1"),
    "weight 100": Bad(weights(100), f"{STEPS}[0].weight", "less than or equal to 99"),
    "step that neither holds nor pauses": Bad(steps({"weight": 5}), STEPS, "either hold"),
    "step that pauses not": Bad(steps({"weight": 5, "pause": False}), STEPS, "either hold"),
    "step that holds and pauses": Bad(
        steps({"weight": 5, "hold": "1m", "pause": True}), STEPS, "either hold"
    ),
    "hold without unit": Bad(
        steps({"weight": 5, "hold": "90"}), f"{STEPS}[0].hold", "such as 90s, 5m or 1h30m"
    ),
    "hold in days": Bad(
        steps({"weight": 5, "hold": "1d"}), f"{STEPS}[0].hold", "must be a duration"
    ),
    "negative hold": Bad(
        steps({"weight": 5, "hold": "-1m"}), f"{STEPS}[0].hold", "must be a duration"
    ),
    "hold as number": Bad(steps({"weight": 5, "hold": 60}), f"{STEPS}[0].hold", "of type string"),
    # times and bounds of a rollout
    "probation in words": Bad(
        {"spec.rollout": {"probation": "10 minutes"}}, "spec.rollout.probation", "such as 90s"
    ),
    "no time for progress": Bad(
        {"spec.rollout": {"progressDeadline": "0s"}}, "spec.rollout.progressDeadline", "above 0s"
    ),
    "no time at all": Bad(
        {"spec.rollout": {"deadline": "0m0s"}}, "spec.rollout.deadline", "above 0s"
    ),
    "percentage without sign": Bad(
        {"spec.rollout": {"falseRollback": "1"}}, "spec.rollout.falseRollback", "such as 1%"
    ),
    "percentage above all": Bad(
        {"spec.rollout": {"falseRollback": "101%"}}, "spec.rollout.falseRollback", "a percentage"
    ),
    "certain false rollback": Bad(
        {"spec.rollout": {"falseRollback": "100%"}}, "spec.rollout.falseRollback", "between 0% and"
    ),
    "impossible false promotion": Bad(
        {"spec.rollout": {"falsePromotion": "0%"}}, "spec.rollout.falsePromotion", "between 0% and"
    ),
    "no history": Bad({"spec.rollout": {"history": 0}}, "spec.rollout.history", "greater than"),
    "unknown router": Bad(
        {"spec.rollout": {"traffic": {"router": "Magic"}}}, "spec.rollout.traffic.router", "Unsup"
    ),
    # gates
    "gate without a measure": Bad(
        {"spec.rollout": {"gates": [{"name": "errors"}]}}, f"{GATES}[0]", "needs exactly one of"
    ),
    "gate with two measures": Bad(
        any_gate(errorRate={}, latency={}), f"{GATES}[0]", "needs exactly one of errorRate"
    ),
    "failure that guesses": Bad(
        any_gate(errorRate={}, onFail="Guess"), f"{GATES}[0].onFail", "Unsupported value"
    ),
    "burst below 1": Bad(gate(burst="0.5"), f"{GATES}[0].errorRate", "burst must be at least 1"),
    "burst of a threshold": Bad(
        gate(**THRESHOLD, burst="2"), f"{GATES}[0].errorRate", "belong to method Sequential"
    ),
    "slow in minutes": Bad(any_gate(latency={"over": "5m"}), f"{GATES}[0].latency.over", "250ms"),
    "slow after nothing": Bad(
        any_gate(latency={"over": "0ms"}), f"{GATES}[0].latency", "over must be above 0ms"
    ),
    "burst of predictions below 1": Bad(
        any_gate(predictions={"burst": "0"}), f"{GATES}[0].predictions", "burst must be at least 1"
    ),
    "all slow": Bad(any_gate(latency={"max": "100%"}), f"{GATES}[0].latency", "between 0% and"),
    "no distance of predictions": Bad(
        any_gate(predictions={"distance": "0.0"}), f"{GATES}[0].predictions", "between 0 and 1"
    ),
    "distance above 1": Bad(
        any_gate(predictions={"distance": "1.5"}), f"{GATES}[0].predictions.distance", "below 1"
    ),
    "explanations against nothing": Bad(
        any_gate(explanations={"against": []}), f"{GATES}[0].explanations.against", "at least 1"
    ),
    "no gap": Bad(any_gate(bias={"max": "0"}), f"{GATES}[0].bias", "between 0 and 1"),
    "query without bounds": Bad(
        any_gate(query={"promql": "up"}), f"{GATES}[0].query", "needs min, max or ratio"
    ),
    "ratio of a query that cannot be asked of both": Bad(
        any_gate(query={"promql": "up", "ratio": "2"}), f"{GATES}[0].query", "to be asked of both"
    ),
    "bounds that cross": Bad(
        any_gate(query={"promql": "up", "min": "2", "max": "-1"}), f"{GATES}[0].query", "not be abo"
    ),
    "no data, no idea": Bad({"spec.rollout": {"noData": "Wait"}}, "spec.rollout.noData", "Unsup"),
    "evidence from nowhere": Bad(
        {"spec.rollout": {"evidence": {"source": "Logs"}}}, "spec.rollout.evidence.source", "Unsup"
    ),
    "gate without a name": Bad(
        {"spec.rollout": {"gates": [{"errorRate": {}}]}}, f"{GATES}[0].name", "Required value"
    ),
    "gate twice": Bad(
        {"spec.rollout": {"gates": [{"name": "a", "errorRate": {}}] * 2}},
        f"{GATES}[1]",
        "Duplicate value",
    ),
    "threshold without window": Bad(
        gate(method="Threshold", failures=3), f"{GATES}[0].errorRate", "needs window and failures"
    ),
    "threshold without failures": Bad(
        gate(method="Threshold", window="1m"), f"{GATES}[0].errorRate", "needs window and failures"
    ),
    "threshold with a ratio": Bad(
        gate(**THRESHOLD, ratio="2"), f"{GATES}[0].errorRate", "ratio belongs to method Sequential"
    ),
    "window of nothing": Bad(
        gate(**{**THRESHOLD, "window": "0s"}), f"{GATES}[0].errorRate", "window must be above 0s"
    ),
    "window on a sequential test": Bad(
        gate(window="1m"), f"{GATES}[0].errorRate", "belong to method Threshold"
    ),
    "ratio below 1": Bad(gate(ratio="0.5"), f"{GATES}[0].errorRate", "at least 1"),
    "ratio as number": Bad(gate(ratio=1.5), f"{GATES}[0].errorRate.ratio", "of type string"),
    "no tolerance": Bad(gate(max="0%"), f"{GATES}[0].errorRate", "between 0% and 100%"),
    "all tolerated": Bad(gate(max="100%"), f"{GATES}[0].errorRate", "between 0% and 100%"),
    "gate method": Bad(gate(method="Guess"), f"{GATES}[0].errorRate.method", "Unsupported value"),
    # the nightly job
    "unknown field of the explanations": Bad(
        {"spec.explanations": {"cron": "0 3 * * *"}}, "spec.explanations.cron", "unknown field"
    ),
    "schedule of six fields": Bad(
        explained(schedule="0 0 3 * * *"), SCHEDULE, "of five fields such as"
    ),
    "schedule by name": Bad(explained(schedule="@daily xxx"), SCHEDULE, "of five fields"),
    "minute 60": Bad(explained(schedule="60 3 * * *"), SCHEDULE, "cron schedule"),
    "hour 24": Bad(explained(schedule="0 24 * * *"), SCHEDULE, "cron schedule"),
    "day 0": Bad(explained(schedule="0 3 0 * *"), SCHEDULE, "cron schedule"),
    "month 13": Bad(explained(schedule="0 3 * 13 *"), SCHEDULE, "cron schedule"),
    "weekday 7": Bad(explained(schedule="0 3 * * 7"), SCHEDULE, "cron schedule"),
    "schedule with a time zone": Bad(
        explained(schedule="TZ=UTC 3 * * *"), SCHEDULE, "cron schedule"
    ),
    "no distance": Bad(explained(distance="0.0"), "spec.explanations.distance", "above 0"),
    "distance 1": Bad(explained(distance="1.0"), "spec.explanations.distance", "below 1"),
    "distance as number": Bad(explained(distance=0.1), "spec.explanations.distance", "type string"),
    "rolling back on drift": Bad(
        explained(onDrift="Rollback"), "spec.explanations.onDrift", "Unsupported"
    ),
    "recent traffic from a path": Bad(
        explained(recent="/tmp/x"), "spec.explanations.recent", "must begin with s3://"
    ),
    "report to a web server": Bad(
        explained(report="http://x/y"), "spec.explanations.report", "must begin with s3://"
    ),
    # the name
    "name too long for its children": Bad(
        {"metadata.name": "a" * (MAX_NAME_LENGTH + 1)}, "metadata.name", "may have at most"
    ),
    "name from a digit on": Bad(
        {"metadata.name": "1risk"}, "metadata.name", "beginning with a letter"
    ),
    "name with dots": Bad({"metadata.name": "risk.v1"}, "metadata.name", "must be a Service name"),
    "name with a capital": Bad({"metadata.name": "Risk"}, "metadata.name", "Invalid value"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_its_path(case: Bad) -> None:
    message = refusal(changed(minimal(), case.changes))

    assert case.path in message
    assert case.words in message


GOOD = {
    "minimal": {},
    "longest name": {"metadata.name": "a" * MAX_NAME_LENGTH},
    "no steps": {"spec.rollout": {"steps": []}},
    "no gates": {"spec.rollout": {"gates": []}},
    "hold of nothing": steps({"weight": 5, "hold": "0s"}),
    "hours, minutes and seconds": steps({"weight": 5, "hold": "1h2m3s"}),
    "seed 0": {"spec.seed": 0},
    "largest seed": {"spec.seed": 2**53 - 1},
    "threshold gate": gate(**THRESHOLD),
    "ratio 1": gate(ratio="1"),
    "burst of one": gate(burst="1", minBlocks=4),
    "latency": any_gate(latency={"over": "250ms", "tolerance": 1}, onFail="Warn"),
    "latency against stable alone": any_gate(latency={}),
    "predictions": any_gate(predictions={"distance": "0.15", "measure": "Wasserstein"}),
    "explanations against training": any_gate(explanations={"against": ["Baseline"]}),
    "bias": any_gate(bias={"outcome": "Error", "max": "0.2", "increase": "0"}),
    "user query of both": any_gate(query={"promql": 'x{pod=~"{{ pods }}"}', "ratio": "1.5"}),
    "user query of one": any_gate(query={"promql": "up", "min": "-1.5", "max": "2"}),
    "direct scrape": {"spec.rollout": {"evidence": {"source": "Pods", "interval": "2s"}}},
    "quantities in every spelling": resources(a="1.5Gi", b="500m", c=2, d="1e3", e=".5", f="+1"),
    "registry with a port": {"spec.image.repository": "localhost:5000/risk"},
    "explanations without a wish": explained(),
    "every quarter of an hour": explained(schedule="*/15 * * * *"),
    "weekdays": explained(schedule="0 3,15 * * MON-FRI"),
    **{
        f"snapshot at {uri}": {"spec.featureSnapshot.uri": uri}
        for uri in (
            "dvc://repo/data.dvc",
            "lakefs://r/main/x",
            "hf://datasets/x",
            "models:/risk/1",
            "abfss://c@a.dfs.core.windows.net/x",
            "dbfs:/x",
            "urn:uuid:6e8bc430",
        )
    },
    "labels of a company": {
        "spec.metadata": {
            "labels": {"cost-center": "4711", "example.org/team": ""},
            "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"},
        }
    },
    "any pod template": {"spec.serving": {"template": {"spec": {"hostAliases": [{"ip": "::1"}]}}}},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
def test_good_input_is_admitted(changes: dict[str, Any]) -> None:
    assert admitted(changed(minimal(), changes))["kind"] == "ModelDeployment"


def test_defaults_of_the_schema_are_those_of_the_operator() -> None:
    stored = admitted(minimal())["spec"]

    ours = ModelDeploymentSpec.model_validate(minimal()["spec"])
    assert ModelDeploymentSpec.model_validate(stored) == ours
    assert says_the_same(stored, ours.model_dump(mode="json", by_alias=True, exclude_none=True))
    assert "replicas" not in stored
    assert [step["weight"] for step in stored["rollout"]["steps"]] == [5, 25, 50]
    assert stored["rollout"]["gates"][0]["errorRate"] == {"method": "Sequential", "max": "1%"}


def test_a_full_spec_is_stored_as_it_was_written() -> None:
    written = full()["spec"]

    assert admitted(full())["spec"] == written
    ours = ModelDeploymentSpec.model_validate(written)
    assert ours.model_dump(mode="json", by_alias=True, exclude_none=True) == written
