import argparse
import contextlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.fakehttp import Response, in_turn, serving

from diabetes_model import contract
from diabetes_model.drift import recent, settings
from diabetes_model.drift.recent import RecentError
from diabetes_model.drift.settings import SettingsError
from diabetes_model.snapshots import Limits, SnapshotError

VALUES = (59.0, 2.0, 32.1, None, 157.0, 93.2, 38.0, 4.0, 4.86, 87.0)
ROW = dict(zip(contract.NAMES, VALUES, strict=True))


def table(rows, **others):
    return pa.table({name: [row[name] for row in rows] for name in contract.NAMES} | others)


def write(path, content):
    pq.write_table(content, path)
    return str(path)


@pytest.fixture
def serve():
    """A model server that answers with each of these (code, body) in turn, then with the last."""
    with contextlib.ExitStack() as servers:

        def start(*answers):
            answer = in_turn(*(Response(body, code) for code, body in answers))

            def recent_rows(request):
                response = answer(request)
                return response if request.target == "/recent" else Response(status=400)

            return f"{servers.enter_context(serving(recent_rows)).url}/"

        yield start


def test_rows_of_a_file_come_in_order_and_other_columns_do_not_matter(tmp_path):
    rows = [ROW | {"age": float(age)} for age in (30, 40, 50)]
    found = recent.read(write(tmp_path / "r.parquet", table(rows, at=["x", "y", "z"])), None)
    assert found.rows[:, 0].tolist() == [30, 40, 50]
    assert np.isnan(found.rows[:, contract.NAMES.index("bp")]).all()


def test_a_file_may_spell_a_missing_value_as_not_a_number_and_hold_whole_numbers(tmp_path):
    content = table([ROW]).set_column(3, "bp", [[float("nan")]]).set_column(0, "age", [[59]])
    found = recent.from_parquet(write(tmp_path / "r.parquet", content))
    assert found.rows[0, 0] == 59
    assert np.isnan(found.rows[0, 3])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (table([ROW]).drop_columns(["bmi"]), "bmi: column missing"),
        (table([ROW | {"age": 200.0}]), "breaks the data contract: age: 1 values outside 0..120"),
        (table([ROW | {"sex": None}]), "sex: 1 values missing"),
        (table([ROW]).set_column(0, "age", [["old"]]), "age: is string, must be a number"),
    ],
)
def test_a_file_that_breaks_the_contract_is_refused_by_name(tmp_path, content, message):
    with pytest.raises(RecentError, match=message):
        recent.from_parquet(write(tmp_path / "r.parquet", content))


def test_a_missing_file_another_format_or_an_unknown_protocol_is_one_line(tmp_path):
    (tmp_path / "page.parquet").write_text("<html>")
    for uri, message in (
        (str(tmp_path / "none.parquet"), "FileNotFoundError"),
        (str(tmp_path / "page.parquet"), "no Parquet"),
        ("memory://rows.parquet", "protocol memory is none of file, http"),
    ):
        with pytest.raises((RecentError, SnapshotError), match=message) as caught:
            recent.from_parquet(uri, pause=lambda _: None)
        assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(recent, "LIMITS", Limits(bytes=100))
    with pytest.raises(SnapshotError, match="more than 100 bytes"):
        recent.from_parquet(write(tmp_path / "r.parquet", table([ROW])))


def test_rows_of_a_server_come_in_order(serve):
    rows = [ROW, ROW | {"bp": 90}]
    found = recent.read(None, serve((200, json.dumps({"rows": rows}))))
    assert found.source.endswith("/recent")
    assert np.isnan(found.rows[0, 3])
    assert found.rows[1, 3] == 90


def test_a_server_that_answers_late_is_asked_again(serve):
    pauses = []
    url = serve((503, ""), (500, ""), (200, json.dumps({"rows": [ROW]})))
    assert len(recent.from_server(url, pause=pauses.append).rows) == 1
    assert len(pauses) == 2


def test_a_server_that_never_answers_is_named(serve):
    pauses = []
    with pytest.raises(RecentError, match=r"/recent: HTTP Error 503"):
        recent.from_server(serve((503, "")), pause=pauses.append)
    assert len(pauses) == 3


def test_no_traffic_and_no_memory_of_it_are_no_failure(serve):
    assert recent.from_server(serve((200, '{"rows": []}'))).absence == "there was no traffic"
    found = recent.from_server(serve((404, "{}")))
    assert found.absence == "the server keeps no recent rows"
    assert found.rows.shape == (0, 10)


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        '{"rows": [{"age": 1}]}',
        '{"rows": 7}',
        json.dumps({"rows": [ROW | {"age": True}]}),
        json.dumps({"rows": [ROW | {"age": "59"}]}),
    ],
)
def test_an_answer_without_rows_is_refused(serve, body):
    with pytest.raises(RecentError, match="no rows in the answer"):
        recent.from_server(serve((200, body)))


def test_an_answer_out_of_range_is_refused(serve):
    body = json.dumps({"rows": [ROW | {"age": float("nan")}]})
    with pytest.raises(RecentError, match="breaks the data contract: age"):
        recent.from_server(serve((200, body)))


def test_neither_server_nor_file_is_an_error():
    with pytest.raises(RecentError, match="neither a model server nor a file"):
        recent.read(None, None)


def options(*arguments):
    parser = argparse.ArgumentParser()
    settings.add_arguments(parser)
    return parser.parse_args(arguments)


def test_options_win_over_the_environment_and_empty_variables_are_none(tmp_path):
    environment = {
        "DAVYLAMP_RECENT_URI": "",
        "DAVYLAMP_SERVER_URL": "http://stable",
        "DAVYLAMP_EXPLANATION_DISTANCE": "0.25",
        "DAVYLAMP_IMAGE_TAG": "v1",
        "DAVYLAMP_SEED": "0",
        "TERMINATION_LOG": str(tmp_path / "log"),
    }
    found = settings.read(options("--server", "http://other"), environment)
    assert (found.recent, found.server, found.limit) == (None, "http://other", 0.25)
    assert found.claims == {"image tag": "v1", "seed": "0"}
    assert found.termination_log == tmp_path / "log"
    assert found.model_directory == Path("/app/model")


@pytest.mark.parametrize("distance", ["0", "1", "-0.1", "nan", "much"])
def test_a_distance_that_is_no_part_is_refused(distance):
    with pytest.raises(SettingsError, match="distance must be a number above 0 and below 1"):
        settings.read(options("--distance", distance), {})


def test_a_remote_file_is_asked_for_again_and_its_secrets_are_not_told(serve):
    pauses = []
    uri = serve((503, "")).replace("http://", "http://user:password@") + "recent"
    with pytest.raises(SnapshotError) as caught:
        recent.from_parquet(uri, pause=pauses.append)
    assert len(pauses) == 3
    assert "password" not in str(caught.value)
