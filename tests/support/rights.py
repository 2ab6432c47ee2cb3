"""An API server of its own that decides who may do what, and the people who ask it."""

import contextlib
import json
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests
import yaml
from bench.scale.controlplane import TOKEN, ControlPlane
from tests.support.permissions import Granted
from urllib3.exceptions import InsecureRequestWarning

from localcluster.progress import Progress

Manifest = dict[str, Any]
CHART: Final = Path(__file__).parents[2] / "charts" / "davylamp"
RELEASE: Final = "davylamp"
SYSTEM: Final = "davylamp-system"
OPERATOR: Final = f"system:serviceaccount:{SYSTEM}:{RELEASE}"
GROUP: Final = "/apis/davylamp.dev/v1alpha1"
EVERYBODYS: Final = ("authentication.k8s.io", "authorization.k8s.io")
"""Groups in which everybody may ask about themselves."""
OPTIONS: Final = (
    "--authorization-mode=RBAC",
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
)
CONTROLLERS: Final = (
    "clusterrole-aggregation",
    "garbage-collector",
    "validatingadmissionpolicy-status",
)
MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
APPLY: Final = "application/apply-patch+yaml"
COLLECTIONS: Final[Mapping[str, str]] = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
    ),
    "MutatingAdmissionPolicy": (
        "/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicies"
    ),
    "MutatingAdmissionPolicyBinding": (
        "/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicybindings"
    ),
}
"""Where the kinds of the chart are, that have to do with rights."""


@dataclass(frozen=True)
class Reply:
    """What the API server answered."""

    code: int
    content: Manifest
    warning: str = ""

    @property
    def is_refused(self) -> bool:
        return self.code >= 400

    @property
    def message(self) -> str:
        return str(self.content.get("message", ""))


@dataclass(frozen=True)
class Person:
    """Somebody who asks the API server; without a name, its administrator."""

    url: str
    name: str = ""
    groups: tuple[str, ...] = ("system:authenticated",)

    def ask(
        self, method: str, path: str, body: object = None, kind: str = "application/json"
    ) -> Reply:
        """Send a request, whatever comes of it."""
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", kind)]
        who = {"Impersonate-User": self.name} if self.name else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InsecureRequestWarning)
            answer = requests.request(
                method,
                f"{self.url}{path}",
                data=None if body is None else json.dumps(body),
                headers={**dict(headers), **who},
                verify=False,
                timeout=60,
            )
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        content = answer.json() if is_json else {"message": answer.text}
        return Reply(answer.status_code, content, answer.headers.get("Warning", ""))

    def create(self, namespace: str, manifest: Manifest, *, query: str = "") -> Reply:
        """Create a ModelDeployment."""
        return self.ask("POST", f"{of(namespace)}{query}", manifest)

    def change(
        self, namespace: str, name: str, patch: object, *, sub: str = "", kind: str = MERGE
    ) -> Reply:
        """Patch a ModelDeployment, or a subresource of one."""
        path = f"{of(namespace)}/{name}{'/' if sub else ''}{sub}"
        field_manager = "?fieldManager=tests&force=true" if kind == APPLY else ""
        return self.ask("PATCH", f"{path}{field_manager}", patch, kind)

    def annotate(self, namespace: str, name: str, **commands: str | None) -> Reply:
        """Give commands; `by_abort` is the name beside `abort`."""
        annotations = {
            f"by.davylamp.dev/{key.removeprefix('by_')}"
            if key.startswith("by_")
            else f"davylamp.dev/{key}": value
            for key, value in commands.items()
        }
        return self.change(namespace, name, {"metadata": {"annotations": annotations}})

    def rules(self, namespace: str) -> Granted:
        """All that somebody may do in a namespace and what has none, besides what everybody may."""
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        reply = self.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body)
        assert not reply.content["status"]["incomplete"]
        granted: Granted = {}
        for entry in reply.content["status"]["resourceRules"]:
            for group in entry["apiGroups"]:
                for resource in entry["resources"]:
                    named = (
                        f"{resource}:{','.join(entry['resourceNames'])}"
                        if entry.get("resourceNames")
                        else resource
                    )
                    granted.setdefault((group, named), set()).update(entry["verbs"])
        return {key: verbs for key, verbs in granted.items() if key[0] not in EVERYBODYS}

    def may(self, verb: str, resource: str, namespace: str = "", name: str = "") -> bool:
        """Ask for one right; `group/resource/subresource`, the group empty for the core."""
        group, resource, *sub = resource.split("/")
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace}
        attributes |= {"name": name} if name else {}
        attributes |= {"subresource": sub[0]} if sub else {}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        reply = self.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
        return bool(reply.content["status"]["allowed"])


