"""Each command has a permission of its own, and a name beside one is the name of whoever gave it."""

import pytest
from tests.rights.conftest import AUTHOR
from tests.support.manifests import minimal
from tests.support.permissions import ADMIN, EDIT
from tests.support.rights import Court, Person, rule, until

REVISION = "f1579bf87b"
COMMANDS = ("abort", "retry", "advance", "promote")
PATCHES = rule("get patch", "davylamp.dev/modeldeployments")


def allowed_to(*commands: str) -> dict:
    return rule("update", *(f"davylamp.dev/modeldeployments/{command}" for command in commands))


@pytest.fixture
def model(installed: Court, namespace: str) -> str:
    """A ModelDeployment called risk; its namespace."""
    assert installed.admin.create(namespace, minimal(namespace=namespace)).code == 201
    return namespace


def annotations(installed: Court, namespace: str) -> dict[str, str]:
    path = f"/apis/davylamp.dev/v1alpha1/namespaces/{namespace}/modeldeployments/risk"
    content = installed.admin.ask("GET", path).content
    return dict(content["metadata"].get("annotations", {}))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_its_own_permission_and_no_other(installed, model, command):
    others = [other for other in COMMANDS if other != command]
    person = installed.grant("oncall", model, PATCHES, allowed_to(*others, "rollout", "scale"))
    reply = person.annotate(model, "risk", **{command: REVISION})
    assert reply.code == 403
    assert (
        f"the command {command} needs the verb update on modeldeployments/{command}"
        in reply.message
    )
    line = f"kubectl auth can-i update modeldeployments.davylamp.dev/risk --subresource={command} -n {model}"
    assert line in reply.message
    allowed = installed.grant("allowed", model, PATCHES, allowed_to(command))
    assert allowed.annotate(model, "risk", **{command: REVISION}).code == 200


@pytest.mark.parametrize(("role", "given"), [("edit", EDIT), ("admin", {**EDIT, **ADMIN})])
def test_the_clusters_own_roles_give_what_the_chart_says(installed, model, role, given):
    person = installed.bind(f"some-{role}", model, role)
    for command in COMMANDS:
        wanted = 200 if ("davylamp.dev", f"modeldeployments/{command}") in given else 403
        assert person.annotate(model, "risk", **{command: REVISION}).code == wanted, command


def test_who_may_only_patch_changes_nothing_that_matters(installed, model):
    """Whoever may abort has to be able to patch; that alone must not be the way round everything."""
    person = installed.grant("oncall", model, PATCHES, allowed_to("abort"))
    for spec in (
        {"rollout": {"gates": []}},
        {"rollout": {"steps": []}},
        {"paused": True},
        {"replicas": 9},
        {"image": {"tag": "v2"}},
    ):
        assert person.change(model, "risk", {"spec": spec}).code == 403, spec
    reply = person.change(model, "risk", {"spec": {"rollout": {"gates": []}}})
    assert "--subresource=rollout" in reply.message
    assert person.annotate(model, "risk", abort=REVISION).code == 200


def test_what_is_there_already_is_not_given_anew(installed, model):
    installed.admin.annotate(model, "risk", promote=REVISION)
    person = installed.grant("oncall", model, PATCHES, allowed_to("abort"))
    labels = {"metadata": {"labels": {"team": "risk"}}}
    assert person.change(model, "risk", labels).code == 200
    assert person.annotate(model, "risk", promote=REVISION).code == 200
    assert person.annotate(model, "risk", promote=f"{REVISION}@2").code == 403
    assert person.annotate(model, "risk", promote=None).code == 200, "a command may be withdrawn"


def test_a_new_object_brings_no_command_with_it(installed, namespace):
    person = installed.grant("author", namespace, AUTHOR, rule("create", "apps/deployments"))
    manifest = minimal(namespace=namespace)
    manifest["metadata"]["annotations"] = {"davylamp.dev/promote": REVISION}
    assert person.create(namespace, manifest).code == 403


# --- names -------------------------------------------------------------------------------------


@pytest.fixture
def alice(installed: Court, model: str) -> Person:
    return installed.grant("alice", model, PATCHES, allowed_to(*COMMANDS))


@pytest.fixture
def mallory(installed: Court, model: str) -> Person:
    return installed.grant("mallory", model, PATCHES, allowed_to(*COMMANDS))


def test_a_name_is_no_must_and_ones_own_is_taken(installed, model, alice):
    assert alice.annotate(model, "risk", abort=REVISION).code == 200
    given = alice.annotate(model, "risk", promote=REVISION, by_promote=f"{REVISION} alice")
    assert given.code == 200, given.message
    assert annotations(installed, model)["by.davylamp.dev/promote"] == f"{REVISION} alice"


