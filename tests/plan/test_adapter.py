"""What is installed beside fsm has no say in what a plan means."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import os, sys
from pydantic import TypeAdapter
from fsm.plan.loading.authored import STEP
assert "stranger" not in sys.modules
assert os.environ.get("PYDANTIC_DISABLE_PLUGINS") == (sys.argv[1] or None)
TypeAdapter(list[int])
print("stranger" in sys.modules)
"""


@pytest.mark.parametrize(("switch", "elsewhere"), [("", True), ("1", False), ("other", True)])
def test_a_plugin_of_pydantic_is_not_asked_about_plans_but_about_all_else(
    tmp_path: Path, switch: str, elsewhere: bool
) -> None:
    (tmp_path / "stranger.py").write_text(
        "class Plugin:\n    def new_schema_validator(self, *_): return None, None, None\n"
        "plugin = Plugin()\n"
    )
    metadata = tmp_path / "stranger-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pydantic]\nstranger = stranger:plugin\n")
    environ = {k: v for k, v in os.environ.items() if k != "PYDANTIC_DISABLE_PLUGINS"}
    environ |= {"PYTHONPATH": str(tmp_path)}
    environ |= {"PYDANTIC_DISABLE_PLUGINS": switch} if switch else {}
    looked = subprocess.run(
        [sys.executable, "-c", LOOK, switch], env=environ, capture_output=True, text=True
    )
    assert looked.stderr == ""
    assert looked.stdout.strip() == str(elsewhere)
