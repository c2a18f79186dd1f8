"""The skill `files`: changes of files within the plan's folder, each of which can be undone.

Paths are seen from the step's folder. What was there before is kept (`fsm.actions.places.kept`), so that
undoing brings back exactly that: content, permissions, or nothing. A file is replaced in one step: whoever
reads it finds the old one or the new one, also after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from hashlib import sha256
from typing import Any, Final

from fsm.actions.output import log
from fsm.actions.places.confined import Missing, Spot, opened, opened_if_there, pieces, read, told
from fsm.actions.places.judged import can_give, can_take, refuse_same, replaceable
from fsm.actions.places.kept import Kept
from fsm.actions.places.looks import Look, look
from fsm.actions.python.skill import ActionFailed, Context, Skill
from fsm.plan.skill import Undo
from fsm.plan.template import printable

__all__ = ["files"]

files = Skill("files", "Write, copy, move and remove files within the plan's folder.")

_UNDO: Final = Undo(action="restore", params={})
_MOST_TEMPLATE_BYTES: Final = 1_000_000


@files.action(undo=_UNDO, idempotent=True)
def write(
    path: str, text: str, context: Context, mode: str | None = None, outside: bool = False
) -> None:
    """Write text to a file, in place of what is in it.

    path: the file; its folder must be there
    text: all that the file will hold, as UTF-8
    mode: its permissions, such as "0600"; else as they are, or as new files get them
    outside: whether it may lie outside of the plan's folder
    """
    with told(path), opened(path, context, outside=outside) as spot:
        _replace(spot, iter([_encoded(text)]), _mode(mode), context)


@write.check
def is_written(
    path: str, text: str, context: Context, mode: str | None = None, outside: bool = False
) -> bool:
    """Whether this step has written it, and it is as it was written."""
    return _is_done(context, outside, (path, _holding(text, mode)))


@write.dry_run
def can_write(
    path: str, text: str, context: Context, mode: str | None = None, outside: bool = False
) -> None:
    """Whether it may be written there."""
    _encoded(text)
    _mode(mode)
    can_take(path, context, outside)


@files.action(undo=_UNDO, idempotent=True)
def copy(source: str, to: str, context: Context, outside: bool = False) -> None:
    """Copy a file, with its permissions, in place of what is at `to`.

    source: the file to copy
    to: the name of the copy; its folder must be there
    outside: whether both may lie outside of the plan's folder
    """
    with told(to), ExitStack() as stack:
        spot = stack.enter_context(opened(to, context, outside=outside))
        from_ = stack.enter_context(opened(source, context, outside=outside))
        refuse_same(from_, spot)
        file = stack.enter_context(read(from_))
        _replace(spot, pieces(file), os.fstat(file).st_mode & 0o777, context)


@copy.check
def is_copied(source: str, to: str, context: Context, outside: bool = False) -> bool:
    """Whether this step has copied it, and both are alike."""
    digest = sha256()
    with told(source), opened(source, context, outside=outside) as from_, read(from_) as file:
        for piece in pieces(file):
            digest.update(piece)
    return _is_done(context, outside, (to, Look("file", sha256=digest.hexdigest())))


@copy.dry_run
def can_copy(source: str, to: str, context: Context, outside: bool = False) -> None:
    """Whether the one can be read and the other written."""
    can_give(source, context, outside, readable=True)
    can_take(to, context, outside)


@files.action(undo=_UNDO)
def move(source: str, to: str, context: Context, outside: bool = False) -> None:
    """Move or rename a file or a folder, in place of a file that is at `to`.

    source: what to move
    to: its new name; the folder of it must be there
    outside: whether both may lie outside of the plan's folder
    """
    with told(source), ExitStack() as stack:
        from_ = stack.enter_context(opened(source, context, outside=outside))
        spot = stack.enter_context(opened(to, context, outside=outside))
        kept, now = _kept(context), look(from_)
        if now.kind == "nothing":
            if kept.is_done([(from_, now), (spot, _as_moved(kept))]):
                return
            raise ActionFailed(f"there is no {from_}")
        replaceable(spot)
        refuse_same(from_, spot)
        if os.fstat(from_.folder).st_dev != os.fstat(spot.folder).st_dev:
            raise ActionFailed(
                f"{spot} is on another file system; copy it and then remove it, in two steps"
            )
        slot = kept.begin()
        slot.keep([(from_, Look("nothing")), (spot, now)])
        os.rename(from_.name, spot.name, src_dir_fd=from_.folder, dst_dir_fd=spot.folder)
        os.fsync(spot.folder)
        os.fsync(from_.folder)


@move.check
def is_moved(source: str, to: str, context: Context, outside: bool = False) -> bool:
    """Whether this step has moved it, and it is where it was moved to."""
    moved = _as_moved(_kept(context, begin=False))
    return _is_done(context, outside, (source, Look("nothing")), (to, moved))


@move.dry_run
def can_move(source: str, to: str, context: Context, outside: bool = False) -> None:
    """Whether it may be taken from there, and put there."""
    can_give(source, context, outside)
    can_take(to, context, outside)


@files.action(undo=_UNDO)
def remove(path: str, context: Context, outside: bool = False) -> None:
    """Remove a file, or a folder with all that is in it; it is kept until the run is pruned.

    path: what to remove; a link is removed, not what it leads to
    outside: whether it may lie outside of the plan's folder
    """
    with told(path), opened(path, context, outside=outside) as spot:
        kept, now = _kept(context), look(spot)
        if now.kind == "nothing":
            if kept.is_done([(spot, now)]):
                return
            raise ActionFailed(f"there is no {spot}")
        slot = kept.begin()
        slot.keep([(spot, Look("nothing"))])
        if now.kind == "folder":
            slot.take(spot, 0)
        else:
            os.unlink(spot.name, dir_fd=spot.folder)
            os.fsync(spot.folder)


@remove.check
def is_removed(path: str, context: Context, outside: bool = False) -> bool:
    """Whether this step has removed it, and nothing has come in its place."""
    return _is_done(context, outside, (path, Look("nothing")))


@remove.dry_run
def can_remove(path: str, context: Context, outside: bool = False) -> None:
    """Whether it may be taken from there."""
    can_give(path, context, outside)


@files.action(undo=_UNDO, idempotent=True)
def template(
    source: str,
    to: str,
    values: dict[str, Any],
    context: Context,
    mode: str | None = None,
    outside: bool = False,
) -> None:
    """Render a file of text with `{{ NAME }}` in it to another, in place of what is in that.

    source: the file to render, in the language that plans have: `{{ }}`, `{% if %}`, `{% for %}`
    to: the file that is written; its folder must be there
    values: what each name in it stands for; text in a value stays text
    mode: its permissions, such as "0600"; else as they are, or as new files get them
    outside: whether both may lie outside of the plan's folder
    """
    rendered = _rendered(source, values, context, outside)
    write(path=to, text=rendered, context=context, mode=mode, outside=outside)


@template.check
def is_rendered(
    source: str,
    to: str,
    values: dict[str, Any],
    context: Context,
    mode: str | None = None,
    outside: bool = False,
) -> bool:
    """Whether this step has rendered it, and it is as it was rendered."""
    rendered = _rendered(source, values, context, outside)
    return _is_done(context, outside, (to, _holding(rendered, mode)))


@template.dry_run
def can_render(
    source: str,
    to: str,
    values: dict[str, Any],
    context: Context,
    mode: str | None = None,
    outside: bool = False,
) -> None:
    """Whether it can be rendered, and may be written there."""
    _mode(mode)
    if can_give(source, context, outside, readable=True):
        _rendered(source, values, context, outside)
    can_take(to, context, outside)


@files.action(undo=_UNDO, idempotent=True)
def make_folder(path: str, context: Context, outside: bool = False) -> None:
    """Make a folder; one that is there stays as it is.

    path: the folder to make; the one above it must be there
    outside: whether it may lie outside of the plan's folder
    """
    with told(path), opened(path, context, outside=outside) as spot:
        kept, now = _kept(context), look(spot)
        if kept.is_done([(spot, Look("folder"))]):
            return
        if now.kind not in ("nothing", "folder"):
            raise ActionFailed(f"{spot} is there already, and is no folder")
        kept.begin().keep([(spot, Look("folder"))])
        if now.kind == "nothing":
            os.mkdir(spot.name, dir_fd=spot.folder)
            os.fsync(spot.folder)


@make_folder.check
def is_made(path: str, context: Context, outside: bool = False) -> bool:
    """Whether this step has made it, or found it."""
    return _is_done(context, outside, (path, Look("folder")))


@make_folder.dry_run
def can_make(path: str, context: Context, outside: bool = False) -> None:
    """Whether it may be made there."""
    with told(path), opened_if_there(path, context, outside=outside) as spot:
        if spot is not None and look(spot).kind not in ("nothing", "folder"):
            raise ActionFailed(f"{spot} is there already, and is no folder")


@files.action(idempotent=True)
def restore(context: Context) -> None:
    """Bring back what the step that this undoes has changed."""
    kept = _kept(context, begin=False)
    slot = kept.latest()
    if slot is None:
        if not kept:
            raise ActionFailed(
                f"what step `{context.step_id}` changed is not kept in {context.kept}; put it right by hand"
            )
        context.note("nothing had been changed")
    elif not slot.undone:
        with told(""):
            for remark in slot.put_back():
                context.note(remark)


def _replace(spot: Spot, content: Iterable[bytes], mode: int | None, context: Context) -> None:
    replaceable(spot)
    _kept(context).replace(spot, content, mode)


def _is_done(context: Context, outside: bool, *wanted: tuple[str, Look]) -> bool:
    with told(wanted[-1][0]), ExitStack() as stack:
        try:
            places = [
                (stack.enter_context(opened(path, context, outside=outside)), after)
                for path, after in wanted
            ]
        except Missing:
            return False
        return _kept(context, begin=False).is_done(places)


def _as_moved(kept: Kept) -> Look:
    slot = kept.latest()
    return slot.places[-1].after if slot is not None else Look("nothing", file=(-1, -1))


def _rendered(source: str, values: dict[str, Any], context: Context, outside: bool) -> str:
    from fsm.plan.template import TemplateError, render_with

    with told(source), opened(source, context, outside=outside) as spot, read(spot) as file:
        if os.fstat(file).st_size > _MOST_TEMPLATE_BYTES:
            raise ActionFailed(f"{spot} is larger than {_MOST_TEMPLATE_BYTES:,} bytes")
        raw = b"".join(pieces(file))
        try:
            return render_with(raw.decode(), values)
        except UnicodeDecodeError:
            raise ActionFailed(f"{spot} is not UTF-8") from None
        except TemplateError as error:
            raise ActionFailed(f"{spot}: {error}") from None


def _holding(text: str, mode: str | None) -> Look:
    """A file of that text, with those permissions if any are given."""
    return Look("file", _mode(mode) or 0, sha256=sha256(_encoded(text)).hexdigest())


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ActionFailed("the text is not valid Unicode, and so cannot be UTF-8") from None


def _mode(mode: str | None) -> int | None:
    if mode is None:
        return None
    if not (
        mode.isdecimal() and mode.isascii() and 3 <= len(mode) <= 4 and set(mode) <= set("01234567")
    ):
        raise ActionFailed(
            f'`mode` is `{printable(mode[:20])}`; write it as chmod does, such as "0640"'
        )
    return int(mode, 8)


def _kept(context: Context, *, begin: bool = True) -> Kept:
    """What is kept of the step. That it began shows by the folder, even if it fails before any change."""
    assert context.kept is not None
    if begin:
        log.make_folder(str(context.kept))
    return Kept(context.kept)