def of(namespace: str) -> str:
    """Path of the ModelDeployments of a namespace."""
    return f"{GROUP}/namespaces/{namespace}/modeldeployments"


@dataclass
class Court:
    """The API server with the chart's rules in it."""

    plane: ControlPlane
    made: list[str] = field(default_factory=list)

    @property
    def admin(self) -> Person:
        return self.person("")

    def person(self, name: str) -> Person:
        """Somebody; the operator and other ServiceAccounts by their full names."""
        return Person(f"https://127.0.0.1:{self.plane.port}", name)

    def put(self, manifest: Manifest) -> None:
        """Store an object of the chart, or replace it."""
        path = COLLECTIONS[manifest["kind"]].format(manifest["metadata"].get("namespace", ""))
        where = f"{path}/{manifest['metadata']['name']}"
        reply = self.admin.ask("PATCH", f"{where}?fieldManager=helm&force=true", manifest, APPLY)
        assert not reply.is_refused, (manifest["metadata"]["name"], reply.message)

    def get(self, kind: str, name: str) -> Manifest:
        """An object of the chart without a namespace."""
        return self.admin.ask("GET", f"{COLLECTIONS[kind]}/{name}").content

    def drop(self, manifest: Manifest) -> None:
        """Delete an object of the chart."""
        path = COLLECTIONS[manifest["kind"]].format(manifest["metadata"].get("namespace", ""))
        self.admin.ask("DELETE", f"{path}/{manifest['metadata']['name']}")

    def namespace(self, name: str) -> str:
        """A namespace, made where it is not there."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.admin.ask("POST", "/api/v1/namespaces", body)
        return name

    def grant(self, who: str, namespace: str, *rules: Manifest) -> Person:
        """Give somebody a role of their own in a namespace."""
        name = who.rsplit(":", 1)[-1]
        metadata = {"name": name, "namespace": namespace}
        api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
        self.put({**api, "kind": "Role", "rules": list(rules)})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        self.put({**api, "kind": "RoleBinding", "roleRef": role, "subjects": [subject(who)]})
        return self.person(who)

    def bind(self, who: str, namespace: str, role: str) -> Person:
        """Give somebody one of the cluster's own roles in a namespace."""
        self.put(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": f"{who}-{role}", "namespace": namespace},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": role,
                },
                "subjects": [subject(who)],
            }
        )
        return self.person(who)


def subject(who: str) -> Manifest:
    """Somebody as a binding names them."""
    if who.startswith("system:serviceaccount:"):
        _, _, namespace, name = who.split(":")
        return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": who}


def rule(verbs: str, *resources: str, names: tuple[str, ...] = ()) -> Manifest:
    """A rule of a role: verbs with spaces between, resources as `group/resource/subresource`."""
    groups = sorted({resource.split("/", 1)[0] for resource in resources})
    made = {
        "apiGroups": groups,
        "resources": [resource.split("/", 1)[1] for resource in resources],
        "verbs": verbs.split(),
    }
    return {**made, "resourceNames": list(names)} if names else made


def rendered(
    values: Mapping[str, Any], *options: str, release: str = RELEASE, namespace: str = SYSTEM
) -> list[Manifest]:
    """What the chart has to do with rights: everything but what runs."""
    done = subprocess.run(
        [
            *("helm", "template", release, str(CHART), "--namespace", namespace),
            *("--no-hooks", "--values", "-", *options),
        ],
        input=yaml.safe_dump(dict(values)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    return [document for document in documents if document["kind"] in COLLECTIONS]


def until(holds: Callable[[], bool], what: str, *, within: float = 60) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + within
    while not holds():
        assert time.monotonic() < ends, f"not within {within} s: {what}"
        time.sleep(0.2)


@contextlib.contextmanager
def court(folder: Path, *more: str) -> Iterator[Court]:
    """An API server that obeys RBAC, with the CRD in it; ends with the context."""
    plane = ControlPlane(
        folder,
        options=(*OPTIONS, *more),
        controllers=CONTROLLERS,
    )
    try:
        plane.start(Progress())
        yield Court(plane)
    finally:
        plane.stop()
