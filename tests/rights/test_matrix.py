"""Who may do what with the chart's roles, as the API server itself answers: all of it, and nothing more."""

import pytest
from tests.support.permissions import ADMIN, EDIT, OPERATOR, SECRETS, VIEW, together
from tests.support.rights import OPERATOR as ACCOUNT
from tests.support.rights import RELEASE, SYSTEM, Court, rendered, until

LEASE = {
    ("coordination.k8s.io", f"leases:{RELEASE}"): {"get", "update"},
    ("coordination.k8s.io", "leases"): {"create"},
}
SECOND = {"crds": {"install": False}, "admission": {"enabled": False}, "rbac": {"aggregate": False}}


def account(release: str) -> str:
    return f"system:serviceaccount:{SYSTEM}:{release}-davylamp"


def lease(release: str) -> dict:
    return {
        ("coordination.k8s.io", f"leases:{release}-davylamp"): {"get", "update"},
        ("coordination.k8s.io", "leases"): {"create"},
    }


def second(plane: Court, release: str, **values: object) -> None:
    """Another release beside the first one: only roles and bindings."""
    for document in rendered({**SECOND, **values}, release=release):
        plane.put(document)


def test_the_operator_by_default(installed):
    operator = installed.person(ACCOUNT)
    installed.namespace("anywhere")
    assert operator.rules("anywhere") == OPERATOR
    assert operator.rules(SYSTEM) == together(OPERATOR, LEASE)


def test_the_operator_without_secrets(installed):
    second(installed, "blind", secrets={"enabled": False})
    operator = installed.person(account("blind"))
    without = {key: verbs for key, verbs in OPERATOR.items() if key != SECRETS}
    assert operator.rules("anywhere") == without
    for verb in ("get", "list", "watch", "create", "update", "patch", "delete"):
        assert not operator.may(verb, "/secrets", "anywhere", "licence")
        assert not operator.may(verb, "/secrets", SYSTEM, "licence")


@pytest.mark.parametrize("secrets", [True, False])
def test_the_operator_in_listed_namespaces(installed, secrets):
    release = "narrow" if secrets else "narrowblind"
    for name in ("listed", "unlisted"):
        installed.namespace(name)
    second(installed, release, watchNamespaces=["listed"], secrets={"enabled": secrets})
    operator = installed.person(account(release))
    wanted = {key: verbs for key, verbs in OPERATOR.items() if secrets or key != SECRETS}
    assert operator.rules("listed") == wanted
    assert operator.rules("unlisted") == {}
    assert operator.rules(SYSTEM) == lease(release)


@pytest.mark.parametrize(
    ("role", "wanted"),
    [
        ("view", VIEW),
        ("edit", together(VIEW, EDIT)),
        ("admin", together(VIEW, EDIT, ADMIN)),
    ],
)
def test_people_with_the_clusters_own_roles(installed, namespace, role, wanted):
    person = installed.bind(f"a-{role}", namespace, role)

    def own() -> dict:
        return {key: v for key, v in person.rules(namespace).items() if key[0] == "davylamp.dev"}

    until(lambda: own() == wanted, f"the aggregated role {role}")
    assert not person.may("update", "davylamp.dev/modeldeployments/status", namespace)


def test_without_a_role_there_is_no_right(installed, namespace):
    assert installed.person("stranger").rules(namespace) == {}


def test_nobody_but_the_operator_gets_what_it_has(installed):
    """A role of the chart is bound to the operator's ServiceAccount only."""
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        bindings = [d for d in rendered({}) if d["kind"] == kind]
        subjects = [s for binding in bindings for s in binding["subjects"]]
        assert subjects == [
            {"kind": "ServiceAccount", "name": RELEASE, "namespace": SYSTEM} for _ in bindings
        ]
