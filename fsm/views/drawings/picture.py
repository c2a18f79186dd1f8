"""DOT as a picture: SVG or PNG, painted by a program within limits.

`dot`, if Graphviz is installed; else `graphviz-pure`, the same as one program in a Python wheel. It reads the
drawing on its stdin, where every text is quoted, and is ended if it takes too long.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Literal

from fsm.errors import FsmError, Invalid, Problem

__all__ = ["LONGEST_SECONDS", "Picture", "lacks_letters", "paint", "painter", "pure_painter"]

Picture = Literal["svg", "png"]

LONGEST_SECONDS = 60.0
_INSTALL = "pip install 'fsm[pictures]'"


def paint(dot: str, picture: Picture, program: str | None = None) -> bytes:
    """The drawing as SVG (see `fsm.views.drawings.svg`) or PNG, by `program` or the one that `painter` finds.

    Raises `Invalid` if there is no such program, and FsmError if it fails or takes too long.
    """
    import subprocess

    program = program or painter()
    command = [program, f"-T{picture}"]
    try:
        done = subprocess.run(
            command, input=dot.encode(), capture_output=True, timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Invalid(
            [
                Problem(
                    f"{Path(program).name} took more than {LONGEST_SECONDS:.0f}s to draw it",
                    "draw it as text instead: --format mermaid or --format dot",
                )
            ]
        ) from None
    except OSError as error:
        raise Invalid([Problem(f"cannot start {program}: {error.strerror}", _INSTALL)]) from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()[:1]
        raise FsmError(f"{Path(program).name} cannot draw it: {' '.join(said) or 'no picture'}")
    if picture == "png":
        return done.stdout
    from fsm.views.drawings.svg import finished

    return finished(done.stdout).encode()


def painter() -> str:
    """The path of `dot`, else of `graphviz-pure`. Raises `Invalid`, naming what to install, without both."""
    return shutil.which("dot") or pure_painter()


def pure_painter() -> str:
    """The path of `graphviz-pure`, which paints alike on every machine. Raises `Invalid` without it."""
    beside_python = Path(sys.executable).parent / "graphviz-pure"
    found = shutil.which(str(beside_python)) or shutil.which("graphviz-pure")
    if found is None:
        raise Invalid([Problem("pictures need a program that draws them", f"{_INSTALL}")])
    return found


def lacks_letters(program: str, dot: str) -> bool:
    """Whether a PNG by `program` may show boxes for some characters: `graphviz-pure` brings its own font.

    It has the letters of Europe and the Near East; no symbols, no emoji, nothing of East Asia.
    """
    return Path(program).name == "graphviz-pure" and any(char >= "\u2300" for char in dot)
