"""The temporary folder of a `@real` scenario: what is in it before, and afterwards."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from fsm.errors import Invalid, Problem
from fsm.spec.sentences import Vocabulary
from fsm.spec.story import Mismatch, Story

__all__ = ["words"]

words = Vocabulary()


@words.arranging('the folder has the file "{name}" with "{text}"', "one line")
def has_the_line(story: Story, name: str, text: str) -> None:
    _write(story, name, text)


@words.arranging('the folder has the file "{name}" with:', "the lines below, between triple quotes")
def has_the_lines(story: Story, name: str, docstring: str) -> None:
    _write(story, name, docstring)


@words.arranging('the folder has a copy of "{file}"', "of a file or folder beside the feature")
def has_a_copy(story: Story, file: str) -> None:
    source, target = story.folder / file, _path(story, file)
    if not source.exists():
        story.found(file, "file")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


@words.arranging('the file "{name}" is removed from the folder', "if it is there")
def is_removed(story: Story, name: str) -> None:
    _path(story, name).unlink(missing_ok=True)


@words.arranging(
    "{command:command} has been run in the folder", "a line for the shell; it must succeed"
)
def has_been_run(story: Story, command: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=_path(story, "."),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        check=False,
    )
    if done.returncode:
        raise Mismatch(f"`{command}` ended with exit code {done.returncode}\n{done.stdout}")


@words.then('the folder has the file "{name}"', "or the folder of that name")
def there_is(story: Story, name: str) -> None:
    if not _path(story, name).exists():
        raise Mismatch(f"there is no `{name}`; there is: {_listed(story)}")


@words.then('the folder has no file "{name}"', "and no folder of that name")
def there_is_no(story: Story, name: str) -> None:
    if _path(story, name).exists():
        raise Mismatch(f"`{name}` is there")


@words.then('the file "{name}" in the folder says "{text}"', "it has this text in it")
def says(story: Story, name: str, text: str) -> None:
    there_is(story, name)
    found = _path(story, name).read_text(errors="backslashreplace")
    if text not in found:
        raise Mismatch(f"`{name}` says:\n{found}")


def _path(story: Story, name: str) -> Path:
    if story.scratch is None:
        hint = "only what is tagged @real has a folder: put @real above the scenario"
        raise Invalid([Problem("this scenario is a rehearsal, and leaves no file", hint)])
    path = (story.scratch / name).resolve()
    if not path.is_relative_to(story.scratch.resolve()):
        raise Invalid([Problem(f"`{name}` is outside of the folder", "name a file within it")])
    return path


def _write(story: Story, name: str, text: str) -> None:
    path = _path(story, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _listed(story: Story) -> str:
    names = sorted(path.name for path in _path(story, ".").iterdir())
    return ", ".join(names) or "nothing"
