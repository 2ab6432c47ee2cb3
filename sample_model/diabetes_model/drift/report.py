"""The report of one run: a page for people, JSON and OpenMetrics for machines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import jinja2

from diabetes_model.drift import openmetrics
from diabetes_model.drift.result import Result
from diabetes_model.drift.verdict import Comparison
from diabetes_model.shares import Vector

TEMPLATE = "report.html.j2"


@dataclass(frozen=True, slots=True)
class Context:
    """What the report says beside the result.

    ``identity`` is model, revision and tag; ``origin`` what was compared, by name, for people.
    """

    identity: Mapping[str, str]
    origin: Mapping[str, str]
    trained: Vector
    recent: Vector


def files(result: Result, found: Comparison, context: Context) -> dict[str, bytes]:
    """The files of the report by name; the page comes last."""
    document = {**context.identity, **result.document(), "origin": dict(context.origin)}
    return {
        "report.json": (json.dumps(document, indent=2, allow_nan=False) + "\n").encode(),
        "metrics.prom": openmetrics.exposition(
            found, context.identity, reproduced=bool(result.reproduced)
        ),
        "report.html": page(result, found, context).encode(),
    }


def page(result: Result, found: Comparison, context: Context) -> str:
    """One HTML file that needs no other: plots inline, nothing fetched."""
    # Takes a second to import, so only where it is used.
    from diabetes_model.drift import plots  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("diabetes_model.drift"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(TEMPLATE).render(
        verdict=result.verdict.value,
        message=result.message,
        identity=context.identity,
        origin=context.origin,
        features=sorted(found.features, key=lambda share: -abs(share.change)),
        numbers=_numbers(result, found),
        plots={
            "shares": plots.shares(found),
            "scores": plots.scores(context.trained, context.recent),
            "weighing": plots.weighing(found),
        },
    )


def _numbers(result: Result, found: Comparison) -> dict[str, str]:
    seen = found.evidence
    rank = "none" if found.rank_correlation is None else f"{found.rank_correlation:.3f}"
    reproduced = "yes" if result.reproduced else "no"
    return {
        "recent rows": str(seen.rows),
        "distance (total variation of mean shares)": f"{seen.distance:.4f}",
        "distance, upper bound with 95 % confidence": f"{seen.upper:.4f}",
        "distance tolerated": f"{found.limit:g}",
        "evidence, natural logarithm": f"{seen.log_e:.2f}",
        "rank correlation of the shares (Spearman)": rank,
        "Jensen-Shannon distance of the shares": f"{found.jensen_shannon:.4f}",
        "population stability index of the shares": f"{found.psi_shares:.4f}",
        "population stability index of the predictions": f"{found.psi_scores:.4f}",
        "baseline of the manifest reproduced": f"{reproduced} (to {result.difference:.1e})",
    }
