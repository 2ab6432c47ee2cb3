"""Log lines as a log collector reads them."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from davylamp.controller.logs import about, configure


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("INFO", stream=stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_line_with_the_fixed_fields(stream: io.StringIO) -> None:
    logging.getLogger("davylamp.x").info("weight %d\n%%", 25)
    (line,) = lines(stream)
    assert line.pop("ts").endswith("+00:00")
    assert line == {"level": "info", "logger": "davylamp.x", "msg": "weight 25\n%"}


def test_records_about_an_object_name_it(stream: io.StringIO) -> None:
    log = about(logging.getLogger("x"), namespace="models", name="risk", revision="9a01")
    log.warning("held", extra={"fields": {"step": 1, "revision": "4be2"}})
    (line,) = lines(stream)
    assert (line["namespace"], line["name"]) == ("models", "risk")
    assert (line["revision"], line["step"]) == ("4be2", 1)


def test_kopf_s_records_name_their_object_too(stream: io.StringIO) -> None:
    reference = {"apiVersion": "v1", "kind": "Pod", "namespace": "models", "name": "p", "uid": "u"}
    logging.getLogger("kopf.objects").info("seen", extra={"k8s_ref": reference, "k8s_skip": True})
    (line,) = lines(stream)
    assert (line["kind"], line["namespace"], line["name"]) == ("Pod", "models", "p")
    assert "uid" not in line


def test_exceptions_carry_their_traceback(stream: io.StringIO) -> None:
    try:
        int("odd")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines(stream)
    assert "test_logs.py" in line["exception"]
    assert line["exception"].endswith("builtins.ValueError")  # its message has the value
    assert line["level"] == "error"


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer abcdefgh.ijkl-mnop",
        "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl was refused",
        "https://user:abcdefgh.ijkl@prometheus:9090/api",
    ],
)
def test_credentials_are_struck_out_everywhere(stream: io.StringIO, secret: str) -> None:
    log = about(logging.getLogger("x"), note=secret)
    try:
        int(secret)
    except ValueError:
        log.exception(secret)
    text = stream.getvalue()
    assert "***" in text
    for part in ("ijkl", "c2lnbmF0dXJl"):
        assert part not in text


def test_below_the_level_nothing_is_written(stream: io.StringIO) -> None:
    logging.getLogger("x").debug("detail")
    assert lines(stream) == []


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure("loud", stream=sys.stderr)
