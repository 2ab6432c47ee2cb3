"""What refusals print is typed as it is printed, with a real kubectl, before and after the right is given."""

import re
import subprocess
from typing import Any

import pytest
from tests.rights.conftest import AUTHOR
from tests.support.manifests import minimal
from tests.support.rights import Court, Manifest, rule

PRINTED = re.compile(r"to check: kubectl (.*)")
DEPLOYS = rule("create", "apps/deployments")


def answer(plane: Court, who: str, arguments: str) -> str:
    """The last word of kubectl to somebody: yes or no."""
    done = subprocess.run(
        ["kubectl", f"--kubeconfig={plane.plane.kubeconfig}", f"--as={who}", *arguments.split()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return (done.stdout.split() or [done.stderr])[-1]


def named(namespace: str, **spec: Any) -> Manifest:
    made = minimal(namespace=namespace)
    made["spec"].update(spec)
    return made


def account(namespace: str) -> Manifest:
    return named(namespace, serving={"template": {"spec": {"serviceAccountName": "boss"}}})


CASES: dict[str, tuple[Any, Manifest]] = {
    "deployments": (named, rule("create", "apps/deployments")),
    "secret": (
        lambda namespace: named(namespace, secrets=[{"name": "licence"}]),
        rule("get", "/secrets", names=("licence",)),
    ),
    "account": (account, rule("impersonate", "/serviceaccounts", names=("boss",))),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_to_create_a_model(installed, namespace, case):
    make, missing = CASES[case]
    more = () if case == "deployments" else (DEPLOYS,)
    person = installed.grant("author", namespace, AUTHOR, *more)
    reply = person.create(namespace, make(namespace))
    [printed] = PRINTED.findall(reply.message)
    assert answer(installed, "author", printed) == "no", printed
    installed.grant("author", namespace, AUTHOR, *more, missing)
    assert answer(installed, "author", printed) == "yes", printed
    assert person.create(namespace, make(namespace)).code == 201


@pytest.mark.parametrize("command", ["abort", "retry", "advance", "promote", "rollout", "scale"])
def test_what_is_missing_to_give_a_command(installed, namespace, command):
    installed.admin.create(namespace, minimal(namespace=namespace))
    patches = rule("get patch", "davylamp.dev/modeldeployments")
    person = installed.grant("oncall", namespace, patches)
    changes = {"rollout": {"spec": {"paused": True}}, "scale": {"spec": {"replicas": 3}}}
    given = {"metadata": {"annotations": {f"davylamp.dev/{command}": "f1579bf87b"}}}
    change = changes.get(command, given)
    reply = person.change(namespace, "risk", change)
    [printed] = PRINTED.findall(reply.message)
    assert answer(installed, "oncall", printed) == "no", printed
    permitted = rule("update", f"davylamp.dev/modeldeployments/{command}")
    installed.grant("oncall", namespace, patches, permitted)
    assert answer(installed, "oncall", printed) == "yes", printed
    assert person.change(namespace, "risk", change).code == 200
