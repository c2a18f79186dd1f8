from __future__ import annotations

from typing import Any

import pytest

from fsm.plan.model import Call
from fsm.plan.skill import ActionSpec, Needs
from fsm.views.calls import command_text, is_shell_text, tools_of


def call(command: Any) -> Call:
    return Call(skill="shell", action="run", params={"command": command})


@pytest.mark.parametrize(
    ("script", "tools"),
    [
        ("A=b B='c d' make -j4 test", ("make",)),
        ("cd x && make", ("make",)),
        ("set -e\ngit pull\nmake | tee log > out", ("git", "make", "tee")),
        ("if test -f x; then rm x; else touch x; fi", ("rm", "touch")),
        ("for f in *; do rm $f; done", ("rm",)),
        ("2>/dev/null git x; ls>a 2>&1", ("git", "ls")),
        ("! grep -q x y", ("grep",)),
        ("exec python -m x", ("python",)),
        ("curl 'http://x?a=b&c=d' && jq .", ("curl", "jq")),
        ("# don't count me\nls -l", ("ls",)),
        ("a=$(git describe); echo $a", ("git",)),
        ("/usr/bin/env true; ./build.sh", ("env", "./build.sh")),
        ("echo 'a\nrm b'", ()),
        ("$TOOL x", ()),
        ("cat <<E\nfoo\nE\nbar", ("cat",)),
        ("clean() { rm x; }; make", ("rm", "make")),
        ("case $x in a) rm y;; esac", ()),
        ("setsid sh -c 'a >b <c; d' & echo left", ("setsid",)),
        ("awk '$1 > 3' x; make > & echo done", ("awk", "make")),
        ("trap '' TERM; printf '' > x; make", ("make",)),
        ("echo 'never closed", ()),
        ("", ()),
    ],
)
def test_text_for_a_shell_needs_the_programs_that_a_plain_reading_finds(
    script: str, tools: tuple[str, ...]
) -> None:
    assert tools_of(call(script)) == tools


@pytest.mark.parametrize(
    ("command", "tools"),
    [
        (["git", "push"], ("git",)),
        (["/usr/bin/git", "push"], ("git",)),
        (["./x.sh"], ("./x.sh",)),
        (["bash", "-euc", "make x"], ("bash", "make")),
        (["sh", "-x", "a.sh"], ("sh",)),
        ([{"$template": "{{ steps.a.outputs.b }}"}, "x"], ("{{ steps.a.outputs.b }}",)),
    ],
)
def test_an_argument_list_needs_its_program(command: list[Any], tools: tuple[str, ...]) -> None:
    assert tools_of(call(command)) == tools


def test_any_other_call_needs_its_skill() -> None:
    read = Call(skill="jira", action="read")
    assert tools_of(read) == ("skill jira",)
    spec = ActionSpec(
        name="read",
        needs=Needs(commands=("curl", "jq")),
        run="curl -s | sed s/a/b/",
        check=["/usr/bin/test", {"$template": "{{ params.x }}"}],
    )
    assert tools_of(read, spec) == ("skill jira", "curl", "jq", "sed", "test")


def test_a_list_that_starts_a_shell_on_a_text_is_text_for_a_shell() -> None:
    assert is_shell_text(call("ls"))
    assert is_shell_text(call(["sh", "-c", "ls"]))
    assert not is_shell_text(call(["sh", "x.sh"]))
    assert not is_shell_text(call(["ls", "-c", "x"]))


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["git", "commit", "-m", "it's done"], """git commit -m 'it'"'"'s done'"""),
        (["echo", {"$template": "v{{ steps.a.outputs.b }}"}], "echo 'v{{ steps.a.outputs.b }}'"),
        ("make\nmake install\n", "make\\nmake install"),
        (["printf", "\x1b[2J"], "printf '\\x1b[2J'"),
    ],
)
def test_a_command_is_shown_as_one_would_type_it_on_one_line(command: Any, text: str) -> None:
    assert command_text(call(command)) == text


def test_another_call_is_shown_with_its_params() -> None:
    params = {"to": "Done", "n": 3, "who": {"$template": "{{ steps.a.outputs.b }}"}}
    shown = command_text(Call(skill="jira", action="move", params=params))
    assert shown == 'jira.move to="Done" n=3 who="{{ steps.a.outputs.b }}"'
