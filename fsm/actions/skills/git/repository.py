"""A git repository as its command shows it. Whatever comes from a plan is checked before git sees it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from typing import Final

from fsm.actions.python.skill import ActionFailed, Context
from fsm.plan.template import printable

__all__ = ["Repository"]

_SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Repository:
    """The repository that the step works in. What git refuses is raised as `ActionFailed`, in its words."""

    def __init__(self, context: Context) -> None:
        self._cwd = context.cwd
        self._env = {**context.env, "GIT_TERMINAL_PROMPT": "0"}

    def run(self, *arguments: str) -> str:
        """What git prints. Raises `ActionFailed` if it ends with another exit code than 0."""
        code, out, error = self.ask(*arguments)
        if code:
            said = [line for line in error.splitlines() if line.strip()] or out.splitlines()
            words = "; ".join(_without_prefix(line) for line in said[:5]) or f"exit code {code}"
            command = next(word for word in arguments if not word.startswith("-"))
            raise ActionFailed(f"git {command}: {printable(words)}")
        return out

    def ask(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code of git, what it prints, and what it says on stderr."""
        for argument in arguments:
            plain(argument)
        try:
            # Without a terminal to ask for a password at: a child of fsm's has none, and leads its session.
            done = subprocess.run(
                ["git", *arguments],  # noqa: S607
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                start_new_session=os.getsid(0) != os.getpid(),
                check=False,
            )
        except OSError as error:
            raise ActionFailed(f"git cannot be started: {error.strerror}") from None
        out, said = (os.fsdecode(piece).rstrip("\n") for piece in (done.stdout, done.stderr))
        return done.returncode, out, said

    def holds(self, *arguments: str) -> bool:
        """Whether git answers with exit code 0."""
        return self.ask(*arguments)[0] == 0

    def fault(self) -> str:
        """Why git cannot work here; "" if it can."""
        if not os.path.isdir(self._cwd):  # noqa: PTH112 (of a folder that we may not reach, Path raises)
            return "there is no such folder"
        _, out, said = self.ask("rev-parse", "--is-inside-work-tree")
        words = said.splitlines()[0] if said else "it has no working tree"
        return "" if out == "true" else printable(_without_prefix(words))

    def head(self) -> str:
        """What is checked out: `refs/heads/NAME`, or the commit."""
        code, out, _ = self.ask("symbolic-ref", "--quiet", "HEAD")
        return out if code == 0 else self.run("rev-parse", "--verify", "HEAD")

    def object_at(self, ref: str) -> str:
        """The object that a full reference names; "" if there is no such reference."""
        code, out, _ = self.ask("rev-parse", "--verify", "--quiet", ref)
        return out if code == 0 else ""

    def commit_of(self, revision: str) -> str:
        """The commit that a plan's revision means. Raises `ActionFailed` if there is none."""
        code, out, _ = self.ask(
            "rev-parse", "--verify", "--quiet", f"{revised(revision)}^{{commit}}"
        )
        if code or not _SHA.fullmatch(out):
            raise ActionFailed(f"there is no commit `{printable(revision)}`")
        return out

    def branch(self, name: str) -> str:
        """The full reference of a branch of that name. Raises `ActionFailed` if none may be called so."""
        return self._reference("branch", f"refs/heads/{name}", name)

    def tag(self, name: str) -> str:
        """The full reference of a tag of that name. Raises `ActionFailed` if none may be called so."""
        return self._reference("tag", f"refs/tags/{name}", name)

    def _reference(self, what: str, reference: str, name: str) -> str:
        plain(name)
        if (
            name.startswith("-")
            or name in ("", "HEAD")
            or not self.holds("check-ref-format", reference)
        ):
            raise ActionFailed(
                f"`{printable(name[:200])}` is no name of a {what}; see: man git-check-ref-format"
            )
        return reference

    def switch(self, head: str) -> None:
        """Check out what `head` told. Local changes are kept; git refuses what would lose them."""
        if head == self.head():
            return
        branch = head.removeprefix("refs/heads/")
        where = [branch] if branch != head else ["--detach", head]
        self.run("switch", "--quiet", "--no-guess", *where)

    def refuse_unknown_committer(self) -> None:
        """Raises `ActionFailed` if git does not know who commits."""
        for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            if not self.holds("var", name):
                raise ActionFailed(
                    "git does not know who commits; tell it with: git config user.name …, user.email …"
                )

    def refuse_blocked_switch(self, commit: str) -> None:
        """Raises `ActionFailed` if local changes are in the way of checking that commit out."""
        if commit != self.object_at("HEAD"):
            self.run("read-tree", "--dry-run", "-m", "-u", "HEAD", commit)

    def parents(self, commit: str) -> Sequence[str]:
        """The parents of a commit, in their order."""
        return self.run("rev-list", "--parents", "--max-count=1", commit).split()[1:]


def plain(text: str) -> str:
    """The text, if a process can be given it. Raises `ActionFailed`."""
    if "\0" in text:
        raise ActionFailed(
            f"`{printable(text[:200])}` holds a NUL character, which git cannot be given"
        )
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ActionFailed(f"`{printable(text[:200])}` is not valid Unicode") from None
    return text


def revised(revision: str) -> str:
    """The revision, if it cannot be taken for an option. Raises `ActionFailed`."""
    if not revision or revision.startswith("-"):
        raise ActionFailed(f"`{printable(revision[:200])}` names no commit")
    return revision


def _without_prefix(line: str) -> str:
    return re.sub(r"^(?:fatal|error|warning|hint): ", "", line.strip())
