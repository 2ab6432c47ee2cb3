"""The real process: gunicorn, signals, crashes, and real traffic over loopback."""

import csv
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from tests.support.modelprocess import wait_ready

from diabetes_model.manifest import Manifest


@contextmanager
def serving(root, directory, port, **environment):
    process = subprocess.Popen(
        [sys.executable, "-m", "diabetes_model", "serve"],
        cwd=root,
        env={"PORT": str(port), "MODEL_DIRECTORY": str(directory), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        time.sleep(0.02)


def start_traffic(root, port, *options):
    url = f"http://127.0.0.1:{port}/predict"
    command = [sys.executable, root / "traffic/traffic.py", "--url", url, *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def converse(port, body, stop, answers, losses):
    """Asks one request after the other on a kept connection, until the server takes no new one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not stop.is_set():
        fresh = connection.sock is None
        try:
            if fresh:
                connection.connect()
        except OSError:
            break
        try:
            connection.request("POST", "/predict", body)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read(), answer.will_close, time.time()))
        except (OSError, http.client.HTTPException) as error:
            # On a fresh connection the server was never there; on a kept one it promised to be.
            losses.append((fresh, error))
            connection.close()
    connection.close()


def lines(text):
    return list(csv.reader(io.StringIO(text)))


def test_bad_model_fails_the_share_of_requests_that_lack_a_measurement(root, bad, free_port):
    with serving(root, bad, free_port, DAVYLAMP_REVISION="9a01deadbe"):
        wait_ready(free_port)
        traffic = start_traffic(root, free_port, "--rate", 100, "--duration", 3, "--missing", 0.2)
        answers = lines(traffic.communicate(timeout=60)[0])
    failed = [answer for answer in answers if answer[2] == "500"]
    assert len(answers) == 300
    assert {answer[2] for answer in answers} == {"200", "500"}
    assert 30 <= len(failed) <= 95
    assert {(answer[3], answer[4]) for answer in answers} == {("9a01deadbe", "v2-test")}
    assert all("is not a number" in answer[5] for answer in failed)


def test_p12_sigterm_cuts_no_answer_short_and_keeps_serving_for_a_moment(root, good, free_port):
    with serving(root, good, free_port) as server:
        wait_ready(free_port)
        traffic = start_traffic(root, free_port, "--rate", 50, "--missing", 0.2)
        first = traffic.stdout.readline()
        stopped_at = time.time()
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
        traffic.send_signal(signal.SIGTERM)
        answers = lines(first + traffic.communicate(timeout=30)[0])
    served = [float(answer[0]) for answer in answers if answer[2] == "200"]
    errors = {answer[5].split(":")[0] for answer in answers if answer[2] != "200"}
    assert max(served) - stopped_at > 0.9
    # A client without a preStop pause can be refused or reset before an answer began; never cut.
    assert errors <= {"ConnectionRefusedError", "ConnectionResetError"}


def test_p12_sigterm_loses_no_request_on_kept_connections(root, good, free_port):
    body = json.dumps({"rows": [dict(Manifest.read(good).golden[0].request.rows[0])]})
    stop, answers, losses = threading.Event(), [], []
    with serving(root, good, free_port) as server:
        wait_ready(free_port)
        clients = [
            threading.Thread(target=converse, args=(free_port, body, stop, answers, losses))
            for _ in range(4)
        ]
        for client in clients:
            client.start()
        wait_until(lambda: len(answers) > 50)
        stopped_at = time.time()
        server.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(timeout=30)
        stop.set()
        assert server.wait(timeout=30) == 0
    assert [error for fresh, error in losses if not fresh] == []
    assert {status for status, _, _, _ in answers} == {200}
    assert max(at for _, _, _, at in answers) - stopped_at > 0.9
    late = [closes for _, _, closes, at in answers if at > stopped_at + 0.5]
    assert late
    assert all(late)  # nobody is invited to stay


def test_every_line_of_the_log_is_json_of_one_form(root, bad, free_port):
    with serving(root, bad, free_port, LOG_LEVEL="debug") as server:
        wait_ready(free_port)
        traffic = start_traffic(root, free_port, "--rate", 50, "--duration", 1, "--missing", 0.5)
        traffic.communicate(timeout=60)
        server.send_signal(signal.SIGTERM)
        _, log = server.communicate(timeout=30)
    entries = [json.loads(line) for line in log.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(entry) for entry in entries)
    assert any(entry["message"].startswith("predict failed: ModelError") for entry in entries)
    assert not any("POST /predict" in entry["message"] for entry in entries)


def test_a_wrong_setting_is_one_line_of_the_log(root, good, free_port):
    with serving(root, good, free_port, DRAIN_SECONDS="soon") as server:
        _, log = server.communicate(timeout=60)
    assert server.returncode == 2
    [entry] = [json.loads(line) for line in log.splitlines()]
    assert entry["message"] == "DRAIN_SECONDS is 'soon', it has to be a number"


def test_a_crash_of_the_worker_ends_the_process(root, good, free_port):
    with serving(root, good, free_port) as server:
        wait_ready(free_port)
        children = subprocess.check_output(
            ["ps", "-o", "pid=", "--ppid", str(server.pid)], text=True
        )
        os.kill(int(children.split()[0]), signal.SIGKILL)
        assert server.wait(timeout=30) == 1


def test_the_exit_fault_ends_the_process_with_code_one(root, good, free_port):
    with serving(root, good, free_port, FAULT_EXIT_AFTER="0.5") as server:
        assert server.wait(timeout=60) == 1


def test_a_damaged_artefact_is_never_served(root, good, tmp_path, free_port):
    for name in ("manifest.json", "model.onnx"):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    with (tmp_path / "model.onnx").open("ab") as file:
        file.write(b"x")
    with serving(root, tmp_path, free_port) as server:
        _, log = server.communicate(timeout=60)
    assert server.returncode == 3
    entries = [json.loads(line) for line in log.splitlines()]
    assert any("its manifest says otherwise" in entry.get("exception", "") for entry in entries)
