"""Jobs of the nightly kind on a fake cluster: started by the clock or a user, and ended."""

import copy
import json
from typing import Any

from tests.support.fakecluster import FakeCluster
from tests.support.operation import NAMESPACE, Land

Json = dict[str, Any]
CRON_JOB = "risk-explanations"


def report(verdict: str, distance: float = 0.034, **more: Any) -> str:
    """The termination message of a run."""
    said = {"format": "davylamp.dev/drift/v1", "verdict": verdict, "distance": distance}
    return json.dumps({**said, "limit": 0.1, "message": f"bmi moved by {distance}", **more})


def cron_job(land: Land) -> Json | None:
    return next(iter(land.cluster.find("CronJob")), None)


def start(land: Land, name: str, *, owned: bool = True) -> Json:
    """A Job as the CronJob's controller, or `kubectl create job --from`, makes it."""
    cron = cron_job(land)
    assert cron
    template = copy.deepcopy(cron["spec"]["jobTemplate"])
    owner = {"kind": "CronJob", "name": CRON_JOB, "uid": cron["metadata"]["uid"]}
    metadata = {**template["metadata"], "name": name, "namespace": NAMESPACE}
    if owned:
        metadata["ownerReferences"] = [owner]
    return land.cluster.put(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}
    )


def end(
    land: Land, job: Json, code: int | None, text: str = "", *, image: str = "", **words: str
) -> None:
    """Have a Job end; without an exit code no pod of it is left."""
    if code is not None:
        land.cluster.put(_pod(job, code, text, image))
    kind = "Failed" if code != 0 else "Complete"
    condition = {"type": kind, "status": "True", "lastTransitionTime": _second(land), **words}
    earlier = {"type": "FailureTarget", "status": "True", "lastTransitionTime": _second(land)}
    land.cluster.put({**job, "status": {"conditions": [earlier, condition]}})


def ran(land: Land, name: str, code: int, text: str = "", *, image: str = "") -> None:
    """A whole run; `image` is the id of what it pulled."""
    end(land, start(land, name), code, text, image=image)


def looked_for(cluster: FakeCluster) -> int:
    """How often the pods of a Job were listed."""
    return cluster.reads["list", "Pod"]


def _pod(job: Json, code: int, text: str, image: str) -> Json:
    name = job["metadata"]["name"]
    template = job["spec"]["template"]
    labels = {**template["metadata"]["labels"], "batch.kubernetes.io/job-name": name}
    ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": text}
    owner = {"kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-x1",
            "namespace": job["metadata"]["namespace"],
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
        "status": {
            "phase": "Failed" if code else "Succeeded",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [
                {"name": "drift", "imageID": image, "state": {"terminated": ended}}
            ],
        },
    }


def _second(land: Land) -> str:
    return land.now.strftime("%Y-%m-%dT%H:%M:%SZ")
