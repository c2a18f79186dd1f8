"""A store is named by a URL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fsm
import fsm.stores
from fsm.errors import Invalid
from fsm.stores import JsonStore, MemoryStore, SqliteStore, open_store

KNOWN = "`sqlite:PATH`, `json:PATH`, `redis://HOST:PORT/DB` or `memory:`"


def test_sqlite_is_a_path_and_opening_it_makes_nothing(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path}/deep/down/state.db")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "deep/down/state.db"
    assert list(tmp_path.iterdir()) == []


def test_a_relative_path_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:state.db")
    monkeypatch.chdir("/")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "state.db"


def test_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    store = open_store("sqlite:~/state.db")
    assert isinstance(store, SqliteStore)
    assert store.path == Path("/home/ann/state.db")


def test_json_is_a_folder_and_opening_it_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (f"{tmp_path}/deep/state", "~/deep/state"):
        store = open_store(f"json:{name}")
        assert isinstance(store, JsonStore)
        assert store.path == tmp_path / "deep/state"
    assert list(tmp_path.iterdir()) == []


def test_memory_is_a_store_of_its_own() -> None:
    assert isinstance(open_store("memory:"), MemoryStore)
    assert open_store("memory:") is not open_store("memory:")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgres://db", f"no store is called `postgres`; known are {KNOWN}"),
        ("sqlite:", f"the state 'sqlite:' is not of the form {KNOWN}"),
        ("sqlite:a\0b", rf"the state 'sqlite:a\x00b' is not of the form {KNOWN}"),
        ("json:", f"the state 'json:' is not of the form {KNOWN}"),
        ("memory:x", f"the state 'memory:x' is not of the form {KNOWN}"),
        (".fsm/state.db", "the state '.fsm/state.db' names no kind of store; write "
                          "`sqlite:.fsm/state.db`"),
        ("/a:b/state.db", "the state '/a:b/state.db' names no kind of store; write "
                          "`sqlite:/a:b/state.db`"),
        ("", "the state '' names no kind of store; write `sqlite:PATH`"),
    ],
)  # fmt: skip
def test_another_url_is_refused_with_the_known_ones(url: str, told: str) -> None:
    with pytest.raises(Invalid) as invalid:
        open_store(url)
    assert str(invalid.value) == told


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, fsm.stores; assert not {'sqlite3', 'fsm.engine', 'fcntl'} & {*sys.modules};"
        "fsm.stores.open_store('sqlite:x'); assert 'sqlite3' in sys.modules"
    )
    source = os.pathsep.join([str(Path(fsm.__file__).parent.parent), *sys.path])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": source})


def test_the_package_has_no_other_names() -> None:
    assert fsm.stores.__all__ == [
        "JsonStore",
        "MemoryStore",
        "RedisStore",
        "SqliteStore",
        "open_store",
    ]
    with pytest.raises(AttributeError, match="has no attribute 'PostgresStore'"):
        fsm.stores.PostgresStore  # noqa: B018
