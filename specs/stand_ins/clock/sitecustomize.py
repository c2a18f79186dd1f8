"""The machine's clock as a command sees it that finds this first on its path: as far off as a file says.

The file that SPECS_CLOCK names holds seconds, and may be written at any moment. What counts time without a
clock (`time.monotonic`) is as it was, as on a machine whose clock is set.
"""

import os
import time

_really = time.time


def _set() -> float:
    with open(os.environ["SPECS_CLOCK"]) as file:  # noqa: PTH123 - pathlib would be one more import
        return _really() + float(file.read())


time.time = _set
time.time_ns = lambda: int(_set() * 1e9)
