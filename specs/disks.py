"""Disks that are small or read-only: mounted where that is allowed, else made so in another way."""

from __future__ import annotations

import os
import subprocess

from .place import Place

__all__ = ["fill", "make_read_only", "shut", "small_disk"]

_AS_ANYBODY = ["setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override", "--"]


def small_disk(place: Place, name: str) -> None:
    """A folder that holds one megabyte."""
    folder = place.path(name)
    folder.mkdir(mode=0o700)
    if _mount("-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(folder)):
        place.leaving.callback(_unmount, str(folder))
    else:
        place.env["DISK_IS_FILLED_BY"] = "limit"


def fill(place: Place, name: str) -> None:
    """Nothing more can be written into the folder."""
    if "DISK_IS_FILLED_BY" in place.env:
        place.within = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"]
    else:
        subprocess.run(["fill-disk", name], cwd=place.folder, env=place.env, check=True)


def make_read_only(place: Place, name: str) -> None:
    """Whoever runs fsm, root too, can no longer write into the folder or what is in it."""
    folder = str(place.path(name))
    if _mount("--bind", folder, folder):
        place.leaving.callback(_unmount, folder)
        assert _mount("-o", "remount,bind,ro", folder)
        return
    for path in (place.path(name), *place.path(name).rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    if os.geteuid() == 0:
        place.within = _AS_ANYBODY


def shut(place: Place, name: str) -> None:
    """Whoever runs fsm, root too, can no longer open the file or folder."""
    path = place.path(name)
    place.leaving.callback(path.chmod, path.stat().st_mode)
    path.chmod(0)
    if os.geteuid() == 0:
        both = "-dac_override,-dac_read_search"
        place.within = ["setpriv", f"--inh-caps={both}", f"--bounding-set={both}", "--"]


def _mount(*arguments: str) -> bool:
    if os.environ.get("SPECS_WITHOUT_MOUNT"):
        return False
    done = subprocess.run(["mount", *arguments], capture_output=True)
    return done.returncode == 0


def _unmount(folder: str) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True, capture_output=True)
