"""A plain client of the API server, as fast as threads go: what makes the work of the bench."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import urllib3

THREADS: Final = 16
PAGE: Final = 500
_SLIM: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MERGE: Final = "application/merge-patch+json"


@dataclass
class Client:
    """Requests with a token, one connection for each thread."""

    url: str
    token: str
    _own: threading.local = field(default_factory=threading.local)

    def send(self, method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        """The JSON of an answer; raises for all but success."""
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        session = getattr(self._own, "session", None) or requests.Session()
        self._own.session = session
        answer = session.request(
            method,
            f"{self.url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.token}", **headers},
            verify=False,
            timeout=60,
        )
        if not answer.ok:
            raise OSError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        content: dict[str, Any] = answer.json()
        return content

    def create(self, path: str, manifest: object) -> None:
        """Create an object."""
        self.send("POST", path, manifest)

    def patch(self, path: str, change: object) -> None:
        """Merge a change into an object."""
        self.send("PATCH", path, change, **{"Content-Type": MERGE})

    def items(self, path: str, *, slim: bool = False) -> Iterator[dict[str, Any]]:
        """All objects of a collection; `slim` leaves out all but their metadata."""
        more, headers = "", {"Accept": _SLIM} if slim else {}
        while True:
            joint = "&" if "?" in path else "?"
            answer = self.send("GET", f"{path}{joint}limit={PAGE}&continue={more}", **headers)
            yield from answer["items"] or ()
            more = answer["metadata"].get("continue", "")
            if not more:
                return

    def at_once(self, calls: Iterable[Callable[[], object]]) -> float:
        """Make many calls, several at a time; returns the seconds that it took."""
        began = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(call) for call in calls]:
                done.result()
        return time.monotonic() - began

    def wait_until_up(self, within: float = 120) -> None:
        """Wait until the API server is ready."""
        ends = time.monotonic() + within
        while True:
            try:
                self.send("GET", "/api/v1/namespaces/default")
            except OSError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.5)
            else:
                return
