"""The lab reaches the local cluster only, and says what it waited for."""

import subprocess

import pytest

from lab import kubectl as module
from lab.kubectl import KubectlError, command, kubectl, wait_until


@pytest.mark.parametrize(
    "args",
    [
        ("get", "pods", "--context", "production"),
        ("get", "pods", "--context=production"),
        ("--kubeconfig=/etc/other", "get", "pods"),
        ("get", "pods", "-s", "https://elsewhere"),
        ("get", "pods", "--server=https://elsewhere"),
    ],
)
def test_options_that_lead_to_another_cluster_are_refused(args):
    with pytest.raises(ValueError, match="selects another cluster than the local one"):
        command(*args)


def test_options_of_a_command_in_a_pod_are_not_kubectls(monkeypatch, tmp_path):
    fake = tmp_path / "kubectl"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    line = command("exec", "pod", "--", "redis-cli", "-s", "/socket")
    assert line[1:3] == ["--context", "kind-davylamp"]
    assert line[3:] == ["exec", "pod", "--", "redis-cli", "-s", "/socket"]


def test_waiting_ends_with_the_first_truthy_answer():
    answers = iter([None, False, [], "there"])
    assert wait_until(lambda: next(answers), timeout=5, what="it", every=0) == "there"


def test_waiting_in_vain_names_what_and_the_last_state():
    with pytest.raises(TimeoutError, match=r"waited 0 s for the pod; last state: 0 of 3"):
        wait_until(lambda: False, timeout=0, what="the pod", state=lambda: "0 of 3")


def test_a_failing_kubectl_is_not_yet_and_is_shown_at_the_end():
    def fails():
        raise KubectlError("connection refused")

    with pytest.raises(TimeoutError, match="connection refused"):
        wait_until(fails, timeout=0, what="the server")


def test_other_errors_are_not_waited_away():
    def breaks():
        raise KeyError("no such field")

    with pytest.raises(KeyError):
        wait_until(breaks, timeout=5, what="anything")


@pytest.mark.parametrize("failures", [1, 2])
def test_what_the_machine_could_not_start_is_started_once_more(monkeypatch, failures):
    monkeypatch.setattr(module, "command", lambda *args: ["kubectl", *args])
    left = iter([OSError(14, "Bad address")] * failures)

    def run(line, **_):
        for error in left:
            raise error
        return subprocess.CompletedProcess(line, 0, stdout="v1", stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    if failures == 1:
        assert kubectl("version") == "v1"
    else:
        with pytest.raises(OSError, match="Bad address"):
            kubectl("version")
