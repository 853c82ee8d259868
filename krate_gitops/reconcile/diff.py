"""What a plan would change, line by line, as YAML. Values of kinds that may hold something sensitive aren't shown."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import yaml

from krate_gitops.reconcile.ownership import MARKS, stamped
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.source import Source

SENSITIVE = frozenset({"AgentSecretGrant", "AgentConfigGrant", "AgentServiceAccount", "ConfigMap", "Secret"})
"""Kinds of which only the names of fields are told."""

_BODY = ("spec", "data", "binaryData", "stringData")
_METADATA = ("name", "namespace", "labels", "annotations")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CONTEXT = 3


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """One object that would change. ``lines`` are those of a unified diff, without its two heads."""

    op: Op
    identity: str
    path: str
    changed_fields: tuple[str, ...]
    lines: tuple[str, ...]
    codes: tuple[str, ...] = ()
    reason: str = ""


def changes(steps: Sequence[Step], source: Source) -> list[Change]:
    """What would be written or deleted, and what is held, in the order of the plan."""
    due = [step for step in steps if step.is_write or step.op in (Op.PRUNE, Op.HOLD)]
    return [_change(step, source) for step in sorted(due, key=lambda one: (one.wave, one.id))]


def _change(step: Step, source: Source) -> Change:
    before = _shown(step.live, "before") if step.live is not None else []
    after: list[str] = []
    if step.op is not Op.PRUNE and step.desired is not None:
        result = step.predicted if step.predicted is not None else stamped(step.desired, source)
        after = _shown(result, "after", step.live)
    lines = list(difflib.unified_diff(before, after, lineterm="", n=_CONTEXT))[2:]
    path = step.desired.place if step.desired else ""
    return Change(step.op, str(step.id), path, step.changed_fields, tuple(lines), step.codes, step.reason)


def _shown(value: Mapping[str, Any], side: str, other: Mapping[str, Any] | None = None) -> list[str]:
    """An object as lines of YAML, without what the server and we ourselves put on it."""
    metadata = {name: item for name in _METADATA if (item := (value.get("metadata") or {}).get(name))}
    for part in ("labels", "annotations"):
        if part in metadata:
            hidden = (*MARKS, _LAST_APPLIED)
            metadata[part] = {name: item for name, item in metadata[part].items() if name not in hidden}
            if not metadata[part]:
                del metadata[part]
    plain: dict[str, Any] = {"apiVersion": value.get("apiVersion"), "kind": value.get("kind"), "metadata": metadata}
    for name, item in value.items():
        if name not in plain and name != "status":
            plain[name] = item
    if value.get("kind") in SENSITIVE:
        for name in _BODY:
            if name in plain:
                plain[name] = _masked(plain[name], side, (other or {}).get(name))
    return yaml.safe_dump(plain, sort_keys=False, default_flow_style=False, allow_unicode=True).splitlines()


def _masked(value: Any, side: str, other: Any) -> Any:
    """The same form without values. A value that is the same on the other side is shown alike on both."""
    if isinstance(value, dict):
        inner = other if isinstance(other, dict) else {}
        return {name: _masked(item, side, inner.get(name)) for name, item in value.items()}
    if isinstance(value, list):
        same = isinstance(other, list) and len(other) == len(value)
        pairs = zip(value, other if same else [None] * len(value), strict=True)
        return [_masked(item, side, one) for item, one in pairs]
    return "<hidden>" if side == "before" or value == other else "<hidden, changed>"


def summary(steps: Sequence[Step]) -> Iterator[str]:
    """One line for each object that isn't just unchanged, with a sign in front."""
    signs = {Op.CREATE: "+", Op.UPDATE: "~", Op.PRUNE: "-", Op.HOLD: "!", Op.SKIP: "."}
    for step in sorted(steps, key=lambda one: (one.wave, one.id)):
        if step.op in signs:
            codes = f" [{', '.join(step.codes)}]" if step.codes else ""
            reason = f": {step.reason}" if step.reason else ""
            fields = f" ({', '.join(step.changed_fields[:6])})" if step.changed_fields else ""
            yield f"{signs[step.op]} {step.id.short}{fields}{codes}{reason}"
