"""What the command prints of itself."""

import tomllib

from tests.support.documents import ROOT, text

from davylamp.__main__ import main


def test_the_version_is_that_of_the_project(capsys):
    assert main(["--version"]) == 0
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    assert capsys.readouterr().out == f"{project['version']}\n"
