"""A real server of the Redis protocol that takes the state: started, set, stopped, and put back."""

from __future__ import annotations

import shutil

from pytest_bdd import given, parsers, step, then, when

from tests.stores.server import Server

from ..place import Place

_SHOWN = "server"


@given("the state is on a Redis server")
def on_a_server(place: Place) -> None:
    _begin(place)


@given(parsers.parse('the state is on a Redis server, "{options}"'))
def on_a_server_with_options(place: Place, options: str) -> None:
    _begin(place)
    place.env["FSM_STATE"] += f"?{options}"


@given(parsers.parse('the state is on a Redis server with the password "{password}"'))
def on_a_server_with_a_password(place: Place, password: str) -> None:
    server = _begin(place, requirepass=password)
    place.env["FSM_STATE"] = server.url.replace("://", f"://:{password}@")


@given(
    parsers.parse('a Redis server with the password "{password}" that specifications may choose')
)
def to_be_chosen(place: Place, password: str) -> None:
    on_a_server_with_a_password(place, password)
    place.env["FSM_REDIS_URL"] = place.env.pop("FSM_STATE")


@given(parsers.parse('the state is on a Redis server whose "{setting}" is "{value}"'))
def on_a_server_set_so(place: Place, setting: str, value: str) -> None:
    _begin(place, **{setting.replace("-", "_"): value})


@step(parsers.parse('somebody gives the server the command "{command}"'))
def give_a_command(place: Place, command: str) -> None:
    _server(place).ask(*command.split())


@when("the server is killed by kill -9")
def killed(place: Place) -> None:
    _server(place).kill()


@when("the server is stopped")
def stopped(place: Place) -> None:
    _server(place).stop()


@when("the server hangs")
def hangs(place: Place) -> None:
    """It keeps its connections, and answers nobody."""
    _server(place).pause()


@when("the server goes on")
def goes_on(place: Place) -> None:
    _server(place).go_on()


@when("the server is started again")
def started(place: Place) -> None:
    _server(place).start()


@when("I keep a copy of the server's data")
def keep_a_copy(place: Place) -> None:
    server = _server(place)
    shutil.copytree(server.folder / "appendonlydir", server.folder / "copy")


@when("the server is put back to that copy")
def put_back(place: Place) -> None:
    server = _server(place)
    server.stop()
    shutil.rmtree(server.folder / "appendonlydir")
    shutil.copytree(server.folder / "copy", server.folder / "appendonlydir")
    server.start()


@when("a runner on another machine has the run")
def held_elsewhere(place: Place) -> None:
    (run,) = _server(place).ask("ZRANGE", "fsm:runs", 0, -1)
    token = f"fsm1 build-7 {'0' * 36}:1 12 34 {'0' * 32}"
    _server(place).ask("SET", f"fsm:lease:{run.decode()}", token, "PX", 60_000)


@given("the library redis is not installed")
def not_installed(place: Place) -> None:
    """A module of its name that is not there to be imported, before the one that is."""
    folder = place.folder.parent / "hiding"
    folder.mkdir()
    folder.joinpath("redis.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'redis'\", name='redis')\n"
    )
    place.env["PYTHONPATH"] = str(folder)


@then(parsers.parse("the server has {count:d} run"))
def has_runs(place: Place, count: int) -> None:
    assert _server(place).ask("ZCARD", "fsm:runs") == count, place.answer


@then("nothing was written to the server")
def nothing_written(place: Place) -> None:
    assert _server(place).ask("DBSIZE") == 0, place.answer


@then(parsers.parse('neither the server nor any file here holds "{text}"'))
def nowhere(place: Place, text: str) -> None:
    server = _server(place)
    data = b"".join(path.read_bytes() for path in (server.folder / "appendonlydir").iterdir())
    assert b"RunCreated" in data
    assert text.encode() not in data
    for path in place.folder.rglob("*"):
        assert not path.is_file() or text.encode() not in path.read_bytes(), path
    for answer in place.answers:
        assert text not in answer.out + answer.error, answer


def _begin(place: Place, **settings: str) -> Server:
    server = Server(place.folder.parent / "server", **settings).start()
    place.leaving.callback(server.end)
    place.noted[_SHOWN] = server
    place.noted["port"] = server.port
    place.env["FSM_STATE"] = server.url
    return server


def _server(place: Place) -> Server:
    server = place.noted[_SHOWN]
    assert isinstance(server, Server), "the scenario has no server"
    return server
