"""The examples are accepted by a real API server as they are, with the chart's definition and policies."""

import pytest
import yaml
from tests.rights.conftest import AUTHOR
from tests.support.documents import ROOT, label, text
from tests.support.rights import Court, rule

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=label)
def test_an_example_is_accepted_without_a_field_that_is_not_known(path, installed: Court):
    manifest = yaml.safe_load(text(path))
    namespace = installed.namespace(manifest["metadata"]["namespace"])
    rights = (AUTHOR, rule("create", "apps/deployments"), rule("get", "/secrets"))
    author = installed.grant("author-of-examples", namespace, *rights)
    reply = author.create(namespace, manifest, query="?dryRun=All&fieldValidation=Strict")
    assert reply.code == 201, reply.message
