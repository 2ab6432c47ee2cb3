"""The data contract: what a feature is called, measured in, allowed to be, and allowed to miss."""

import enum
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

FORMAT = "davylamp.dev/features/v1"


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

CODES: tuple[str, ...] = tuple(field.name for field in FIELDS if field.unit == "code")

ROW_ID = "row_id"
TARGET = Field("progression", "score", "Disease progression one year after baseline", 0, 1000)


class Kind(enum.Enum):
    """Snapshots to train on know each row and its outcome; those of traffic have features only."""

    TRAINING = "training"
    TRAFFIC = "traffic"


def measured(kind: Kind) -> tuple[Field, ...]:
    """The columns that hold measurements, in order."""
    return (*FIELDS, TARGET) if kind is Kind.TRAINING else FIELDS


def text(kind: Kind) -> str:
    """The contract as it is written into each file; the same contract is the same text."""
    identity = {"name": ROW_ID, "type": "int64", "unit": "id", "missing": "never"}
    columns = [identity] if kind is Kind.TRAINING else []
    document = {
        "format": FORMAT,
        "kind": kind.value,
        "columns": [*columns, *map(_column, measured(kind))],
    }
    return json.dumps(document, separators=(",", ":"))


def sha256(kind: Kind) -> str:
    """The hash by which a contract is known."""
    return hashlib.sha256(text(kind).encode()).hexdigest()


def _column(field: Field) -> dict[str, str | float]:
    return {
        "name": field.name,
        "type": "double",
        "unit": field.unit,
        "description": field.description,
        "low": field.low,
        "high": field.high,
        "missing": "allowed" if field.optional else "never",
    }


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
