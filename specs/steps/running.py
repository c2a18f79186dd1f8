"""The command itself: given, ended, and what it printed."""

from __future__ import annotations

import json
import re

from pytest_bdd import given, parsers, step, then, when

from ..place import Answer, Place
from ..terminal import converse

COMMAND = r"`(?P<command>fsm.*)`"


@given(parsers.re(f"I have run {COMMAND}"))
@when(parsers.re(f"I run {COMMAND}"))
def i_run(place: Place, command: str) -> None:
    place.run(command)
    it_shows_no_traceback(place)


@when(parsers.re(rf'I run {COMMAND} with "(?P<typed>[^"]*)" on its stdin'))
def i_run_with_input(place: Place, command: str, typed: str) -> None:
    typed = typed.replace("\\n", "\n")
    place.answers.append(place.execute(place.filled(command), typed=typed))


@when(parsers.re(rf'I run {COMMAND} in the folder "(?P<folder>[^"]+)"'))
def i_run_in(place: Place, command: str, folder: str) -> None:
    place.answers.append(place.execute(place.filled(command), folder))


@when(parsers.re(rf'I run {COMMAND} in the folder "(?P<folder>[^"]+)", which is gone'))
def i_run_in_a_folder_that_is_gone(place: Place, command: str, folder: str) -> None:
    place.path(folder).mkdir()
    place.within = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh"]
    place.answers.append(place.execute(place.filled(command), folder))
    place.within = []


@when(parsers.re(f"I run {COMMAND} on a terminal"))
def i_run_on_a_terminal(place: Place, command: str) -> None:
    place.answers.append(converse(place, command, {}))


@when(parsers.re(rf'I run {COMMAND} on a terminal and answer "(?P<said>[^"]*)"'))
def i_run_and_answer(place: Place, command: str, said: str) -> None:
    place.answers.append(converse(place, command, {"[y/N]:": said, "quit):": said}))


@when(parsers.re(f"I run {COMMAND} on a terminal and answer:"))
def i_run_and_answer_each(place: Place, command: str, datatable: list[list[str]]) -> None:
    """`…` in what is asked stands for anything in between."""
    replies = {row[0]: row[1] for row in datatable[1:]}
    place.answers.append(converse(place, command, replies))


@when(parsers.re(f"I run {COMMAND} on a terminal and end the input"))
def i_run_and_end_the_input(place: Place, command: str) -> None:
    end = "\x04"  # what the key ^D sends
    place.answers.append(converse(place, command, {"[y/N]:": end, "quit):": end}))


@when(parsers.re(f"I start {COMMAND}"))
def i_start(place: Place, command: str) -> None:
    place.start(command)


@when(parsers.re(f"I run {COMMAND} twice at the same time"))
def i_run_twice_at_once(place: Place, command: str) -> None:
    place.start(command)
    other = place.execute(place.filled(command))
    place.finish()
    place.answers.append(other)


@when(parsers.re(f"I start {COMMAND} on a terminal"))
def i_start_on_a_terminal(place: Place, command: str) -> None:
    place.start_on_a_terminal(command)


@when(parsers.re(f"I start {COMMAND} into a pipe"))
def i_start_into_a_pipe(place: Place, command: str) -> None:
    place.start_into_a_pipe(command)


@when("the terminal is closed")
@when("nobody reads the pipe any more")
def nobody_reads(place: Place) -> None:
    place.nobody_reads()


@when("it ends")
def it_ends(place: Place) -> None:
    place.finish()


@given(parsers.parse("the environment has {name}={value}"))
def the_environment_has(place: Place, name: str, value: str) -> None:
    place.env[name] = place.filled(value)


@when(parsers.parse("the environment has no {name} any more"))
def the_environment_has_no(place: Place, name: str) -> None:
    del place.env[name]


