"""Reading the local cluster often: one HTTP connection instead of one kubectl per look."""

import functools
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from kubernetes import config
from kubernetes.client import ApiClient
from urllib3.exceptions import HTTPError

from lab.kubectl import KubectlError
from localcluster.names import CONTEXT

Json = dict[str, Any]
PATHS: Mapping[str, str] = {
    "modeldeployments": "apis/davylamp.dev/v1alpha1",
    "controllerrevisions": "apis/apps/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "poddisruptionbudgets": "apis/policy/v1",
    "cronjobs": "apis/batch/v1",
    "jobs": "apis/batch/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "services": "api/v1",
    "configmaps": "api/v1",
    "secrets": "api/v1",
    "pods": "api/v1",
}


@functools.cache
def _client() -> ApiClient:
    return config.new_client_from_config(context=CONTEXT)


def read(plural: str, namespace: str, name: str = "", **query: str) -> Json | None:
    """One object, or without a name the list; None where there is none.

    Raises:
        KubectlError: the API server did not answer, so that waiting goes on as with kubectl.
    """
    path = "/".join(filter(None, (PATHS[plural], "namespaces", namespace, plural, name)))
    client = _client()
    call = client.param_serialize(
        "GET",
        f"/{path}" + (f"?{urlencode(query)}" if query else ""),
        auth_settings=["BearerToken"],
        header_params={"Accept": "application/json"},
    )
    try:
        answer = client.call_api(*call, _request_timeout=10)
        body = json.loads(answer.read())
    except (OSError, HTTPError) as error:
        raise KubectlError(str(error)) from error
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise KubectlError(f"{path}: {answer.status} {body.get('message')}")
    return body


def items(plural: str, namespace: str, labels: Mapping[str, str] | None = None) -> list[Json]:
    """All objects of a kind, narrowed by labels."""
    selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
    listed = read(plural, namespace, **({"labelSelector": selector} if selector else {}))
    return listed["items"] if listed else []