@pytest.mark.parametrize(
    "beside",
    ["{} alice", "{}", "alice", "other alice", "{}  mallory", "{} mallory alice", "", "{} Mallory"],
)
def test_nobody_gives_a_command_in_the_name_of_somebody_else(model, mallory, beside):
    name = beside.format(REVISION)
    reply = mallory.annotate(model, "risk", abort=REVISION, by_abort=name)
    assert reply.code == 403
    assert "your own name, mallory" in reply.message


def test_a_name_is_written_with_its_command_or_not_at_all(installed, model, alice, mallory):
    alice.annotate(model, "risk", abort=REVISION)
    assert mallory.annotate(model, "risk", by_abort=f"{REVISION} alice").code == 403
    assert mallory.annotate(model, "risk", by_abort=f"{REVISION} mallory").code == 403
    assert mallory.annotate(model, "risk", by_promote=f"{REVISION} mallory").code == 403


def test_a_name_that_was_left_behind_is_about_no_other_command(installed, model, alice, mallory):
    """It repeats its command's value: nobody on call is refused for what somebody left there."""
    alice.annotate(model, "risk", abort=REVISION, by_abort=f"{REVISION} alice")
    alice.annotate(model, "risk", abort=None)
    assert annotations(installed, model) == {"by.davylamp.dev/abort": f"{REVISION} alice"}
    assert mallory.annotate(model, "risk", abort=REVISION).code == 403, (
        "it would be in alice's name"
    )
    assert mallory.annotate(model, "risk", abort="another").code == 200
    assert mallory.annotate(model, "risk", by_abort=None).code == 200
    assert mallory.annotate(model, "risk", abort=REVISION).code == 200


def test_a_spec_is_in_nobody_elses_name_either(installed, model):
    rights = (AUTHOR, rule("create", "apps/deployments"))
    mallory = installed.grant("mallory", model, *rights)
    for words, code in (
        ("2 alice", 403),
        ("1 mallory", 403),
        ("3 mallory", 403),
        ("2 mallory", 200),
    ):
        written = {"metadata": {"annotations": {"by.davylamp.dev/spec": words}}}
        change = {**written, "spec": {"image": {"tag": "v2"}}}
        assert mallory.change(model, "risk", change).code == code, words
    assert mallory.change(model, "risk", {"spec": {"image": {"tag": "v3"}}}).code == 200
    stale = {"metadata": {"annotations": {"by.davylamp.dev/spec": "3 mallory"}}}
    assert mallory.change(model, "risk", stale).code == 403, (
        "that is written with the spec or not at all"
    )


def test_the_command_that_the_refusal_prints_mends_it(installed, model, alice, mallory):
    alice.annotate(model, "risk", abort=REVISION, by_abort=f"{REVISION} alice")
    alice.annotate(model, "risk", abort=None)
    reply = mallory.annotate(model, "risk", abort=REVISION)
    printed = reply.message.split("leave it out: ")[1]
    assert printed == (
        "kubectl annotate modeldeployment.davylamp.dev/risk by.davylamp.dev/abort- by.davylamp.dev/retry- "
        f"by.davylamp.dev/advance- by.davylamp.dev/promote- -n {model}"
    )


def test_who_restores_a_backup_is_told_what_to_take_out_of_it(installed, namespace):
    """There is no object yet from which kubectl could take an annotation."""
    rights = (AUTHOR, rule("create", "apps/deployments"), allowed_to(*COMMANDS))
    person = installed.grant("velero", namespace, *rights)
    for name in ("spec", "abort"):
        stored = minimal(namespace=namespace)
        stored["metadata"]["annotations"] = {f"by.davylamp.dev/{name}": "7 alice"}
        reply = person.create(namespace, stored)
        assert reply.code == 403
        assert "out of the manifest" in reply.message
        assert "kubectl" not in reply.message


def test_the_policies_are_typed_as_the_definition_is(installed):
    """The API server compares their expressions with the fields of the definition."""
    for policy in ("davylamp-workloads", "davylamp-commands", "davylamp-records"):

        def checked(policy=policy) -> bool:
            stored = installed.get("ValidatingAdmissionPolicy", policy)
            return (
                stored.get("status", {}).get("observedGeneration")
                == stored["metadata"]["generation"]
            )

        until(checked, f"the types of {policy}")
        status = installed.get("ValidatingAdmissionPolicy", policy)["status"]
        assert status.get("typeChecking", {}).get("expressionWarnings", []) == []
