"""Outputs that are files: kept with the run, private and masked, whatever becomes of what was given."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256

from fsm.actions.output.log import make_folder, open_regular
from fsm.actions.output.masking import Masker

__all__ = ["keep_file"]

_PIECE = 1 << 20


def keep_file(source: str, target: str, secrets: Sequence[bytes]) -> bool:
    """Copy the file to `target` (0600), masked; durable when it returns. Gives whether it held a secret.

    Raises `OSError`, and leaves nothing behind then.
    """
    masker, as_given, as_kept = Masker(secrets), sha256(), sha256()
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(reading).st_mode):
            raise OSError(0, "it is not a regular file")
        make_folder(os.path.dirname(target))  # noqa: PTH120
        writing = open_regular(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            more = True
            while more:
                piece = os.read(reading, _PIECE)
                more = bool(piece)
                masked = masker.feed(piece) if more else masker.flush()
                as_given.update(piece)
                as_kept.update(masked)
                view = memoryview(masked)
                while view:
                    view = view[os.write(writing, view) :]
            os.fsync(writing)
        except BaseException:
            with suppress(OSError):
                os.unlink(target)  # noqa: PTH108
            raise
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return as_given.digest() != as_kept.digest()
