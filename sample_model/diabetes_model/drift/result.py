"""What one run found, as JSON for machines: short for the operator, whole for the report."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from diabetes_model.drift.baseline import TOLERANCE
from diabetes_model.drift.verdict import Comparison, Verdict, sentence

FORMAT = "davylamp.dev/drift/v1"
# Kubernetes keeps 4096 bytes of a termination message.
MOST_BYTES = 3500
MOST_MESSAGE = 1500
EXIT_CODES = {Verdict.STABLE: 0, Verdict.UNDECIDED: 0, Verdict.DRIFTED: 3}
FAILED = 1


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a run. ``found`` is None if there was nothing to compare, and ``note`` says why.

    ``difference`` is the largest between a number of the manifest's baseline and the recomputed one;
    None if it was not recomputed.
    """

    limit: float | None = None
    found: Comparison | None = None
    difference: float | None = None
    note: str = ""
    failed: bool = False

    @property
    def reproduced(self) -> bool | None:
        """Whether the baseline came out as the manifest says."""
        return None if self.difference is None else self.difference <= TOLERANCE

    @property
    def verdict(self) -> Verdict:
        """A run that failed, or compared nothing, decided nothing."""
        return Verdict.UNDECIDED if self.found is None or self.failed else self.found.verdict

    @property
    def exit_code(self) -> int:
        """0: no drift, or too little evidence; 3: drift; 1: the job failed."""
        return FAILED if self.failed else EXIT_CODES[self.verdict]

    @property
    def message(self) -> str:
        """One sentence for people."""
        parts = [self.note, sentence(self.found) if self.found else ""]
        return "; ".join(part for part in parts if part)

    def summary(self) -> dict[str, Any]:
        """The object that the operator reads; its keys are always all there."""
        found = self.found
        return {
            "format": FORMAT,
            "verdict": self.verdict.value,
            "distance": _rounded(found.evidence.distance) if found else None,
            "limit": self.limit,
            "logE": _rounded(found.evidence.log_e) if found else None,
            "rows": found.evidence.rows if found else 0,
            "rankCorrelation": _rounded(found.rank_correlation) if found else None,
            "psi": _rounded(found.psi_scores) if found else None,
            "largest": _largest(found) if found else None,
            "baselineReproduced": self.reproduced,
            "message": _shortened(self.message),
        }

    def line(self) -> str:
        """The summary on one line, in at most 3500 bytes."""
        return json.dumps(self.summary(), allow_nan=False)

    def document(self) -> dict[str, Any]:
        """The summary and everything else that was found."""
        found = self.found
        if found is None:
            return self.summary()
        return self.summary() | {
            "message": self.message,
            "baselineDifference": self.difference,
            "distanceUpper": found.evidence.upper,
            "evidence": list(found.evidence.path),
            "jensenShannon": found.jensen_shannon,
            "psiShares": found.psi_shares,
            "features": [asdict(share) for share in found.features],
        }


def _largest(found: Comparison) -> dict[str, Any]:
    share = found.largest
    return {
        "feature": share.feature,
        "baseline": _rounded(share.baseline),
        "recent": _rounded(share.recent),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _shortened(message: str) -> str:
    """Escapes count: what JSON spells out longer is cut shorter."""
    while len(json.dumps(message)) > MOST_MESSAGE:
        message = message[: len(message) * 3 // 4] + "…"
    return message
