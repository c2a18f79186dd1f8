"""What can be told of a shell string without running it."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache

__all__ = ["command_it_starts_with", "syntax_error"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLAIN = r"[][A-Za-z0-9_./=:,@%+^~*?-]"
_VARIABLE = r"\$(?:[A-Za-z_][A-Za-z0-9_]*+|\{[A-Za-z_][A-Za-z0-9_]*+\})"
_WORD = rf"(?:{_PLAIN}|'[^']*+'|\"(?:[^\"$`\\]|{_VARIABLE})*+\"|{_VARIABLE})++"
_CALL = rf"{_WORD}(?:[ \t]++{_WORD})*+"
_NEXT = r"[ \t]*+(?:&&|\|\||[;|\n])[ \t\n]*+"
# Text: `re` compiles each when it is first used, which few processes do.
_OBVIOUS = rf"\s*+{_CALL}(?:{_NEXT}{_CALL})*+[ \t]*+;?\s*+"
_SEPARATORS = r"[\s;|&]+"
_RESERVED = _words(
    "! [[ ]] { } case coproc do done elif else esac fi for function if in select then time until while"
)
_BUILTINS = _words(
    ". : [ alias bg break cd command continue echo eval exec exit export false fc fg getopts hash jobs "
    "kill let local printf pwd read readonly return set shift source test times trap true type typeset "
    "ulimit umask unalias unset wait"
)
_FIRST_WORD = r"\s*([A-Za-z0-9_./+@%\[:-]+)(?=[\s;&|<>]|\Z)(?![ \t]*\()"


def command_it_starts_with(command: str) -> str | None:
    """The program a shell string runs first; `None` if it is none, cannot be told, or may be missing.

    It may be missing where the string has a `||`.
    """
    first = re.match(_FIRST_WORD, command)
    if first is None or "||" in command or first[1] in _BUILTINS | _RESERVED:
        return None
    return first[1]


def syntax_error(command: str) -> str:
    """The complaint of `sh -n` about the string, in its words; empty if it has none.

    What is only words, quotes, variables and simple separators cannot be wrong, and is not asked about:
    asking costs a process.
    """
    words = re.split(_SEPARATORS, command)
    if _RESERVED.isdisjoint(words) and re.fullmatch(_OBVIOUS, command):
        return ""
    return _complaint(command)


@lru_cache(maxsize=4096)
def _complaint(command: str) -> str:
    try:
        done = subprocess.run(
            ["/bin/sh", "-n", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C"},
            timeout=10,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""  # no shell to ask; what is wrong then has its own message
    said = done.stderr.decode(errors="backslashreplace").strip().splitlines()
    return said[0] if done.returncode and said else ""
