"""Fields by path: ``spec.limits.maxTurns``, ``spec.tools[0]``, ``metadata.annotations["krate.a5c.ai/owner"]``."""

from __future__ import annotations

import copy
import itertools
import re
from typing import Any

from krate_gitops.brain.scalars import resolve_plain
from krate_gitops.brain.yaml_exact import Scalar, YamlRefused, parse_exact
from krate_gitops.errors import UsageError
from krate_gitops.resources.parse import settle

Step = str | int
_TOP = ("apiVersion", "kind", "metadata", "spec")
_STEP = re.compile(r"""\.?(?P<name>[^.\[\]"'=\s]+)|\[(?P<index>[0-9]{1,6})\]|\[(?P<q>["'])(?P<quoted>[^"']+)(?P=q)\]""")
_QUOTED = re.compile(r"""[.\[\]"'=\s]""")
_MAX_STEPS = 20
_OPENERS = tuple("[{\"'")


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a field path; one that begins with no top-level field is below ``spec``.

    Raises ``UsageError(INVALID_REQUEST)``.
    """
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (not steps and text.startswith(".")):
            raise _bad_path(text)
        steps.append(int(match["index"]) if match["index"] else match["name"] or match["quoted"])
        at = match.end()
    if not steps or len(steps) > _MAX_STEPS or isinstance(steps[0], int):
        raise _bad_path(text)
    return tuple(steps) if steps[0] in _TOP else ("spec", *steps)


def parse_value(text: str) -> Any:
    """A value as it is typed on a command line: numbers, ``true``, ``false`` and what stands in brackets or quotes are
    read as YAML, ``null`` is None, anything else is the text itself.

    Raises ``UsageError(INVALID_REQUEST)`` for brackets or quotes that don't close.
    """
    stripped = text.strip()
    if stripped.startswith(_OPENERS):
        try:
            [document] = parse_exact(stripped)
        except (YamlRefused, ValueError):
            raise UsageError(
                "INVALID_REQUEST", "a value in brackets or quotes must be one value of YAML", hint="close what opens"
            ) from None
        return settle(document.value)
    resolved = resolve_plain(text) if text else text
    return text if isinstance(resolved, str) else settle(Scalar(resolved, text))


def assigned(value: dict[str, Any], steps: tuple[Step, ...], new: Any) -> dict[str, Any]:
    """A copy of an object with a field set, or removed where ``new`` is None; maps on the way are made.

    An index may be one past the end. Raises ``UsageError(INVALID_REQUEST)`` where a path leads through something else.
    """
    result = copy.deepcopy(value)
    here: Any = result
    for at, (step, following) in enumerate(itertools.pairwise(steps)):
        if isinstance(here, dict) and isinstance(step, str):
            if step not in here:
                if new is None:
                    return result
                here[step] = [] if isinstance(following, int) else {}
        elif not (isinstance(here, list) and isinstance(step, int) and step < len(here)):
            raise _no_way(steps[: at + 1])
        here = here[step]
    last = steps[-1]
    if isinstance(here, dict) and isinstance(last, str):
        if new is None:
            here.pop(last, None)
        else:
            here[last] = new
    elif (
        isinstance(here, list) and isinstance(last, int) and last <= len(here) and (new is not None or last < len(here))
    ):
        here[last : last + 1] = [] if new is None else [new]
    else:
        raise _no_way(steps)
    return result


def found(value: Any, steps: tuple[Step, ...]) -> Any:
    """The value of a field; None where there is none."""
    for step in steps:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def pointer(steps: tuple[Step, ...]) -> str:
    """The path as text."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _QUOTED.search(step):
            text += f"['{step}']" if '"' in step else f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return text


def _no_way(steps: tuple[Step, ...]) -> UsageError:
    shown = pointer(steps)
    return UsageError("INVALID_REQUEST", f"there is no field {shown} to set", hint="look at the object", location=shown)


def _bad_path(text: str) -> UsageError:
    return UsageError(
        "INVALID_REQUEST", f"{text[:80]!r} is no path of a field", hint='write spec.tools[0], or labels by ["name"]'
    )
