"""Try an installed wheel as its user would: `python tests/try_wheel.py VENV/bin`, outside the checkout.

`--extras` says that `bdd` and `pictures` were installed with it, and tries what they are for.
"""

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

LAMP = """\
name: lamp
initial: dark
states: {dark: , lit: , broken: {final: true}}
rows:
  - {trigger: press, source: dark, dest: lit, conditions: [current], why: there is current}
  - {trigger: press, source: lit, dest: dark, why: enough light}
  - {trigger: drop, source: [dark, lit], dest: broken, why: glass breaks}
"""

SCENARIOS = """\
Feature: The wheel
  Scenario: A plan
    Given the approved plan "plan.yaml"
    And the step "break" succeeds
    When somebody runs the plan
    Then the run is completed
  Scenario: A machine
    Given the machine "lamp.yaml"
    Then the trigger "press" is refused because "current" does not hold
"""


def main(bin_folder: Path, extras: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plan.yaml").write_text(PLAN)
        (folder / "lamp.yaml").write_text(LAMP)

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
        assert "proved" in fsm("machine", "check", "lamp.yaml")
        assert "lamp is lit" in fsm("machine", "run", "lamp.yaml", "press:current")
        if extras:
            (folder / "wheel.feature").write_text(SCENARIOS)
            assert "2 scenarios: all hold" in fsm("test")
            fsm("diagram", "plan.yaml", "-o", "plan.svg")
            assert "step-say" in (folder / "plan.svg").read_text()
            assert "│dark ├" in fsm("diagram", "lamp.yaml", "--format", "text")
        else:
            fsm("test", code=2)
        assert "scenarios generated" in fsm("spec", "generate", "plan.yaml")
        assert (folder / "plan.feature").exists()
        module = [bin_folder / "python", "-m", "fsm", "list"]
        listed = subprocess.run(module, cwd=folder, capture_output=True, text=True, check=True)
        assert "rolled_back" in listed.stdout
        typed = (
            "import fsm, pathlib; assert (pathlib.Path(fsm.__file__).parent / 'py.typed').exists()"
        )
        subprocess.run([bin_folder / "python", "-c", typed], cwd=folder, check=True)
    print(f"the wheel works{' with its extras' if extras else ''}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), "--extras" in sys.argv)
