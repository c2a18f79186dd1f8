"""`fsm spec`: specifications written from plans."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from fsm.cli.options import json_option
from fsm.cli.output import Output
from fsm.errors import Invalid, Problem

__all__ = ["spec"]


@click.group()
def spec() -> None:
    """Write specifications, for `fsm test` to rehearse."""


@spec.command()
@click.argument("file", metavar="PLAN", type=click.Path(readable=False))
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    type=click.Path(readable=False),
    help="The feature; - prints it. [default: PLAN, but .feature]",
)
@json_option
def generate(file: str, target: str | None, as_json: bool) -> None:
    """Write a feature that exercises a plan, failures included.

    It takes every row of the plan's tables, and every step's failure, once. What it expects is what a
    rehearsal gives: read it, and keep what is meant. A scenario that you edit or add is yours, and stays
    when the feature is written again; the others are renewed.
    """
    from fsm.spec.feature_text import merged
    from fsm.spec.generate import generate as generated_from

    output = Output(json=as_json)
    plan = Path(file)
    prints = target == "-"
    path = plan.with_suffix(".feature") if target in (None, "-") else Path(str(target))
    if not os.path.isdir(path.parent):  # noqa: PTH112 (of a name that no folder can have, Path raises)
        raise Invalid([Problem(f"there is no folder {path.parent}", "make it, or name another")])
    old = _read(path)
    if path.resolve() != plan.resolve() and old.strip() and not _FEATURE.search(old):
        raise Invalid([Problem(f"{path} is there, and is no feature", "name another file for -o")])
    found = generated_from(plan, path.parent)
    text = merged(old, found.header, found.blocks)
    if not prints:
        _write(path, text, plan)
    output.document(
        {
            "file": None if prints else str(path),
            "scenarios": [block.title for block in found.blocks],
            "missed": [*found.missed],
            "text": text,
        }
    )
    if prints:
        output.line(text.rstrip("\n"))
        return
    count = len(found.blocks)
    output.line(f"✓ {path}: {count} scenario{'s' if count != 1 else ''} generated")
    for name in found.missed:
        output.line(f"  ✗ none of them reaches: {name}")
    output.line(f"  rehearse them with: fsm test {path}")


_FEATURE = re.compile(r"^\s*(Feature:|# *language:)", re.MULTILINE)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid([Problem(f"{path} cannot be read: {error}", "name another file")]) from None


def _write(path: Path, text: str, plan: Path) -> None:
    if path.resolve() == plan.resolve():
        raise Invalid([Problem(f"{path} is the plan itself", "name another file for -o")])
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid([Problem(f"{path} cannot be written: {error.strerror}")]) from None
