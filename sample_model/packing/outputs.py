"""A plan as step outputs of a GitHub workflow, for a builder that this code does not run itself."""

from collections.abc import Mapping

from packing.plan import Kind, Plan

END = "END_OF_VALUES"


def step_outputs(plan: Plan) -> str:
    """``tag``, ``epoch``, ``build-args`` and ``<kind>-labels``, in the form of ``$GITHUB_OUTPUT``."""
    blocks = {"build-args": plan.arguments()}
    blocks |= {f"{kind.value}-labels": plan.labels(kind) for kind in Kind}
    single = f"tag={plan.tag}\nepoch={plan.epoch}\n"
    return single + "".join(_block(name, values) for name, values in blocks.items())


def _block(name: str, values: Mapping[str, str]) -> str:
    lines = "".join(f"{key}={value}\n" for key, value in values.items())
    return f"{name}<<{END}\n{lines}{END}\n"
