"""What the server remembers of its traffic, and what the nightly job makes of it."""

import json

import numpy as np
import pytest
from starlette.testclient import TestClient

from diabetes_model import contract
from diabetes_model.drift import recent as job
from diabetes_model.server.app import create_app
from diabetes_model.server.recent import RecentRows
from diabetes_model.server.settings import Settings

ROW = dict(zip(contract.NAMES, [59, 2, 32.1, None, 157, 93.2, 38, 4, 4.86, 87], strict=True))


def client(directory, **environment):
    return TestClient(create_app(Settings.read({"MODEL_DIRECTORY": str(directory), **environment})))


def numbered(begin, end):
    return np.arange(begin, end, dtype=np.float64)[:, None] * np.ones(len(contract.NAMES))


@pytest.mark.parametrize("sizes", [[1] * 12, [5, 5, 2], [3, 9], [12], [7, 5], [2, 3]])
@pytest.mark.parametrize("most", [1, 4, 5, 12, 100])
def test_the_last_rows_are_kept_oldest_first(most, sizes):
    kept, total = RecentRows(most), 0
    for size in sizes:
        kept.keep(numbered(total, total + size))
        total += size
    assert kept.rows()[:, 0].tolist() == list(range(max(0, total - most), total))


def test_nothing_is_kept_unless_asked_for(good):
    server = client(good)
    server.post("/predict", json={"rows": [ROW]})
    answer = server.get("/recent")
    assert answer.status_code == 404
    assert answer.json() == {"error": "no rows are kept: RECENT_ROWS is not set"}


def test_rows_that_were_answered_are_told_with_their_gaps(bad):
    server = client(bad, RECENT_ROWS="500")
    assert server.get("/recent").json() == {"rows": []}
    complete = ROW | {"bp": 101}
    assert server.post("/predict", json={"rows": [complete] * 300}).status_code == 200
    assert server.post("/predict", json={"rows": [ROW]}).status_code == 500
    assert server.post("/predict", json={"rows": [ROW | {"bmi": 1000}]}).status_code == 422
    assert server.post("/explain", json={"rows": [ROW | {"bp": 90}]}).status_code == 200
    tensor = {"name": "features", "shape": [1, 10], "datatype": "FP64"}
    body = {"inputs": [tensor | {"data": list((ROW | {"bp": 99}).values())}]}
    assert server.post("/v2/models/diabetes-risk/infer", json=body).status_code == 200
    assert server.get("/recent").json() == {"rows": [complete] * 300 + [ROW | {"bp": 99}]}


def test_the_nightly_job_reads_what_the_server_tells(good):
    server = client(good, RECENT_ROWS="10")
    server.post("/predict", json={"rows": [ROW, ROW | {"s6": None}]})
    content = server.get("/recent").content
    found = job._parsed(content, "the server")
    assert found.rows.shape == (2, len(contract.NAMES))
    assert json.loads(content)["rows"][1]["s6"] is None
    assert np.isnan(found.rows[1, contract.NAMES.index("s6")])
