"""docs/clusters.md and docs/threat-model.md are lists of promises: each row names tests, and they exist."""

import re

import pytest
from tests.support.documents import DOCS, ROOT, code, rows, text

PAGES = (DOCS / "clusters.md", DOCS / "threat-model.md")
PROMISES = [row for page in PAGES for row in rows(text(page)) if row[-1] != "shown by"]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda row: row[0][:60])
def test_each_promise_names_tests_that_exist(promise: tuple[str, ...]):
    assert len(promise) == 3, promise
    named = code(promise[2])
    assert named, promise
    for test in named:
        path, _, function = test.partition("::")
        assert re.search(rf"^\s*(async )?def {function}\(", text(ROOT / path), re.MULTILINE), test
