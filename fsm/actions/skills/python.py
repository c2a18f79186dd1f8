"""The skill `python`: a function that the plan names, in a process of its own or in fsm's."""

from __future__ import annotations

import ast
import os
import sys
from hashlib import sha256
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from fsm.actions.places.confined import opened, pieces, read, told
from fsm.actions.python.skill import ActionFailed, Context, Skill
from fsm.plan.template import printable

__all__ = ["python"]

python = Skill("python", "Call a function.", apart=True)


@python.action
def call(
    function: str,
    context: Context,
    args: dict[str, Any] | None = None,
    child: bool = True,
    import_from: str = "",
) -> Any:
    """Call a function. What it returns are the outputs: a mapping, or else `result`.

    function: `module:function`, or `FILE.py:function` of a file in the plan's folder
    args: what it is given, by name; each is checked and converted as its annotation asks
    child: whether it runs in a process of its own, which a timeout or a cancellation can end
    import_from: a folder within the plan's, in which modules are looked for first
    """
    from pydantic import ConfigDict, PydanticUserError, ValidationError, validate_call

    place, name = _parts(function)
    if import_from and not child:
        raise ActionFailed(
            "`import_from` would change what fsm itself imports; write `child: true`"
        )
    if import_from:
        sys.path.insert(0, str(_folder(import_from, context)))
        sys.pycache_prefix = os.devnull  # what is kept compiled may be of another source
    found = _attribute(_imported(place, context), name, function)
    try:
        checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(found)
    except PydanticUserError as error:
        raise ActionFailed(f"{function} cannot be called by name: {error.message}") from None
    try:
        return checked(**(args or {}))
    except ValidationError as error:
        if error.title != getattr(found, "__name__", ""):
            raise
        raise ActionFailed("; ".join(_faults(function, error))) from None


@call.runs
def source(function: str, context: Context, import_from: str = "") -> bytes | None:
    """The file that the function is written in; `None` if it is none of Python's."""
    return _source(_parts(function)[0], context, import_from)


@call.dry_run
def can_call(
    function: str, context: Context, args: dict[str, Any] | None = None, import_from: str = ""
) -> None:
    """Whether there is such a function that takes such arguments; nothing of it is imported."""
    place, name = _parts(function)
    source = _source(place, context, import_from)
    if source is None:
        return
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise ActionFailed(f"{printable(place)} cannot be read: {error}") from None
    defined = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    if defined and any(node is defined[-1] for node in tree.body):
        _refuse_wrong(defined[-1].args, set(args or {}), function, bool(defined[-1].decorator_list))
    elif name not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        imported = (
            alias
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        )
        if not any(
            name in (alias.asname or alias.name, "*") or alias.name == "*" for alias in imported
        ):
            raise ActionFailed(f"{printable(place)} has no function `{printable(name)}`")


def _refuse_wrong(taken: ast.arguments, given: set[str], function: str, is_decorated: bool) -> None:
    if is_decorated:
        return  # a decorator may change what it takes
    positional = [each.arg for each in taken.args]
    needed = set(positional[: len(positional) - len(taken.defaults)])
    needed |= {
        each.arg
        for each, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True)
        if default is None
    }
    known = {*positional, *(each.arg for each in taken.kwonlyargs)}
    for name in sorted(needed - given):
        raise ActionFailed(f"{function} needs the argument `{name}`; give it in `args`")
    if taken.kwarg is None:
        for name in sorted(given - known):
            raise ActionFailed(f"{function} takes no argument `{printable(name)}`")


def _parts(function: str) -> tuple[str, str]:
    place, _, name = function.rpartition(":")
    is_file = place.endswith(".py")
    if not name.isidentifier() or not (is_file or all(p.isidentifier() for p in place.split("."))):
        raise ActionFailed(
            f"`{printable(function[:200])}` names no function; "
            "write `module:function`, or `FILE.py:function`"
        )
    return place, name


def _folder(name: str, context: Context) -> Path:
    with told(name), opened(f"{name}/x", context, outside=False) as spot:
        return Path(spot.path).parent


def _source(place: str, context: Context, import_from: str) -> bytes | None:
    """The source of the module, which is not imported; `None` if it has none. Raises `ActionFailed`."""
    if place.endswith(".py"):
        beside = opened(_beside(place, context), context, outside=False)
        with told(place), beside as spot, read(spot) as file:
            return b"".join(pieces(file))
    first, *rest = place.split(".")
    path = [str(_folder(import_from, context))] if import_from else None
    spec = PathFinder.find_spec(first, path) if path else None
    spec = spec or find_spec(first)
    full = first
    for part in rest:
        full = f"{full}.{part}"
        inner = spec.submodule_search_locations if spec is not None else None
        spec = PathFinder.find_spec(full, list(inner)) if inner else None
    if spec is None:
        raise ActionFailed(
            f"there is no module `{place}`; install it, name its file, or say `import_from`"
        )
    if not spec.has_location or not (spec.origin or "").endswith(".py"):
        return None
    return Path(spec.origin or "").read_bytes()


def _beside(place: str, context: Context) -> str:
    """The file, seen from the plan's folder, wherever the step works."""
    return str(context.folder / place)


def _imported(place: str, context: Context) -> object:
    if not place.endswith(".py"):
        try:
            return import_module(place)
        except ModuleNotFoundError as error:
            raise ActionFailed(
                f"{error}; install it, name its file, or say `import_from`"
            ) from None
    beside = opened(_beside(place, context), context, outside=False)
    with told(place), beside as spot, read(spot) as file:
        source, path = b"".join(pieces(file)), spot.path
    if context.code and sha256(source).hexdigest() != context.code:
        raise ActionFailed(f"{printable(place)} has changed while the step began")
    spec = spec_from_file_location(f"_fsm_{Path(path).stem}", path)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    # Not by its loader, which would run what is kept compiled beside the source in its place.
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the plan names it
    return module


def _attribute(module: object, name: str, function: str) -> Any:
    found = getattr(module, name, None)
    if not callable(found):
        raise ActionFailed(f"there is no function {printable(function)}")
    return found


def _faults(function: str, error: Any) -> list[str]:
    return [
        f"{function}: `{'.'.join(map(str, fault['loc']))}`: {fault['msg'][0].lower()}{fault['msg'][1:]}"
        for fault in error.errors(include_url=False)
    ]
