"""What `driven.py` does, in the order of the command `fsm`: the shim is forked off before all is loaded.

Run as `python commanded.py PLAN FOLDER`. What the fork costs counts as part of the work.
"""

from __future__ import annotations

import sys
from pathlib import Path

from meter import Meter

from fsm.actions.processes.standby import stand_by

if __name__ == "__main__":
    meter = Meter()
    stand_by()
    forking = meter.read()["cpu"]

    from driven import main

    main(Path(sys.argv[1]), Path(sys.argv[2]), count=False, spent=forking)
