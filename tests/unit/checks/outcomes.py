"""What the checks say of a server, by the name of the check."""

from tests.support.contract import inspected


def verdicts(server, **options):
    return {name: r.verdict.value for name, r in inspected(server, **options).items()}


def failing(server, **options):
    """The one check that does not pass."""
    failures = [r for r in inspected(server, **options).values() if r.verdict != "Pass"]
    assert len(failures) == 1, failures
    return failures[0]
