"""kubectl on the local cluster, and waiting for what it shows."""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final, TypeVar

import yaml

from localcluster.names import CONTEXT
from localcluster.paths import bin_dir

Object = dict[str, Any]
T = TypeVar("T")

ELSEWHERE: Final = ("--context", "--kubeconfig", "--cluster", "--server", "-s", "--user")
"""Options that select another cluster than the local one."""
RESTRICTED: Final = "pod-security.kubernetes.io/enforce"
CALL_SECONDS: Final = 60
GONE_SECONDS: Final = 120


class KubectlError(RuntimeError):
    """kubectl failed; the message is its stderr."""


def command(*args: str) -> list[str]:
    """The full command line.

    Raises:
        ValueError: an option names another cluster.
        KubectlError: there is no kubectl.
    """
    own = args[: args.index("--")] if "--" in args else args
    for arg in own:
        if arg.split("=", 1)[0] in ELSEWHERE:
            raise ValueError(f"{arg} selects another cluster than the local one ({CONTEXT})")
    path = f"{bin_dir()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    program = shutil.which("kubectl", path=path)
    if program is None:
        raise KubectlError("kubectl is missing: run `make cluster`")
    return [program, "--context", CONTEXT, *args]


def kubectl(*args: str, stdin: str | None = None, check: bool = True) -> str:
    """What kubectl prints on stdout, with `check=False` also when it fails.

    Raises:
        KubectlError: it failed or took longer than a minute.
    """
    run = functools.partial(
        subprocess.run,
        command(*args),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=CALL_SECONDS,
        check=False,
    )
    try:
        done = _started(run)
    except subprocess.TimeoutExpired as late:
        raise KubectlError(
            f"kubectl {' '.join(args)}: did not finish within {CALL_SECONDS} s"
        ) from late
    if check and done.returncode:
        raise KubectlError(done.stderr.strip() or f"kubectl {' '.join(args)}: {done.returncode}")
    return done.stdout


def _started(run: Callable[[], T]) -> T:
    """What a program gives; once more where a busy machine could not even start it."""
    try:
        return run()
    except OSError:
        return run()


def get(kind: str, name: str, namespace: str | None = None) -> Object | None:
    """One object, or None where there is none."""
    text = kubectl("get", kind, name, *_in(namespace), "--ignore-not-found", "-o", "json")
    item: Object | None = json.loads(text) if text.strip() else None
    return item


def items(kind: str, namespace: str | None = None, selector: str | None = None) -> list[Object]:
    """All objects of a kind in a namespace, narrowed by a label selector."""
    chosen = ("-l", selector) if selector else ()
    text = kubectl("get", kind, *_in(namespace), *chosen, "-o", "json")
    listed: list[Object] = json.loads(text)["items"]
    return listed


def apply(*manifests: Mapping[str, Any]) -> str:
    """Apply objects as a user would, with client-side `kubectl apply`; returns its output."""
    return kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([dict(m) for m in manifests]))


def delete(kind: str, name: str, namespace: str | None = None, *, wait: bool = False) -> None:
    """Delete an object if it is there."""
    kubectl("delete", kind, name, *_in(namespace), "--ignore-not-found", f"--wait={_bool(wait)}")


def wait_until(
    condition: Callable[[], T | None],
    *,
    timeout: float,
    what: str,
    every: float = 0.2,
    state: Callable[[], object] | None = None,
) -> T:
    """The first truthy answer of `condition`, called every `every` seconds.

    Args:
        condition: called again and again; a failing kubectl counts as "not yet".
        timeout: seconds.
        what: what is waited for, for the error.
        every: seconds between two calls.
        state: what the error shows as the last state; else the condition's last answer.

    Raises:
        TimeoutError: it did not happen in time.
    """
    deadline = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            answer = condition()
        except KubectlError as problem:
            last = problem
        else:
            if answer:
                return answer
            last = answer
        if time.monotonic() >= deadline:
            shown = state() if state else last
            raise TimeoutError(f"waited {timeout:g} s for {what}; last state: {shown}")
        time.sleep(every)


@dataclass(frozen=True)
class Following:
    """A kubectl that prints on as things happen."""

    lines: IO[str]
    end: Callable[[], None]
    """Stops it; its lines end soon after."""


@contextlib.contextmanager
def following(*args: str) -> Iterator[Following]:
    """Run `kubectl logs -f` or `kubectl get --watch` while the context lasts.

    Raises:
        KubectlError: there is no kubectl.
    """
    line = command(*args)
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Following(process.stdout, process.terminate)
        finally:
            process.terminate()


@contextlib.contextmanager
def namespace(name: str) -> Iterator[str]:
    """A fresh namespace with pod security `restricted`; it is deleted at the end, without waiting."""
    fresh_namespace(name)
    try:
        yield name
    finally:
        delete("namespace", name)


def fresh_namespace(name: str) -> None:
    """Create a namespace, after deleting what had its name."""
    delete("namespace", name)
    wait_until(
        lambda: get("namespace", name) is None,
        timeout=GONE_SECONDS,
        what=f"the end of namespace {name}",
    )
    labels = {RESTRICTED: "restricted"}
    metadata = {"name": name, "labels": labels}
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def _in(namespace: str | None) -> tuple[str, ...]:
    return ("-n", namespace) if namespace else ()


def _bool(value: bool) -> str:  # noqa: FBT001
    return "true" if value else "false"