@then(parsers.parse("it exits with {code:d}"))
def it_exits_with(place: Place, code: int) -> None:
    assert place.answer.exit_code == code, place.answer
    it_shows_no_traceback(place)


@then("one of them exits with 0 and the other with 6")
def one_of_two(place: Place) -> None:
    codes = sorted(answer.exit_code for answer in place.answers[-2:])
    assert codes == [0, 6], "\n".join(map(str, place.answers[-2:]))


def it_shows_no_traceback(place: Place) -> None:
    assert "Traceback" not in place.answer.error + place.answer.out, place.answer
    assert "a defect of fsm:" not in place.answer.error + place.answer.out, place.answer


@then(parsers.re(r'it prints "(?P<text>.*)"'))
def it_prints(place: Place, text: str) -> None:
    assert _matches(place.filled(text), place.answer.out), f"no {text!r} in\n{place.answer}"


@then(parsers.re(r'it does not print "(?P<text>.*)"'))
def it_does_not_print(place: Place, text: str) -> None:
    assert not _matches(place.filled(text), place.answer.out), f"{text!r} in\n{place.answer}"


@then("it prints, line by line:")
def it_prints_line_by_line(place: Place, docstring: str) -> None:
    _in_order(place.filled(docstring), place.answer.out, place.answer)


@then("it prints exactly:")
def it_prints_exactly(place: Place, docstring: str) -> None:
    printed = "\n".join(line.rstrip() for line in place.answer.out.strip("\n").splitlines())
    assert printed == place.filled(docstring).strip("\n"), place.answer


@then("it prints nothing")
def it_prints_nothing(place: Place) -> None:
    assert place.answer.out == "", place.answer


@then(parsers.re(r'the error says "(?P<text>.*)"'))
def the_error_says(place: Place, text: str) -> None:
    assert _matches(place.filled(text), place.answer.error), f"no {text!r} in\n{place.answer}"


@then(parsers.re(r'the error does not say "(?P<text>.*)"'))
def the_error_does_not_say(place: Place, text: str) -> None:
    assert not _matches(place.filled(text), place.answer.error), f"{text!r} in\n{place.answer}"


@then("the error says, line by line:")
def the_error_says_line_by_line(place: Place, docstring: str) -> None:
    _in_order(place.filled(docstring), place.answer.error, place.answer)


@then("there is no error")
def there_is_no_error(place: Place) -> None:
    assert place.answer.error == "", place.answer


@then("it prints one JSON document and nothing else")
def it_prints_one_json_document(place: Place) -> None:
    assert isinstance(json.loads(place.answer.out), dict), place.answer


@then("every line it prints is one JSON document")
def every_line_is_json(place: Place) -> None:
    lines = place.answer.out.splitlines()
    assert lines, place.answer
    assert all(isinstance(json.loads(line), dict) for line in lines), place.answer


@then(parsers.re(r'its JSON has "(?P<key>[^"]+)" (?P<value>.+)'))
def its_json_has(place: Place, key: str, value: str) -> None:
    """`key` goes down by dots; `value` is JSON."""
    found = json.loads(place.answer.out.splitlines()[-1] if _is_lines(place) else place.answer.out)
    for part in key.split("."):
        found = found[int(part) if part.isdecimal() else part]
    assert found == json.loads(place.filled(value)), f"{key} is {found!r} in\n{place.answer}"


@then("it prints these events, one a line:")
def it_prints_these_events(place: Place, docstring: str) -> None:
    lines = [json.loads(line) for line in place.answer.out.splitlines()]
    events = [f"{line['event']} {line.get('step', '')}".strip() for line in lines]
    assert events == docstring.split("\n"), place.answer


@then("nothing it prints is coloured")
def nothing_is_coloured(place: Place) -> None:
    assert not re.search(r"\x1b\[[0-9;]*m", place.answer.out + place.answer.error), repr(
        place.answer.out
    )


