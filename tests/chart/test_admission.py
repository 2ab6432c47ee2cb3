"""Policies about who may do what: which are rendered, for which namespaces, and what they do."""

import pytest

pytestmark = pytest.mark.chart
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


def proven_names(rendered) -> str:
    """What the operator is told about names beside commands."""
    [container] = rendered.one("Deployment")["spec"]["template"]["spec"]["containers"]
    return {e["name"]: e.get("value") for e in container["env"]}["DAVYLAMP_PROVEN_NAMES"]


def test_each_policy_has_its_binding_and_denies(defaults):
    policies = {d["metadata"]["name"]: d["spec"] for d in defaults.of(POLICY)}
    bindings = {d["metadata"]["name"]: d["spec"] for d in defaults.of(BINDING)}
    about_models = {"davylamp-workloads", "davylamp-commands"}
    assert policies.keys() == bindings.keys() == about_models | {"davylamp-records"}
    for name, spec in bindings.items():
        assert spec == {"policyName": name, "validationActions": ["Deny"]}
    for name, spec in policies.items():
        assert spec["failurePolicy"] == "Fail"
        [rule] = spec["matchConstraints"]["resourceRules"]
        wanted = "modeldeployments" if name in about_models else "controllerrevisions"
        assert rule["resources"] == [wanted], "no subresource: neither status nor scale"
        assert "namespaceSelector" not in spec["matchConstraints"]


def test_every_refusal_is_a_403_with_words_of_its_own(defaults):
    """The sentence of an expression would be its text."""
    for policy in defaults.of(POLICY):
        for validation in policy["spec"]["validations"]:
            assert validation["reason"] == "Forbidden"
            assert "messageExpression" in validation or "message" in validation


def test_policies_only_for_the_watched_namespaces(render):
    rendered = render({"watchNamespaces": ["models", "staging"]})
    for policy in rendered.of(POLICY):
        assert policy["spec"]["matchConstraints"]["namespaceSelector"] == {
            "matchExpressions": [
                {
                    "key": "kubernetes.io/metadata.name",
                    "operator": "In",
                    "values": ["models", "staging"],
                }
            ]
        }


def test_policies_can_be_left_out(render):
    rendered = render({"admission": {"enabled": False}})
    assert not [d for d in rendered.documents if "Admission" in d["kind"]]
    assert proven_names(rendered) == "false"


@pytest.mark.parametrize(
    ("action", "proven"), [("Deny", "true"), ("Warn", "false"), ("Audit", "false")]
)
def test_names_are_believed_only_where_a_false_one_is_refused(render, action, proven):
    rendered = render({"admission": {"action": action}})
    assert {tuple(d["spec"]["validationActions"]) for d in rendered.of(BINDING)} == {(action,)}
    assert proven_names(rendered) == proven
