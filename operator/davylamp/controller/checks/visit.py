"""One visit to a pod: the manifest, then the golden requests; each reply is judged and let go.

Texts are read on behalf of the pod's namespace, which answers for what they cost.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar, TypeVarTuple

from davylamp.adapters.pods.model_server import ModelServer
from davylamp.adapters.reading.limits import ReadingRefusedError, UnreadableError
from davylamp.adapters.reading.reader import Reader
from davylamp.api.spec import CheckName
from davylamp.checks import (
    CheckResult,
    Declined,
    Heard,
    Outline,
    Received,
    Silent,
    concluded,
    in_order,
)
from davylamp.checks.inspection import (
    MANIFEST_PATH,
    ROUTES,
    Comparison,
    comparison,
    outline_of,
)
from davylamp.checks.recorded import GoldenRequest
from davylamp.checks.results import Finding
from davylamp.checks.tasks import comparison_in, outline_in
from davylamp.controller.checks.inspections import Inspection

LONGEST: Final = 30.0
"""Seconds that all questions to one pod may take together."""
_Arguments = TypeVarTuple("_Arguments")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit brought: one result for each check, and the shares of the manifest."""

    results: tuple[CheckResult, ...]
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to the pod of an inspection.

    Attributes:
        server: how it is asked.
        reader: reads what it answers.
        namespace: of the pod.
        inspection: what is to be checked.
    """

    server: ModelServer
    reader: Reader
    namespace: str
    inspection: Inspection

    async def made(self) -> Visited:
        """Ask everything that follows from the manifest, as long as answers come."""
        pod = self.inspection.pod
        try:
            async with asyncio.timeout(LONGEST):
                outline = await self._outline()
                results = [await self._result(check, outline) for check in outline.open_checks]
                return Visited(in_order((*outline.results, *results)), outline.shares)
        except TimeoutError:
            late = Silent(f"pod {pod.name}: not all answered within {LONGEST:g} s")
            return Visited(self._without_manifest(late).results)

    async def _outline(self) -> Outline:
        asked = f"GET {MANIFEST_PATH}"
        heard = await self.server.get(self.inspection.pod, MANIFEST_PATH)
        checks, expected = self.inspection.checks, self.inspection.expected
        outline = await self._read(heard, asked, outline_in, checks, expected, asked)
        if isinstance(outline, Declined | Silent):
            return self._without_manifest(outline)
        kept = sum(len(request.body) + len(request.recorded) for request in outline.requests)
        self.reader.in_hand.hold(outline, kept)
        return outline

    def _without_manifest(self, reply: Declined | Silent) -> Outline:
        return outline_of(self.inspection.checks, self.inspection.expected, reply)

    async def _result(self, check: CheckName, outline: Outline) -> CheckResult:
        """The result of a check that needs the replies to all golden requests."""
        comparisons = list[Comparison]()
        for request in outline.requests:
            comparisons.append(await self._comparison(check, request, outline))
            if isinstance(comparisons[-1], Finding):
                break  # whatever the others say, this one is told
        return concluded(check, outline, comparisons)

    async def _comparison(
        self, check: CheckName, request: GoldenRequest, outline: Outline
    ) -> Comparison:
        path = ROUTES[check]
        asked, bounds = f"POST {path}", (outline.tolerance, outline.floor)
        heard = await self.server.post(self.inspection.pod, path, request.body)
        reply = await self._read(heard, asked, comparison_in, check, request, bounds, asked)
        if isinstance(reply, Declined | Silent):
            tolerance, floor = bounds
            return comparison(check, reply, request, tolerance=tolerance, floor=floor)
        return reply

    async def _read(
        self,
        heard: Heard,
        asked: str,
        task: Callable[[bytes, *_Arguments], _T],
        *arguments: *_Arguments,
    ) -> _T | Declined | Silent:
        """What a task makes of what was heard; what cannot be read is no usable answer."""
        if not isinstance(heard, Received):
            return heard
        try:
            return await self.reader.read(task, heard.text, *arguments, owner=self.namespace)
        except UnreadableError as error:
            return Declined(f"{asked}: the answer {error}")
        except ReadingRefusedError as error:
            return Silent(f"{asked}: {error}")
