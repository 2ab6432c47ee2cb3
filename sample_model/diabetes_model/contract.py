"""The data contract: what a feature is called, measured in, allowed to be, and allowed to miss."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One feature. ``optional`` is the missing policy: whether a patient may lack the measurement."""

    name: str
    unit: str
    description: str
    low: float
    high: float
    optional: bool = False


FIELDS: tuple[Field, ...] = (
    Field("age", "years", "Age of the patient", 0, 120),
    Field("sex", "code", "Sex as recorded in the source data, 1 or 2", 1, 2),
    Field("bmi", "kg/m2", "Body mass index", 10, 80),
    Field("bp", "mmHg", "Average blood pressure", 30, 200, optional=True),
    Field("s1", "mg/dl", "Total serum cholesterol", 30, 700),
    Field("s2", "mg/dl", "Low-density lipoproteins", 10, 500),
    Field("s3", "mg/dl", "High-density lipoproteins", 5, 200),
    Field("s4", "ratio", "Total cholesterol over high-density lipoproteins", 0.5, 30),
    Field("s5", "log(mg/dl)", "Logarithm of the serum triglycerides level", 1, 10),
    Field("s6", "mg/dl", "Blood sugar level", 20, 600, optional=True),
)
NAMES: tuple[str, ...] = tuple(field.name for field in FIELDS)
OPTIONAL: tuple[str, ...] = tuple(field.name for field in FIELDS if field.optional)

TARGET = "progression"
TARGET_LOW, TARGET_HIGH = 0.0, 1000.0
ROW_ID = "row_id"


def column_problems(field: Field, values: Sequence[float | None]) -> list[str]:
    """What in one column breaks the contract, one sentence for each kind of breach."""
    present = [value for value in values if value is not None]
    problems = []
    if len(present) < len(values) and not field.optional:
        problems.append(f"{field.name}: {len(values) - len(present)} values missing, none may be")
    outside = [value for value in present if not field.low <= value <= field.high]
    if outside:
        problems.append(
            f"{field.name}: {len(outside)} values outside {field.low:g}..{field.high:g} "
            f"{field.unit}, first {outside[0]:g}"
        )
    return problems