@then("it prints no control characters")
def no_control_characters(place: Place) -> None:
    found = re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", place.answer.out + place.answer.error)
    assert not found, repr(place.answer.out)


@then("what it prints is coloured")
def it_is_coloured(place: Place) -> None:
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", place.answer.out), repr(place.answer.out)


@step(parsers.parse('I note the "{key}" it prints as "{name}"'))
def i_note(place: Place, key: str, name: str) -> None:
    place.noted[name] = json.loads(place.answer.out)[key]


@step(parsers.parse('I note the "{key}" of its last line as "{name}"'))
def i_note_of_the_last_line(place: Place, key: str, name: str) -> None:
    place.noted[name] = json.loads(place.answer.out.splitlines()[-1])[key]


@then(parsers.parse('the "{key}" it prints is still {name}'))
def it_is_still(place: Place, key: str, name: str) -> None:
    assert json.loads(place.answer.out)[key] == place.noted[name], place.answer


@then(parsers.parse('the "{key}" it prints is no longer {name}'))
def it_is_no_longer(place: Place, key: str, name: str) -> None:
    assert json.loads(place.answer.out)[key] != place.noted[name], place.answer


@given(parsers.parse("fsm may use no more than {megabytes:d} MB of memory"))
def no_more_memory(place: Place, megabytes: int) -> None:
    place.within = ["sh", "-c", f'ulimit -v {megabytes * 1024}; exec "$@"', "sh"]


@given(parsers.parse("fsm may have no more than {files:d} files open"))
def no_more_files(place: Place, files: int) -> None:
    place.within = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"]


def _is_lines(place: Place) -> bool:
    try:
        json.loads(place.answer.out)
    except ValueError:
        return True
    return False


def _matches(text: str, printed: str) -> bool:
    """Whether the text is there; `…` in it stands for anything on the same line."""
    return re.search(_pattern(text), printed) is not None


def _pattern(text: str) -> str:
    return ".*".join(map(re.escape, text.split("…")))


def _in_order(expected: str, printed: str, answer: Answer) -> None:
    """Each line expected is a line printed, indents aside, and they come in this order."""
    lines = iter(printed.splitlines())
    for wanted in filter(None, (line.strip() for line in expected.splitlines())):
        pattern = re.compile(_pattern(wanted))
        found = any(pattern.fullmatch(line.strip()) for line in lines)
        assert found, f"no line {wanted!r} where it should be in\n{answer}"


@then(parsers.parse("the error is one line of less than {most:d} letters"))
def the_error_is_short(place: Place, most: int) -> None:
    (line,) = place.answer.error.splitlines()
    assert 0 < len(line) < most, place.answer


@then("they print the same")
def both_print_alike(place: Place) -> None:
    one, other = place.answers[-2:]
    assert one.out == other.out, f"{one}\n{other}"


@then("they print different things")
def both_print_differently(place: Place) -> None:
    one, other = place.answers[-2:]
    assert one.out != other.out, f"{one}\n{other}"


@then(parsers.parse('no line below "{title}" ends with "{end}"'))
def no_line_ends_with(place: Place, title: str, end: str) -> None:
    below = place.answer.out.split(f"{title}\n")[1].splitlines()
    assert below, place.answer
    assert not [line for line in below if line.endswith(end)], place.answer


@then("every record of its JSON has a hash of its own")
def records_are_chained(place: Place) -> None:
    hashes = [record["hash"] for record in json.loads(place.answer.out)["records"]]
    assert len(set(hashes)) == len(hashes) > 0
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes)


@when(parsers.re(f"I run {COMMAND} with `(?P<redirection>[^`]+)`"))
def i_run_with_a_redirection(place: Place, command: str, redirection: str) -> None:
    place.run_into(redirection, command)


@when(parsers.re(f"I run {COMMAND} into a pipe that nobody reads"))
def i_run_into_a_closed_pipe(place: Place, command: str) -> None:
    place.run_into_closed_pipe(command)
