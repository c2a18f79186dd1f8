"""A warm process that runs cases: reads one order a line, answers with one line, both JSON.

    {"case": "forward: begin append:COMMIT 3", "control": ""}   →   the fields of a `Verdict`
    {"races": 30, "store": "json", "broken": false}             →   the fields of `Races`

Children are forked from here: a test process has threads and much else that no fork should inherit.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from .case import Case, Verdict, run_case
from .races import Races, race
from .reaper import become_reaper


def main() -> None:
    become_reaper()
    for line in sys.stdin:
        order = json.loads(line)
        told: Verdict | Races
        if "races" in order:
            told = race(order["store"], order["races"], broken=order["broken"])
        else:
            told = run_case(Case.parse(order["case"]), order["control"])
        print(json.dumps(asdict(told)), flush=True)


if __name__ == "__main__":
    main()
