"""Try an installed wheel as its user would: `python tests/try_wheel.py VENV/bin`, outside the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PLAN = """\
plan:
  id: wheel
  params: {greeting: hello}
  steps:
    - id: say
      run: [echo, "{{ params.greeting }}"]
      rollback: {run: [echo, unsaid]}
    - id: break
      run: exit 3
      depends_on: [say]
"""


def main(bin_folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plan.yaml").write_text(PLAN)

        def fsm(*arguments: str, code: int = 0) -> str:
            done = subprocess.run(
                [bin_folder / "fsm", *arguments], cwd=folder, capture_output=True, text=True
            )
            assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
            return done.stdout

        assert fsm("--version").startswith("fsm ")
        assert "say" in fsm("plan", "plan.yaml")
        assert "properties" in fsm("schema")
        assert "flowchart" in fsm("diagram", "plan.yaml", "--view", "machine")
        assert "Step 2: break - failed: exit code 3" in fsm("run", "plan.yaml", "--yes", code=3)
        assert json.loads(fsm("status", "--json"))["state"] == "paused"
        assert "Step 1: say - rolled back" in fsm("rollback", code=4)
        fsm("test", code=2)  # pytest is an extra
        assert "scenarios generated" in fsm("spec", "generate", "plan.yaml")
        assert (folder / "plan.feature").exists()
        module = [bin_folder / "python", "-m", "fsm", "list"]
        listed = subprocess.run(module, cwd=folder, capture_output=True, text=True, check=True)
        assert "rolled_back" in listed.stdout
        typed = (
            "import fsm, pathlib; assert (pathlib.Path(fsm.__file__).parent / 'py.typed').exists()"
        )
        subprocess.run([bin_folder / "python", "-c", typed], cwd=folder, check=True)
    print("the wheel works: 11 commands passed")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
