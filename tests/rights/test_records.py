"""Records of revisions: what they hold is applied with the operator's rights, so it alone makes them."""

from tests.rights.conftest import AUTHOR
from tests.support.rights import APPLY, OPERATOR, Manifest, Person, Reply, rule

WRITES_RECORDS = rule("get list create update patch delete", "apps/controllerrevisions")
OURS = {"app.kubernetes.io/managed-by": "davylamp", "davylamp.dev/model": "risk"}
NODE = {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}


def forged(namespace: str, name: str = "risk-f1579bf87b", **labels: str) -> Manifest:
    """A record as the operator would read it, with what nobody may ask it for."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "revision": 1,
        "data": {"deployment": {"spec": {"template": {"spec": NODE}}}},
    }


def path(namespace: str, name: str = "") -> str:
    collection = f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions"
    return f"{collection}/{name}" if name else collection


def created(person: Person, namespace: str, record: Manifest) -> Reply:
    """By server-side apply, as the operator does: the API server writes what it holds in its own way."""
    where = path(namespace, record["metadata"]["name"])
    return person.ask("PATCH", f"{where}?fieldManager=tests&force=true", record, APPLY)


def changed(person: Person, namespace: str, patch: Manifest) -> Reply:
    where = path(namespace, "risk-f1579bf87b")
    return person.ask("PATCH", where, patch, "application/merge-patch+json")


def test_a_tenant_who_may_write_controllerrevisions_makes_no_record(installed, namespace):
    tenant = installed.grant("tenant", namespace, AUTHOR, WRITES_RECORDS)
    record = forged(namespace, **OURS)
    reply = created(tenant, namespace, record)
    assert reply.code == 403
    assert "create on modeldeployments/records" in reply.message
    assert "--subresource=records" in reply.message
    assert tenant.ask("POST", path(namespace), record).code == 403


def test_nothing_becomes_a_record_by_labels_that_are_put_on_later(installed, namespace):
    tenant = installed.grant("tenant", namespace, AUTHOR, WRITES_RECORDS)
    assert created(tenant, namespace, forged(namespace, app="database")).code == 201
    assert changed(tenant, namespace, {"metadata": {"labels": OURS}}).code == 403
    assert changed(tenant, namespace, {"metadata": {"labels": {"app": "other"}}}).code == 200


def test_a_record_does_not_become_another_ones(installed, namespace):
    operator = installed.person(OPERATOR)
    assert created(operator, namespace, forged(namespace, **OURS)).code == 201
    tenant = installed.grant("tenant", namespace, AUTHOR, WRITES_RECORDS)
    for label in ("davylamp.dev/model", "app.kubernetes.io/managed-by"):
        assert changed(tenant, namespace, {"metadata": {"labels": {label: "x"}}}).code == 403


def test_the_operator_and_whoever_restores_a_backup_make_records(installed, namespace):
    assert created(installed.person(OPERATOR), namespace, forged(namespace, **OURS)).code == 201
    adopted = {"metadata": {"ownerReferences": [], "annotations": {"x": "y"}}}
    assert changed(installed.person(OPERATOR), namespace, adopted).code == 200
    restores = rule("create", "davylamp.dev/modeldeployments/records")
    backup = installed.grant("backup", namespace, WRITES_RECORDS, restores)
    assert created(backup, namespace, forged(namespace, "risk-2", **OURS)).code == 201
    assert created(installed.admin, namespace, forged(namespace, "risk-3", **OURS)).code == 201


def test_revisions_of_other_controllers_are_none_of_the_policys_business(installed, namespace):
    other = installed.grant("other", namespace, WRITES_RECORDS)
    assert created(other, namespace, forged(namespace, app="database")).code == 201
