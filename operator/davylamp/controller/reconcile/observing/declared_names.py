"""Names that the spec declares, put into sentences in place of their pseudonyms. Pure."""

from collections.abc import Collection
from dataclasses import replace

from davylamp.rollout import Inspected, Observation
from davylamp.rollout.drift_reports import DriftResult
from davylamp.schema.pseudonyms import with_names


def with_declared_names(observation: Observation) -> Observation:
    """The observation with the names in `spec.rollout.names`, as it is now, wherever people read."""
    declared = observation.rollout.names
    judgements = observation.judgements.items()
    return replace(
        observation,
        judgements={gate: judgement.naming(declared) for gate, judgement in judgements},
        inspected=_inspected(observation.inspected, declared),
        last_run=_run(observation.last_run, declared),
        candidate_run=_run(observation.candidate_run, declared),
    )


def _inspected(inspected: Inspected | None, declared: Collection[str]) -> Inspected | None:
    if inspected is None:
        return None
    results = (replace(r, message=with_names(r.message, declared)) for r in inspected.results)
    return replace(inspected, results=tuple(results))


def _run(run: DriftResult | None, declared: Collection[str]) -> DriftResult | None:
    return run and replace(run, message=with_names(run.message, declared))
