"""What the file of FSM_OUTPUT may hold, and what is said of one that holds anything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fsm.actions.output.outputs import BadOutputs, discard_outputs, take_outputs

CASES = [
    (b"", {}),
    (b"a=1\n", {"a": "1"}),
    (b"a=1", {"a": "1"}),
    (b"a=\n", {"a": ""}),
    (b"a= b = c \n\n_x9=<<EOF\n", {"a": " b = c ", "_x9": "<<EOF"}),
    (b"a=1\r\nb=2\r\n", {"a": "1", "b": "2"}),
    (b"a=1\na=2\n", {"a": "2"}),
    (b"a<<EOF\nx=1\n\n EOF\nEOF\nb=2\n", {"a": "x=1\n\n EOF", "b": "2"}),
    (b"a<<EOF\nEOF\n", {"a": ""}),
    ("ä".encode() + b"=1\n", "line 1 is neither `name=value` nor `name<<WORD`"),
    (b"a=\xc3\xa4\n", {"a": "ä"}),
    (b"ok=1\n1a=2\n", "line 2 is neither `name=value` nor `name<<WORD`"),
    (b"a =1\n", "line 1 is neither `name=value` nor `name<<WORD`"),
    (b"=1\n", "line 1 is neither `name=value` nor `name<<WORD`"),
    (b"a<<\n", "line 1 is neither `name=value` nor `name<<WORD`"),
    (b"b=1\na<<END\nx\n", "line 2: the value has no end, a line that is just `END`"),
    (b"a=\xff\n", "line 1 is not UTF-8"),
    (b"a<<E\nx\n\0\nE\n", "line 3 holds a NUL byte"),
    (b"a=" + b"x" * (1 << 20), "it is larger than 1 MiB; give a file: `name:file=PATH`"),
    (b'n:json=7\nl:json=[1, "x"]\nt=7\n', {"n": 7, "l": [1, "x"], "t": "7"}),
    (b"m:json<<E\n{\n}\nE\n", {"m": {}}),
    (b"a:json=x\n", "line 1: the value is not JSON: expecting value: line 1 column 1 (char 0)"),
    (b"a:json=NaN\n", "line 1: the value is not JSON: there is no number `NaN` in it"),
    (b"a:yaml=1\n", "line 1 is neither `name=value` nor `name<<WORD`"),
    (b'a:json="\\ud800"\n', "line 1: the value holds text that is not valid Unicode"),
    (b"a:json=" + b"[" * 100_000, "line 1: the value is not JSON: it is nested too deeply"),
    (b' {"n": 1.5, "l": [null], "t": "x"}\n', {"n": 1.5, "l": [None], "t": "x"}),
    (b'{"a-b": 1}', "`a-b` is no name of an output"),
    (
        b'{"a": 1}\nb=2\n',
        "it begins as a JSON object, but is not JSON: extra data: line 2 column 1 (char 9)",
    ),
    (
        b'{"a": 1, "a": 2}',
        "it begins as a JSON object, but is not JSON: a name stands twice in one object",
    ),
    (
        b'{"a": {"$template": "{{ 7*7 }}"}}',
        "it begins as a JSON object, but is not JSON: "
        "fsm keeps the names `$template` and `$masked` for itself",
    ),
    (b'{"a": "\xff"}', "it is not UTF-8"),
]


@pytest.mark.parametrize(("content", "expected"), CASES)
def test_outputs_are_read_or_refused(
    tmp_path: Path, content: bytes, expected: dict[str, str] | str
) -> None:
    path = tmp_path / "outputs"
    path.write_bytes(content)
    if isinstance(expected, str):
        with pytest.raises(BadOutputs) as caught:
            take_outputs(path)
        assert str(caught.value) == expected
    else:
        assert take_outputs(path) == expected
    assert path.exists() is bool(expected), "it is kept until what it says is on record"


def test_a_file_that_says_nothing_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "outputs"
    path.write_bytes(b"\n\n")
    assert take_outputs(path) == {}
    assert not path.exists()


def test_without_a_file_there_are_no_outputs(tmp_path: Path) -> None:
    assert take_outputs(tmp_path / "outputs") == {}


def test_a_secret_over_several_lines_of_a_value_is_masked(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a<<E\nk1\nk2\nE\n")
    assert take_outputs(tmp_path / "outputs", [b"k1\nk2"]) == {"a": {"$masked": "***"}}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b'["x", {"y": "is hunter2!"}]', '["x", {"y": "is ***!"}]'),
        (b"1234567890", "***"),
        (b'{"quoted \\"it\\"": 1}', '{"***": 1}'),
    ],
)
def test_a_secret_anywhere_within_a_value_masks_all_of_that_output(
    tmp_path: Path, value: bytes, shown: str
) -> None:
    (tmp_path / "outputs").write_bytes(b"a:json=" + value + b"\nb:json=[1]\n")
    secrets = [b"hunter2", b"1234567890", b'quoted "it"']
    assert take_outputs(tmp_path / "outputs", secrets) == {"a": {"$masked": shown}, "b": [1]}


@pytest.mark.parametrize("text", ["of_hunter2=1\nb=2\n", '{"of_hunter2": "1", "b": "2"}'])
def test_a_secret_in_the_name_of_an_output_is_masked(tmp_path: Path, text: str) -> None:
    (tmp_path / "outputs").write_text(text)
    outputs = take_outputs(str(tmp_path / "outputs"), (b"hunter2",))
    assert outputs == {"of_***": "1", "b": "2"}


def test_a_file_is_kept_beside_the_outputs_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "report").write_bytes(b"\0\xff" * 3_000_000)
    (tmp_path / "s.1.outputs").write_text("r:file=report\nn=1\n")
    outputs = take_outputs(str(tmp_path / "s.1.outputs"), [b"hunter2"], str(tmp_path / "sub"))
    assert outputs == {"r": str(tmp_path / "s.1.r.file"), "n": "1"}
    (tmp_path / "sub" / "report").unlink()
    assert (tmp_path / "s.1.r.file").read_bytes() == b"\0\xff" * 3_000_000
    assert (tmp_path / "s.1.r.file").stat().st_mode & 0o777 == 0o600


def test_a_file_that_held_a_secret_is_kept_masked_and_no_step_can_use_it(tmp_path: Path) -> None:
    (tmp_path / "report").write_bytes(b"x" * ((1 << 20) - 3) + b"hunter2" + b"y")
    (tmp_path / "s.1.outputs").write_text("r:file=report\n")
    outputs = take_outputs(str(tmp_path / "s.1.outputs"), [b"hunter2"], str(tmp_path))
    assert outputs == {"r": {"$masked": str(tmp_path / "s.1.r.file")}}
    assert (tmp_path / "s.1.r.file").read_bytes() == b"x" * ((1 << 20) - 3) + b"***y"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("no", "No such file or directory"),
        (".", "it is not a regular file"),
        ("pipe", "it is not a regular file"),
        ("", "it is not a regular file"),
    ],
)
def test_what_is_no_file_cannot_be_kept(tmp_path: Path, given: str, why: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "s.1.outputs").write_text(f"r:file={given}\n")
    with pytest.raises(BadOutputs, match=f"the file of `r` cannot be kept: {why}"):
        take_outputs(str(tmp_path / "s.1.outputs"), (), str(tmp_path))
    assert not (tmp_path / "s.1.r.file").exists()


def test_a_link_in_the_place_of_the_copy_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("x")
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "s.1.r.file").symlink_to("precious")
    (tmp_path / "s.1.outputs").write_text("r:file=report\n")
    with pytest.raises(BadOutputs, match="cannot be kept"):
        take_outputs(str(tmp_path / "s.1.outputs"), (), str(tmp_path))
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_link_is_not_followed_and_a_pipe_blocks_nobody(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("a=1\n")
    link = tmp_path / "link"
    link.symlink_to(precious)
    with pytest.raises(BadOutputs, match="it is a link"):
        take_outputs(link)
    discard_outputs(link)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadOutputs, match="it is not a regular file"):
        take_outputs(pipe)
    discard_outputs(pipe)
    with pytest.raises(BadOutputs, match="it is not a regular file"):
        take_outputs(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
