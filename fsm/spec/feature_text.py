"""The text of a feature as blocks, so that what was generated can be told from what a person wrote.

A generated scenario has a comment above it with a hash of its text: edited, it no longer fits, and the
scenario is its editor's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

__all__ = ["Block", "merged", "outline_text", "scenario_text", "written"]

_BEGINS = re.compile(r"^\s*(?:Scenario(?: Outline| Template)?|Example|Rule):\s*(.*?)\s*$")
_ABOVE = re.compile(r"^\s*[@#]")
_MARK = re.compile(r"^\s*# generated ([0-9a-f]{12})\b")


@dataclass(frozen=True)
class Block:
    """One scenario: its title, and its text from the lines above it that belong to it to its last line."""

    title: str
    text: str

    @property
    def hash(self) -> str:
        """12 hex digits of its lines, whatever stands around them."""
        lines = [line.rstrip() for line in self.text.strip("\n").splitlines()]
        kept = "\n".join(line for line in lines if not _MARK.match(line))
        return sha256(kept.strip().encode()).hexdigest()[:12]

    @property
    def is_untouched(self) -> bool:
        """Whether it was generated, and nobody has edited it since."""
        marks = map(_MARK.match, self.text.splitlines())
        return any(mark is not None and mark[1] == self.hash for mark in marks)

    def marked(self) -> Block:
        """The block with the comment that says it was generated."""
        mark = f"  # generated {self.hash}: edit it, and it is yours\n"
        return Block(self.title, mark + self.text)


def written(header: str, blocks: Iterable[Block]) -> str:
    """The feature that these make up."""
    return "\n".join(
        [header.rstrip("\n") + "\n", *(block.text.strip("\n") + "\n" for block in blocks)]
    )


def merged(text: str, header: str, generated: Sequence[Block]) -> str:
    """The feature with its generated scenarios renewed; what a person wrote or edited stays, where it is.

    `text` is the feature as it stands, "" if there is none; `header` is for a new one. Its last line names
    the plan: where an old header does not, each scenario that is generated begins with it.
    """
    old_header, old = _blocks(text) if text.strip() else (header, [])
    background = header.splitlines()[-1]
    if background.partition('"')[2] not in old_header:
        generated = [_begun(block, background) for block in generated]
    new = {block.title: block.marked() for block in generated}
    kept = []
    for block in old:
        if not block.is_untouched:
            new.pop(block.title, None)
            kept.append(block)
        elif block.title in new:
            kept.append(new.pop(block.title))
    return written(old_header, [*kept, *new.values()])


def _begun(block: Block, sentence: str) -> Block:
    """The generated block with this sentence before its others."""
    title, first, *rest = block.text.splitlines()
    lines = [title, sentence, first.replace(" Given ", " And ", 1), *rest]
    return Block(block.title, "\n".join(lines) + "\n")


def _blocks(text: str) -> tuple[str, list[Block]]:
    """What stands before the first scenario, and the scenarios."""
    lines = text.splitlines()
    quoted = False
    starts: list[int] = []
    for number, line in enumerate(lines):
        if line.strip().startswith(('"""', "```")):
            quoted = not quoted
        if not quoted and _BEGINS.match(line):
            start = number
            while start and _ABOVE.match(lines[start - 1]):
                start -= 1
            starts.append(start)
    if not starts:
        return text, []
    ends = [*starts[1:], len(lines)]
    blocks = []
    for start, end in zip(starts, ends, strict=True):
        part = lines[start:end]
        title = next(match[1] for line in part if (match := _BEGINS.match(line)))
        blocks.append(Block(title, "\n".join(part) + "\n"))
    return "\n".join(lines[: starts[0]]) + "\n", blocks


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """The lines, each keyword that is that of the line before written as And."""
    last = ""
    for line in lines:
        keyword, _, text = line.partition(" ")
        if keyword == "And" or keyword == last:
            yield f"And {text}"
        else:
            last = keyword
            yield line


def scenario_text(title: str, lines: Iterable[str]) -> str:
    """The scenario of these sentences, each with its keyword."""
    return "\n".join([f"  Scenario: {title}", *(f"    {line}" for line in _joined(lines))]) + "\n"


def outline_text(title: str, lines: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    """The outline of these sentences, with a table of examples whose first row names its columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = [
        "      | " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    plural = (line.replace("time(s)", "times") for line in lines)
    told = [f"    {line}" for line in _joined(plural)]
    head = f"  Scenario Outline: {title}"
    return "\n".join([head, *told, "", "    Examples:", *table]) + "\n"
