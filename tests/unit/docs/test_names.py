"""The command in the reference finds out which name a pseudonym stands for."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.support.contract import manifest_of
from tests.support.documents import DOCS, section

from davylamp.schema.pseudonyms import pseudonym


def test_the_command_lists_the_names_of_a_manifest_with_their_pseudonyms(tmp_path: Path) -> None:
    text = section(DOCS / "reference.md", "## Names of features and groups")
    command = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert command
    fake = tmp_path / "kubectl"
    fake.write_text(f"#!/bin/sh\ncat <<'E'\n{json.dumps(manifest_of())}\nE\n")
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.group(1)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    listed = done.stdout.splitlines()
    for name in ("bmi", "age", "sex", "1", "meanAbsoluteError", "holdout"):
        assert f"{pseudonym(name)} {name}" in listed
