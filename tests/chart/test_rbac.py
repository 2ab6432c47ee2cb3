"""The operator's rights: what the design needs, verb by verb, and nothing else."""

import pytest
from tests.support.permissions import ADMIN, EDIT, OPERATOR, SECRETS, VIEW, WRITE

pytestmark = pytest.mark.chart


def granted(role):
    """(API group, resource) -> verbs of one role."""
    found = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def roles(rendered):
    return rendered.of("Role") + rendered.of("ClusterRole")


def bound_to_operator(rendered):
    """The roles whose binding names the operator's ServiceAccount."""
    bindings = rendered.of("RoleBinding") + rendered.of("ClusterRoleBinding")
    return {
        (b["roleRef"]["kind"], b["roleRef"]["name"], b["metadata"].get("namespace"))
        for b in bindings
        if b["subjects"]
        == [{"kind": "ServiceAccount", "name": "davylamp", "namespace": "davylamp-system"}]
    }


@pytest.mark.parametrize("namespaces", [[], ["models"]])
def test_no_wildcards_and_no_reading_of_all_secrets(render, namespaces):
    for role in roles(render({"watchNamespaces": namespaces})):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            assert "nonResourceURLs" not in rule
        assert not {"list", "watch"} & granted(role).get(SECRETS, set())


def test_whole_cluster_by_default(defaults):
    assert granted(defaults.one("ClusterRole", "davylamp")) == OPERATOR
    assert bound_to_operator(defaults) == {
        ("ClusterRole", "davylamp", None),
        ("Role", "davylamp-lease", "davylamp-system"),
    }


def test_listed_namespaces_get_roles_and_no_cluster_role_of_the_operator(render):
    rendered = render({"watchNamespaces": ["models", "staging"]})
    assert rendered.of("ClusterRoleBinding") == []
    assert bound_to_operator(rendered) == {
        ("Role", "davylamp", "models"),
        ("Role", "davylamp", "staging"),
        ("Role", "davylamp-lease", "davylamp-system"),
    }
    own = [r for r in rendered.of("Role") if r["metadata"]["name"] == "davylamp"]
    assert [granted(role) for role in own] == [OPERATOR, OPERATOR]
    assert [r["metadata"]["namespace"] for r in own] == ["models", "staging"]
    for role in rendered.of("ClusterRole"):
        writes = {group for (group, _), verbs in granted(role).items() if verbs & WRITE}
        assert writes <= {"davylamp.dev"}


@pytest.mark.parametrize("namespaces", [[], ["models"]])
def test_secrets_switched_off_leave_no_right_to_any(render, namespaces):
    """The only other role that names them is none of the operator's."""
    rendered = render({"secrets": {"enabled": False}, "watchNamespaces": namespaces})
    without = {key: verbs for key, verbs in OPERATOR.items() if key != SECRETS}
    kind = "Role" if namespaces else "ClusterRole"
    assert granted(rendered.one(kind, "davylamp")) == without
    assert not [r for r in roles(rendered) if SECRETS in granted(r)]


def test_the_operator_makes_and_deletes_none_of_what_people_ask_for(defaults):
    """It patches: answered commands are taken off, and `replicas` is filled in where it is left out."""
    verbs = granted(defaults.one("ClusterRole", "davylamp"))["davylamp.dev", "modeldeployments"]
    assert verbs.intersection(WRITE) == {"patch"}


def test_leases_only_of_its_own_name_in_its_own_namespace(render):
    rendered = render({"leaderElection": {"leaseName": "lamp"}})
    role = rendered.one("Role", "davylamp-lease")
    assert role["metadata"]["namespace"] == "davylamp-system"
    named, unnamed = role["rules"]
    assert named["resourceNames"] == ["lamp"]
    assert set(named["verbs"]) == {"get", "update"}
    assert unnamed["verbs"] == ["create"]
    assert [r for r in roles(rendered) if ("coordination.k8s.io", "leases") in granted(r)] == [role]


def test_no_election_no_lease(render):
    rendered = render({"replicas": 1, "leaderElection": {"enabled": False}})
    assert not [r for r in roles(rendered) if ("coordination.k8s.io", "leases") in granted(r)]


def test_people_get_model_deployments_with_their_own_roles(defaults):
    view = defaults.one("ClusterRole", "davylamp-view")
    edit = defaults.one("ClusterRole", "davylamp-edit")
    admin = defaults.one("ClusterRole", "davylamp-admin")
    aggregate = "rbac.authorization.k8s.io/aggregate-to-"
    assert {key for key in view["metadata"]["labels"] if key.startswith(aggregate)} == {
        aggregate + "view",
        aggregate + "edit",
        aggregate + "admin",
    }
    assert aggregate + "view" not in edit["metadata"]["labels"]
    assert granted(view) == VIEW
    assert granted(edit) == EDIT
    assert granted(admin) == ADMIN
    assert {key for key in admin["metadata"]["labels"] if key.startswith(aggregate)} == {
        aggregate + "admin"
    }


def test_who_may_give_which_command_is_a_value(render):
    rendered = render({"rbac": {"edit": ["abort", "promote"], "admin": []}})
    edit = granted(rendered.one("ClusterRole", "davylamp-edit"))
    assert {resource for _, resource in edit} == {
        "modeldeployments",
        *(f"modeldeployments/{name}" for name in ("scale", "abort", "promote")),
    }
    assert "davylamp-admin" not in {r["metadata"]["name"] for r in roles(rendered)}


def test_roles_can_be_left_to_somebody_else(render):
    rendered = render({"rbac": {"create": False}, "serviceAccount": {"create": False, "name": "x"}})
    names = {r["metadata"]["name"] for r in roles(rendered)}
    assert names == {"davylamp-selftest"}
    assert rendered.one("Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "x"
