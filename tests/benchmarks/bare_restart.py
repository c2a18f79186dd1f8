"""The bare restart: start Python, read which steps are done, do the next one.

Run as `python bare_restart.py DATABASE COMMAND [MODULE …]`; the modules are imported and not used.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys

for module in sys.argv[3:]:
    __import__(module)
database = sqlite3.connect(sys.argv[1], isolation_level=None)
done = {step for (step,) in database.execute("SELECT step FROM steps")}
subprocess.run(["sh", "-c", sys.argv[2]], check=True)
database.execute(
    "INSERT INTO steps (step, state, at) VALUES (?, 'completed', 0)", (str(len(done)),)
)
