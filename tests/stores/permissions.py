"""Modes of files, and folders that can only be read, whoever asks."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["mode", "modes_obeyed", "read_only"]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def modes_obeyed() -> Iterator[None]:
    """Permissions hold for root too: it lays down CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (F20)."""
    libc, header, sets = ctypes.CDLL(None), _Header(0x20080522, 0), (_Sets * 2)()
    assert libc.capget(ctypes.byref(header), sets) == 0
    before = sets[0].effective
    sets[0].effective = before & ~0b110
    assert libc.capset(ctypes.byref(header), sets) == 0
    try:
        yield
    finally:
        sets[0].effective = before
        assert libc.capset(ctypes.byref(header), sets) == 0


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing below the folder can be written to."""
    paths = [folder, *folder.rglob("*")]
    modes = [mode(path) for path in paths]
    for path in reversed(paths):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        with modes_obeyed():
            with pytest.raises(PermissionError):
                (folder / "probe").touch()
            yield
    finally:
        for path, before in zip(paths, modes, strict=True):
            path.chmod(before)
