"""The strict reader of YAML: what it reads, what it refuses (F55 to F60), and in which words."""

from __future__ import annotations

import json
import os
import socket
import string
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fsm.document import (
    MAX_ALIASES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    Data,
    parse_document,
    read_document,
    suggest,
)
from fsm.errors import Invalid, Problem


def read(text: str) -> Data:
    return parse_document(text, "plan.yaml").data


def problems_of(text: str) -> Sequence[Problem]:
    try:
        read(text)
    except Invalid as error:
        return error.problems
    return ()


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as caught:
        read(text)
    assert all(problem.line and problem.column for problem in caught.value.problems)
    return str(caught.value)


# Scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        *[(word, word) for word in ("on", "off", "yes", "no", "y", "n", "tRue", "nUll", "NaN")],
        *[(word, word) for word in ("2026-11-01", "22:22", "12:30:45", "1.2.3", "1_000", "0b1")],
        *[(word, word) for word in ("012", "-012", "00", "01.5", "0o8", "0xg", "+", ".", "1e")],
        ("0", 0),
        ("-0", 0),
        ("+7", 7),
        ("-12", -12),
        ("0o17", 15),
        ("0xfF", 255),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("6.02E+23", 6.02e23),
        ("9" * MAX_DIGITS, int("9" * MAX_DIGITS)),
    ],
)
def test_plain_scalars_follow_the_core_schema_and_leading_zeros_are_text(
    text: str, value: object
) -> None:
    data = read(f"key: {text}")
    assert isinstance(data, dict)
    assert data["key"] == value
    assert type(data["key"]) is type(value)


@pytest.mark.parametrize("quoted", ["'true'", '"true"', "|-\n  true", ">-\n  true", "!!str true"])
def test_a_scalar_in_quotes_or_a_block_is_text(quoted: str) -> None:
    assert read(f"key: {quoted}") == {"key": "true"}


@pytest.mark.parametrize("key", ["on", "1", "true", "null", "2026-11-01", "'quoted'"])
def test_a_key_is_the_text_that_stands_there(key: str) -> None:
    assert read(f"{key}: 1") == {key.strip("'"): 1}


def test_core_tags_are_obeyed() -> None:
    text = "[!!str 1, !!int '2', !!float 3, !!bool 'true', !!null '', ! 4, !!seq [], !!map {}]"
    assert read(text) == ["1", 2, 3.0, True, None, "4", [], {}]


def test_an_empty_file_has_no_data() -> None:
    assert [read(text) for text in ("", "\n\n", "# only a comment\n", "---\n")] == [None] * 4


def test_a_byte_order_mark_in_a_text_is_left_out() -> None:
    document = parse_document("\ufeffa: 1", "plan.yaml")
    assert (document.data, document.position(("a",))) == ({"a": 1}, (1, 1))


def test_an_alias_is_the_value_of_its_anchor() -> None:
    text = "a: &a {x: 1}\nb: *a\nc: &c 2\nd: [*c, *a]\n&k key: &a again\ne: [*a, *k]\n"
    assert read(text) == {
        "a": {"x": 1},
        "b": {"x": 1},
        "c": 2,
        "d": [2, {"x": 1}],
        "key": "again",
        "e": ["again", "key"],
    }


