"""The shim: a small process between a runner and its steps, which outlives the runner.

It starts every process that a runner asks for, is their parent and takes their exit status. Orphans of
steps come to it (`PR_SET_CHILD_SUBREAPER`), so that a daemon cannot get away from its step. When the runner
is gone, it writes down in a ledger which steps are at work and how each ends, and keeps their output
flowing into the logs (F45): so recovery finds most outcomes known. One shim serves a runner for its life.

It is forked off by the command before that has loaded anything (`standby.py`), or a program of its own
(`launcher.py`): as `import shim` with nothing else on the path. It imports no more than it needs: what is not
built into Python costs every run some milliseconds. Hence `_socket`, `_signal`.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import fcntl
import marshal
import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BRIEF_MS", "CHANNEL", "LEDGER", "Attempt", "Shim", "main", "pack", "unpack"]

CHANNEL = 0
"""The descriptor on which the shim hears its runner, and answers: frames of `pack`, both ways."""

LEDGER = "processes.jsonl"
"""The name of the ledger in a folder of logs; see `fsm.actions.processes.ledger`."""

_RETAINED = 1024  # more cannot be in flight, and so not yet be in the journal (plan.parallel)
_READ_BYTES = 1 << 16
_SIZE_BYTES = 4
BRIEF_MS = 3
"""That a process was started is told this much later, unless it has ended by then: mostly it has."""
_UNREAD_SECONDS = 1.0
_FIONREAD = 0x541B  # how many bytes lie in a pipe: ioctl_tty(2)
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)
_SET_NAME = 15  # PR_SET_NAME
_NAME = b"step-shim"  # who ends all that is named `fsm` shall not end what knows how the steps end
_ALL_SIGNALS = _signal.valid_signals()


def pack(*message: "Any") -> bytes:
    """One frame: a tuple of plain values, after its length."""
    body = marshal.dumps(message)
    return len(body).to_bytes(_SIZE_BYTES, "big") + body


def unpack(buffer: bytearray) -> "list[tuple[Any, ...]]":
    """The messages whose frames are whole; they are taken out of the buffer, a bytearray."""
    messages, at = [], 0
    while len(buffer) - at >= _SIZE_BYTES:
        end = at + _SIZE_BYTES + int.from_bytes(buffer[at : at + _SIZE_BYTES], "big")
        if len(buffer) < end:
            break
        messages.append(marshal.loads(memoryview(buffer)[at + _SIZE_BYTES : end]))
        at = end
    del buffer[:at]
    return messages


class Attempt:
    """One process that was started, and what the ledger will say of it.

    `what` names the attempt: step, purpose, number. `output` is the end of the pipe that can be read.
    """

    __slots__ = ("began", "code", "ended", "log", "number", "output", "pid", "secrets", "what")

    def __init__(
        self,
        number: int,
        pid: int,
        output: int,
        what: "tuple[str, str, int]",
        log: str,
        secrets: "tuple[bytes, ...]",
    ) -> None:
        self.number = number
        self.pid = pid
        self.output = output
        self.what = what
        self.log = log
        self.secrets = secrets
        self.began = time.time()
        self.ended = 0.0
        self.code: int | None = None


class Shim:
    """What is at work, and what has ended and may yet have to be told to a ledger."""

    def __init__(self) -> None:
        self.channel = _socket.socket(fileno=os.dup(CHANNEL))
        self.channel.settimeout(None)
        self.living: dict[int, Attempt] = {}
        self.ended: dict[int, Attempt] = {}
        self.unread: dict[int, Attempt] = {}
        self.ledgers: dict[str, int] = {}
        self.poller = select.poll()
        self.woken, self._wake = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(self._wake, False)
        _signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, lambda *_: None)
        self._heard = bytearray()
        self._descriptors: list[int] = []
        self._path = os.environ.get("PATH")
        self._had_orphans = False
        self._holds = 0
        self._held: dict[int, Attempt] = {}
        self._leaders: dict[int, int] = {}
        self._nothing = os.open("/dev/null", os.O_RDONLY)
        self._fresh: dict[int, int] = {}
        self._unsaid = b""
        self._environ: dict[str, str] = {}
        self.has_children = False

    def serve(self) -> None:
        """Do what the runner says, and tell it who has ended, until it is gone."""
        self.poller.register(self.channel.fileno(), select.POLLIN)
        self.poller.register(self.woken, select.POLLIN)
        while True:
            for ready, _ in self.poller.poll(BRIEF_MS if self._fresh else None) or [(-1, 0)]:
                if ready == self.woken:
                    self.hear_signal()
                    self._tell(self.reap())
                elif ready == -1:
                    self._say()
                elif not self._hear():
                    return

    def let_all_go(self) -> None:
        """Nobody looks at orphans any more."""
        self._holds = 0

    def hear_signal(self) -> None:
        """A child has ended, or several have."""
        os.read(self.woken, _READ_BYTES)

    def reap(self) -> "list[Attempt]":
        """Take the status of all who have ended: the attempts among them.

        While somebody holds the orphans, those stay as they are: to the eyes of who ends a step's processes
        none may vanish unseen.
        """
        if self._holds:
            return [attempt for pid in list(self.living) if (attempt := self._peek(pid))]
        ended: list[Attempt] = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.has_children = False
                return ended
            self.has_children = True
            if not pid:
                return ended
            attempt = self.living.pop(pid, None)
            if attempt is not None:
                del self._leaders[attempt.number]
                attempt.code, attempt.ended = os.waitstatus_to_exitcode(status), time.time()
                ended.append(attempt)

    def _peek(self, pid: int) -> "Attempt | None":
        """The attempt of that leader if it has ended; its number stays its own."""
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return None
        attempt = self._held[pid] = self.living.pop(pid)
        code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        attempt.code, attempt.ended = code, time.time()
        return attempt

    def _tell(self, ended: "list[Attempt]") -> None:
        for attempt in ended:
            self.ended[attempt.number] = self.unread[attempt.number] = attempt
            if len(self.ended) > _RETAINED:
                del self.ended[next(iter(self.ended))]
            self._fresh.pop(attempt.number, None)
            who = attempt.number, attempt.pid
            self._unsaid += pack("ended", *who, attempt.code, self._any_new_orphan())
        self._close_what_was_read()
        self._say()

    def _close_what_was_read(self) -> None:
        """Close outputs of what has ended, but those that the runner may die before it reads them."""
        if not self.unread:
            return
        now = time.time()
        for number, attempt in list(self.unread.items()):
            is_read = not any(fcntl.ioctl(attempt.output, _FIONREAD, bytes(4)))
            if is_read or now - attempt.ended > _UNREAD_SECONDS:  # a daemon may write on and on
                os.close(attempt.output)
                del self.unread[number]

    def _any_new_orphan(self) -> "bool | None":
        """Whether there is an orphan now that was not there when this could be told last.

        `None` if that cannot be told, as others are at work, or there was an orphan before.
        """
        if self.living or self._holds:
            return None
        had_orphans, self._had_orphans = self._had_orphans, self.has_children
        return None if self.has_children and had_orphans else self.has_children

    def _hear(self) -> bool:
        """Take what the runner says; whether it is still there."""
        try:
            data, ancillary, _, _ = self.channel.recvmsg(
                _READ_BYTES, 1 << 12, _socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            return False
        for level, kind, descriptors in ancillary:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                self._descriptors += [
                    int.from_bytes(descriptors[at : at + 4], sys.byteorder)
                    for at in range(0, len(descriptors) - 3, 4)
                ]
        self._heard += data
        for verb, *rest in unpack(self._heard):
            getattr(self, f"_on_{verb}")(*rest)
        if self._unsaid:
            self._say()
        return bool(data)

    def _say(self) -> None:
        """Tell what there is to tell; of what was started and has ended since, only that it ended."""
        started = b"".join([pack("started", *who) for who in self._fresh.items()])
        said, self._unsaid = started + self._unsaid, b""
        self._fresh.clear()
        if said:
            try:
                self.channel.sendall(said)
            except OSError:
                return  # the runner is gone, which the next look at the channel shows

    def _on_environ(self, env: "dict[str, str]") -> None:
        """What the environments of the processes to start have in common."""
        self._environ = env

    def _on_start(
        self,
        number: int,
        argv: "list[str]",
        cwd: str,
        changed: "dict[str, str]",
        gone: "list[str]",
        what: "tuple[str, str, int]",
        log: str,
        secrets: "tuple[bytes, ...]",
    ) -> None:
        env = {**self._environ, **changed}
        for name in gone:
            del env[name]
        self._close_what_was_read()
        output, write_end = self._descriptors.pop(0), self._descriptors.pop(0)
        self._open_ledger(log.rpartition("/")[0])
        try:
            where = cwd
            os.chdir(cwd)
            where = argv[0]
            self._look_in(env.get("PATH", os.defpath))
            pid = os.posix_spawnp(
                argv[0],
                argv,
                env,
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, self._nothing, 0),
                    (os.POSIX_SPAWN_DUP2, write_end, 1),
                    (os.POSIX_SPAWN_DUP2, write_end, 2),
                ),
                setsid=True,
                setsigdef=_ALL_SIGNALS,
            )
        except (OSError, ValueError) as error:
            os.close(output)
            refusal = (getattr(error, "errno", 0), str(error), where)
            self._unsaid += pack("refused", number, *refusal)
        else:
            self.living[pid] = Attempt(number, pid, output, what, log, secrets)
            self._leaders[number] = pid
            self._fresh[number] = pid
        finally:
            os.close(write_end)

    def _open_ledger(self, folder: str) -> None:
        """Lock the ledger of a folder before anything starts whose end may have to be noted there."""
        if folder in self.ledgers or not folder:
            return
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(os.path.join(folder, LEDGER), flags, 0o600)
        except OSError:
            return  # then how its steps end is not known without their runner
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return
        self.ledgers[folder] = fd

    def remove_ledgers(self) -> None:
        """There is nothing to tell."""
        for folder, fd in self.ledgers.items():
            if not os.fstat(fd).st_size:
                try:
                    os.unlink(os.path.join(folder, LEDGER))
                except OSError:
                    continue

    def _on_signal(self, number: int, signal: int) -> None:
        """Signal a group, whose number is its own as long as its leader's status was not taken."""
        pid = self._leaders.get(number)
        if pid is not None:
            try:
                os.killpg(pid, signal)
            except (ProcessLookupError, PermissionError):
                return

    def _on_hold(self, number: int) -> None:
        """Let no orphan that has ended vanish from now on."""
        self._holds += 1
        self._unsaid += pack("held", number)

    def _on_reap(self, pid: int) -> None:
        """This orphan has ended, and was seen. The status of a leader is for its attempt alone."""
        if pid in self.living or pid in self._held:
            return
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return

    def _on_let_go(self, number: int) -> None:
        self._holds -= 1
        if not self._holds:
            for attempt in self._held.values():
                del self._leaders[attempt.number]
            self._held.clear()
            self._tell(self.reap())
        self._unsaid += pack("held", number)

    def _on_recorded(self) -> None:
        """What has ended is in the journal."""
        self.ended.clear()

    def _look_in(self, path: str) -> None:
        """Have programs looked for there from now on, each time anew: a step may install one."""
        if path != self._path:
            os.environ["PATH"] = self._path = path


def main() -> None:
    """Serve the runner at the other end of `CHANNEL`; when it is gone, see its steps to their end."""
    import _ctypes  # ctypes itself takes longer to load than the rest of this program

    # Whatever our caller had open for itself, locks among it, is neither ours nor of our steps.
    os.closerange(3, max(map(int, os.listdir("/proc/self/fd"))) + 1)
    for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM):
        _signal.signal(number, _signal.SIG_IGN)  # they are for the runner, which tells what to end
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    prctl = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]
    _ctypes.call_function(prctl, (_SUBREAPER, 1, 0, 0, 0))
    _ctypes.call_function(prctl, (_SET_NAME, _NAME, 0, 0, 0))
    shim = Shim()
    shim.serve()
    if shim.living or shim.ended:
        from fsm.actions.processes.ledger import see_to_the_end

        see_to_the_end(shim)
    shim.remove_ledgers()
