"""A warm process that runs cases: reads one order a line, answers with one line, both JSON.

    {"case": "forward: begin append:COMMIT 3", "control": ""}   →   the fields of a `Verdict`

Children are forked from here: a test process has threads and much else that no fork should inherit.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from .case import Case, run_case
from .reaper import become_reaper


def main() -> None:
    become_reaper()
    for line in sys.stdin:
        order = json.loads(line)
        verdict = run_case(Case.parse(order["case"]), order["control"])
        print(json.dumps(asdict(verdict)), flush=True)


if __name__ == "__main__":
    main()