# Refusals, word for word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "id: a\nname: b\nid: c\n",
            "plan.yaml:3:1  the key `id` came before, on line 1; keep one of the two",
        ),
        (
            "run: {{ params.x }}",
            'plan.yaml:1:7  a key must be text; quote a value that begins with `{`: "{{ … }}"',
        ),
        (
            "a: 1\n? [b]\n: 2",
            'plan.yaml:2:3  a key must be text; quote a value that begins with `{`: "{{ … }}"',
        ),
        (
            "&a x: 1\n*a : 2",
            'plan.yaml:2:1  a key must be text; quote a value that begins with `{`: "{{ … }}"',
        ),
        (
            "a: &x [1]\nb: &y [*y]",
            "plan.yaml:2:8  the alias `*y` contains itself; write the value out",
        ),
        (
            "a: *b",
            "plan.yaml:1:4  the alias `*b` has no anchor; "
            "write `&b` before it; quote a value that begins with `*`",
        ),
        (
            "run: *.txt",
            "plan.yaml:1:7  `*` and `&` name aliases here; quote a value that begins with `*` or `&`",
        ),
        (
            "a: !!python/object/apply:os.system [id]",
            "plan.yaml:1:4  the tag `!!python/object/apply:os.system` is not allowed; "
            "remove it; quote a value that begins with !",
        ),
        (
            "a: !important b",
            "plan.yaml:1:4  the tag `!important` is not allowed; "
            "remove it; quote a value that begins with !",
        ),
        ("a: !!int x", "plan.yaml:1:4  `x` is not what its tag `!!int` says; remove the tag"),
        ("!!int 1: a", "plan.yaml:1:1  the key `1` has a tag; remove the tag"),
        (
            "<<: {a: 1}",
            "plan.yaml:1:1  merge keys (`<<`) are not part of YAML 1.2; write the keys out",
        ),
        (
            "a: .inf",
            "plan.yaml:1:4  `.inf` is no finite number; quote it to keep it as text",
        ),
        (
            "a: 1e999",
            "plan.yaml:1:4  the number `1e999` is too large; quote it to keep it as text",
        ),
        (
            "a:\n  b: " + "9" * 5_000,
            "plan.yaml:2:6  a number of 5000 characters is too long (at most 1000); "
            "quote it to keep it as text",
        ),
        (
            "a: 1\n---\nb: 2",
            "plan.yaml:2:1  a second document begins; "
            "keep one document in a file, without `---` between",
        ),
        ("steps:\n\t- id: a", "plan.yaml:2:1  a tab cannot indent; use spaces"),
        (
            "name: a: b",
            "plan.yaml:1:8  a second `: ` on this line, or a line indented too far; "
            "quote a value that contains `: `",
        ),
        (
            "[a], b",
            "plan.yaml:1:4  something follows the end of the document; "
            "write one mapping or one list; quote a value that goes on after its closing quote",
        ),
        ("a: @b", "plan.yaml:1:4  a value cannot begin with @; quote it"),
        (
            "a: 'b\nc: d\n",
            "plan.yaml:3:1  the quote is never closed (the quoted scalar begins on line 1); close it",
        ),
        (
            "a: [b, c\nd: e\n",
            "plan.yaml:2:2  the `[` is not closed before this "
            "(the flow sequence begins on line 1); write `,` or `]`",
        ),
        (
            "a: {b: c\n",
            "plan.yaml:2:1  the `{` is not closed before this "
            "(the flow mapping begins on line 1); write `,` or `}`",
        ),
        (
            "a:\n  - b\n c: d\n",
            "plan.yaml:3:2  a key was expected here (the block mapping begins on line 1); indent "
            "the keys of one mapping alike; quote a value that goes on after its closing quote",
        ),
        (
            "é: a\x07",
            "plan.yaml:1:5  the character U+0007 is not allowed; "
            "remove it, or write it as an escape between double quotes",
        ),
        (
            "a: b\r\nc: \ud800",
            "plan.yaml:2:4  the character U+D800 is not allowed; "
            "remove it, or write it as an escape between double quotes",
        ),
        (
            'a: "\\0"',
            "plan.yaml:1:4  the character U+0000 is not allowed, not even as an escape; remove it",
        ),
        (
            '"\\x00": b',
            "plan.yaml:1:1  the character U+0000 is not allowed, not even as an escape; remove it",
        ),
        (
            'a: "\\ud83d"',
            "plan.yaml:1:7  this escape is no character; "
            "write the character itself, or \\U and its eight hexadecimal digits",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_way_out(text: str, words: str) -> None:
    assert refusal(text) == words


def test_all_problems_that_do_not_hide_others_are_said_at_once() -> None:
    assert refusal("a: .nan\nb: {c: 1, c: 2}\na: !x y\nd: [\n").splitlines() == [
        "plan.yaml:1:4  `.nan` is no finite number; quote it to keep it as text",
        "plan.yaml:2:11  the key `c` came before, on line 2; keep one of the two",
        "plan.yaml:3:1  the key `a` came before, on line 1; keep one of the two",
        "plan.yaml:3:4  the tag `!x` is not allowed; remove it; quote a value that begins with !",
        "plan.yaml:5:1  a value was expected here; "
        "close each bracket; quote a value that begins with `]`, `}` or `,`",
    ]


def test_in_spite_of_keys_that_came_before_their_first_values_are_read() -> None:
    text = "a: {b: 1, b: [2], b: 3, c: &x 4}\na: {d: 5}\ne: *x\n&k f: 6\n&k f: 7\ng: *k"
    document = parse_document(text, "plan.yaml", lenient=True)
    assert document.data == {"a": {"b": 1, "c": 4}, "e": 4, "f": 6, "g": "f"}
    assert [problem.line for problem in document.duplicates] == [1, 1, 2, 5]
    with pytest.raises(Invalid):
        parse_document(text, "plan.yaml")


def test_in_spite_of_duplicates_nothing_else_is_passed_over() -> None:
    with pytest.raises(Invalid) as caught:
        parse_document("a: 1\na: .nan", "plan.yaml", lenient=True)
    assert len(caught.value.problems) == 2


def test_the_same_key_in_two_mappings_is_no_duplicate() -> None:
    assert read("- {a: 1}\n- {a: {a: 2}}") == [{"a": 1}, {"a": {"a": 2}}]


def test_the_keys_inside_a_duplicate_are_not_duplicates_themselves() -> None:
    assert refusal("a: {b: 1}\na: {b: 2}") == (
        "plan.yaml:2:1  the key `a` came before, on line 1; keep one of the two"
    )


# Bounds


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? "])
def test_nesting_beyond_the_bound_is_refused_wherever_it_would_end(bracket: str) -> None:
    words = refusal(bracket * 100_000)
    assert words.startswith("plan.yaml:1:")
    assert "nested deeper than 32; flatten it" in words or "a key must be text" in words


def test_nesting_up_to_the_bound_is_read() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None


def test_aliases_count_with_the_depth_of_what_they_stand_for() -> None:
    half = MAX_DEPTH // 2
    deep = "[" * half + "]" * half
    assert read(f"[&a {deep}, " + "[" * (half - 1) + "*a" + "]" * half) is not None
    assert "nested deeper than 32" in refusal(f"[&a {deep}, " + "[" * half + "*a")


def test_a_billion_laughs_are_refused_before_they_are_laughed() -> None:
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines)) == (
        "plan.yaml:7:40  more than 1,000,000 values, aliases followed; "
        "split it into several files, or write fewer aliases"
    )


