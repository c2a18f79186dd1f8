"""Plans: from a file that somebody wrote to one frozen, digest-locked value (DESIGN.md).

`load_plan` is the way in, `load_specification` the one for S3's phases and `load_skill` the one for a
skill's file; `Plan` and its parts are what everything else sees. `fsm.plan.graph` answers who waits for whom,
`fsm.plan.template` renders what had to wait for a step, `fsm.plan.duration` writes seconds for people, and
`fsm.plan.schema` tells editors what may be written. `fsm.plan.loading` is private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fsm.plan.loading.load import load_plan, read_source, resolve
    from fsm.plan.loading.phases import Specification, load_specification
    from fsm.plan.loading.places import find_steps, step_paths, step_places
    from fsm.plan.loading.script_folder import load_scripts
    from fsm.plan.loading.skill_file import load_skill
    from fsm.plan.model import Call, ErrorHandling, Plan, Response, Retry, Rollback, Step

__all__ = [
    "Call",
    "ErrorHandling",
    "Plan",
    "Response",
    "Retry",
    "Rollback",
    "Specification",
    "Step",
    "find_steps",
    "load_plan",
    "load_scripts",
    "load_skill",
    "load_specification",
    "read_source",
    "resolve",
    "step_paths",
    "step_places",
]

_HOMES = {
    "load_plan": "loading.load",
    "read_source": "loading.load",
    "resolve": "loading.load",
    "Specification": "loading.phases",
    "load_scripts": "loading.script_folder",
    "load_skill": "loading.skill_file",
    "load_specification": "loading.phases",
    "find_steps": "loading.places",
    "step_paths": "loading.places",
    "step_places": "loading.places",
}


def __getattr__(name: str) -> Any:
    # Who reads a stored plan needs the model alone, who reads a duration not even that.
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'model')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
