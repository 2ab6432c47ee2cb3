"""Steady traffic from a pod in the cluster, read while it flows."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lab.kubectl import KubectlError, Object, apply, delete, following, get, wait_until
from lab.models import REPOSITORY
from lab.records import Record, parse

SCRIPT: Final = Path(__file__).resolve().parents[2] / "sample_model/traffic/traffic.py"
START_SECONDS: Final = 60
ANSWER_SECONDS: Final = 15
"""A request without an answer by then is lost; the machine may stall for some seconds."""
END_SECONDS: Final = ANSWER_SECONDS + 10


class Traffic:
    """A context: requests to a Service at a fixed rate, a new connection for each.

    Args:
        namespace: where the Service is and the pod will be.
        service: name of the Service; it has to exist.
        rate: requests per second.
        missing: share of requests that lack a measurement.
        image_tag: tag of the sample model whose image provides Python and the held-out patients.
    """

    def __init__(
        self,
        namespace: str,
        service: str,
        *,
        rate: float = 100,
        missing: float = 0.2,
        image_tag: str,
    ) -> None:
        self._namespace = namespace
        self._service = service
        self._pod = f"traffic-{service}"
        url = f"http://{service}.{namespace}.svc/predict"
        options = [f"--url={url}", f"--rate={rate:g}", f"--missing={missing:g}", "--duration=0"]
        options.append(f"--timeout={ANSWER_SECONDS}")
        metadata = {"name": self._pod, "namespace": namespace}
        self._manifests = (script(metadata), pod(metadata, image_tag, options))
        self._records: list[Record] = []
        self._stopping = threading.Event()
        self._reader = threading.Thread(target=self._read, name=self._pod, daemon=True)

    def __enter__(self) -> Self:
        delete("pod", self._pod, self._namespace, wait=True)
        apply(*self._manifests)
        wait_until(
            self._runs,
            timeout=START_SECONDS,
            what=f"pod {self._pod} to run",
            state=lambda: (get("pod", self._pod, self._namespace) or {}).get("status"),
        )
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def records(self) -> list[Record]:
        """What was answered so far, in the order of the answers."""
        return list(self._records)

    def since(self, position: int) -> list[Record]:
        """What was answered after the first `position` answers."""
        return self._records[position:]

    def wait_for(self, requests: int, timeout: float = 60) -> list[Record]:
        """Until so many more requests have ended; those requests."""
        begin = len(self._records)
        wait_until(
            lambda: len(self._records) >= begin + requests,
            timeout=timeout,
            what=f"{requests} more requests to {self._service}",
            every=0.05,
            state=lambda: f"{len(self._records) - begin} more requests",
        )
        return self.since(begin)

    def stop(self) -> list[Record]:
        """End the traffic and wait for open requests; all records. May be called again."""
        if not self._stopping.is_set():
            self._stopping.set()
            delete("pod", self._pod, self._namespace)
            self._reader.join(timeout=END_SECONDS)
        return self.records()

    def _runs(self) -> bool:
        pod = get("pod", self._pod, self._namespace) or {}
        return bool((pod.get("status") or {}).get("phase") == "Running")

    def _read(self) -> None:
        """Follow the log; a broken stream is resumed where it broke."""
        while True:
            self._follow(skip=len(self._records))
            if self._stopping.is_set():
                return
            time.sleep(0.5)

    def _follow(self, *, skip: int) -> None:
        try:
            with following("logs", "-f", self._pod, "-n", self._namespace) as log:
                for number, record in enumerate(filter(None, map(parse, log.lines))):
                    if number >= skip:
                        self._records.append(record)
        except KubectlError:
            return


def script(metadata: Object) -> Object:
    """The traffic generator as a ConfigMap."""
    text = SCRIPT.read_text(encoding="utf-8")
    data = {"traffic.py": text}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def pod(metadata: Object, image_tag: str, options: list[str]) -> Object:
    """The pod that runs the ConfigMap of its own name until it is deleted."""
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": ANSWER_SECONDS + 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(image_tag, options)],
        "volumes": [{"name": "script", "configMap": {"name": metadata["name"]}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(image_tag: str, options: list[str]) -> Object:
    return {
        "name": "traffic",
        "image": f"{REPOSITORY}:{image_tag}",
        "command": ["python", "/traffic/traffic.py", *options],
        "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "script", "mountPath": "/traffic", "readOnly": True}],
    }