def test_aliases_are_counted_even_of_small_values() -> None:
    assert refusal("- &a x\n" + "- *a\n" * (MAX_ALIASES + 1)) == (
        "plan.yaml:1002:3  more than 1,000 aliases; write the values out"
    )
    assert read("- &a x\n" + "- *a\n" * MAX_ALIASES) == ["x"] * (MAX_ALIASES + 1)


def test_more_values_than_the_bound_are_refused_without_aliases_too() -> None:
    assert "more than 1,000,000 values" in refusal("[" + "1," * 1_000_001 + "]")


def test_the_list_of_problems_is_bounded_too() -> None:
    words = refusal("a: .nan\n" * 10_000).splitlines()
    assert len(words) == 201
    assert words[-1] == "plan.yaml:101:4  more problems follow; put these right first"


# Files


def file_refusal(path: Path) -> str:
    with pytest.raises(Invalid) as caught:
        read_document(path)
    return str(caught.value).removeprefix(str(path))


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    for mark in (b"", b"\xef\xbb\xbf"):
        file.write_bytes(mark + "é: 1\nb: x".encode())
        document = read_document(str(file))
        assert document.data == {"é": 1, "b": "x"}
        assert document.position(("é",)) == (1, 1)


def test_a_named_pipe_a_device_and_a_socket_are_refused_before_they_are_opened(
    tmp_path: Path,
) -> None:
    hint = "; name a file, or /dev/stdin for what is piped in"
    os.mkfifo(tmp_path / "fifo")
    assert file_refusal(tmp_path / "fifo") == f"  is a named pipe, not a file{hint}"
    (tmp_path / "link").symlink_to("/dev/zero")
    assert file_refusal(tmp_path / "link") == f"  is a device, not a file{hint}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        assert file_refusal(tmp_path / "socket") == f"  is a socket, not a file{hint}"


def test_a_pipe_that_the_caller_gave_is_read() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"plan: piped")
    os.close(theirs)
    try:
        assert read_document(f"/dev/fd/{ours}").data == {"plan": "piped"}
    finally:
        os.close(ours)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert file_refusal(tmp_path / "none.yaml") == "  does not exist; check the path"
    assert file_refusal(tmp_path) == "  is a folder; name a file in it"
    assert file_refusal(Path("a\0b")) == "  cannot be read: embedded null byte"
    below = tmp_path / "file"
    below.touch()
    assert file_refusal(below / "plan.yaml") == "  cannot be read: Not a directory"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b" " * (MAX_BYTES + 1), "  is larger than 8 MiB; split it into several files"),
        ("a: 1".encode("utf-16"), ":1:1  is UTF-16 text; save it as UTF-8"),
        ("a: 1".encode("utf-16-le"), ":1:1  is UTF-16 text; save it as UTF-8"),
        ("a: 1".encode("utf-16-be"), ":1:1  is UTF-16 text; save it as UTF-8"),
        (
            "é: 1\né: é".encode() + b"\xe9",
            ":2:5  the byte 0xE9 is not UTF-8; save the file as UTF-8",
        ),
    ],
)
def test_a_file_that_is_no_utf_8_text_of_bounded_size_is_refused(
    tmp_path: Path, raw: bytes, words: str
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_bytes(raw)
    assert file_refusal(file) == words


# Places


def test_a_position_is_that_of_the_key_or_the_item() -> None:
    text = "plan:\n  steps:\n    - id: a\n      depends_on: [b, c]\n    - &s id: 😀\n  last: *s\n"
    document = parse_document(text, "plan.yaml")
    places: dict[tuple[str | int, ...], tuple[int, int]] = {
        (): (1, 1),
        ("plan",): (1, 1),
        ("plan", "steps"): (2, 3),
        ("plan", "steps", 0): (3, 7),
        ("plan", "steps", 0, "id"): (3, 7),
        ("plan", "steps", 0, "depends_on"): (4, 7),
        ("plan", "steps", 0, "depends_on", 1): (4, 23),
        ("plan", "steps", 1, "id"): (5, 7),
        ("plan", "last"): (6, 3),
        ("plan", "steps", 0, "retry", "delay"): (3, 7),  # not there: its step
        ("plan", "steps", 7): (2, 3),
        ("nothing",): (1, 1),
    }
    assert {path: document.position(path) for path in places} == places


def test_a_problem_of_a_document_has_its_file_and_place() -> None:
    problem = parse_document("a:\n  b: 1", "p.yaml").problem(("a", "b"), "is wrong", "write c")
    assert str(problem) == "p.yaml:2:3  is wrong; write c"


def test_an_empty_document_has_a_place_for_its_problems() -> None:
    assert parse_document("", "p.yaml").position(("plan",)) == (1, 1)


@pytest.mark.parametrize(
    ("word", "question"),
    [
        ("depend_on", "did you mean `depends_on`?"),
        ("DependsOn", "did you mean `depends_on`?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_a_suggestion_is_the_nearest_known_word_if_any_is_near(word: str, question: str) -> None:
    assert suggest(word, ["depends_on", "retry", "run"]) == question


# Properties

usable = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
keys = st.text(usable, max_size=80)  # YAML wants a key's `:` within 1,024 characters
json_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(usable),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner),
    max_leaves=20,
)


@given(json_data, st.sampled_from([None, 2]))
@example({"rocket 🚀 \\ud83d": "🚀\\", "tab\t\u2028": ["\x7f\x85\ufeff"]}, None)
def test_json_is_read_as_the_data_it_was_written_from(data: Data, indent: int | None) -> None:
    text = json.dumps(data, indent=indent)
    document = parse_document(text, "data.json")
    assert document.data == data
    assert json.dumps(document.data) == json.dumps(data)  # tells 1 from 1.0 and from true


hostile = st.lists(
    st.sampled_from([*"[]{},:-?&*!|>'\"%@`#~ \t\n\r\\", "&a ", "*a", "<<", "a: ", "- ", "---\n"])
    | st.text(string.printable, max_size=3)
    | st.text(max_size=2)
    | st.characters(),
    max_size=40,
).map("".join)


@given(hostile)
def test_whatever_the_text_it_is_read_or_refused_with_a_place(text: str) -> None:
    assert all(problem.line > 0 and problem.column > 0 for problem in problems_of(text))


@given(hostile)
@example('"\\ud800"')
@example('"\\UFFFFFFFF"')
def test_without_libyaml_the_text_is_read_or_refused_with_a_place_too(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader", raising=False)
        assert all(problem.line > 0 and problem.column > 0 for problem in problems_of(text))


def test_without_libyaml_the_data_and_the_places_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "plan:\n  - id: on\n    n: [1, 2.5, 'x', \"\\U0001F680\"]\n  - *a\n".replace(
        "on", "&a on"
    )
    fast = parse_document(text, "p.yaml")
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    slow = parse_document(text, "p.yaml")
    assert slow == fast
    assert slow.position(("plan", 0, "n", 3)) == fast.position(("plan", 0, "n", 3)) == (3, 22)
