"""Whether the whole source would be good with a change: all rules, and some that only a writer is held to."""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.reconcile.writer.objects import ObjectChange
from krate_gitops.reconcile.writer.refusals import InvalidResultError
from krate_gitops.reconcile.writer.target import SourceTarget
from krate_gitops.resources.context import Context
from krate_gitops.resources.load import Loaded
from krate_gitops.resources.rules.elsewhere import REFUSED_ON_SAVE
from krate_gitops.resources.rules.table import Effect
from krate_gitops.resources.validate import Diagnostic, validate


def validated(
    base: Loaded, result: Loaded, changes: Sequence[ObjectChange], target: SourceTarget, *, now: int, draft: bool
) -> list[Diagnostic]:
    """Diagnostics of the result, none of which stands in the way. Raises ``InvalidResultError``.

    Not ready is refused where the change has to do with it: an object that it touches, or one that was ready before.
    What was blocked already, and has nothing to do with the change, stays what it was.
    """
    context = Context(organization=target.organization, now=now)
    found = validate(result, context, source=target.name)
    refused = [one for one in found if one.effect in (Effect.REJECT, Effect.STOP)]
    if refused:
        raise InvalidResultError(refused)
    narrowed = [one for one in result.manifests if target.allowed_kinds is not None and one.is_ours]
    for one in narrowed:
        if one.kind not in (target.allowed_kinds or ()) and any(c.kind == one.kind for c in changes):
            raise InvalidResultError(
                [_not_allowed(one.kind, one.name, one.path, target.name)], hint="change allowedKinds of the source"
            )
    if draft:
        return found
    blocking = [one for one in found if one.code in REFUSED_ON_SAVE]
    if blocking:
        touched = {(one.kind, one.name) for one in changes}
        known = {_mark(one) for one in validate(base, context) if one.code in REFUSED_ON_SAVE}
        fresh = [one for one in blocking if (one.kind, one.name) in touched or _mark(one) not in known]
        if fresh:
            raise InvalidResultError(fresh, hint=f"{fresh[0].hint}; --draft keeps it though it isn't ready")
    return found


def _mark(one: Diagnostic) -> tuple[str, ...]:
    return one.code, one.kind, one.name, one.field, one.message


def _not_allowed(kind: str, name: str, path: str, source: str) -> Diagnostic:
    return Diagnostic(
        code="KR017",
        severity="error",
        effect=Effect.REJECT,
        source=source,
        path=path,
        document=0,
        kind=kind,
        name=name,
        field="kind",
        message=f"the source admits no {kind}",
        hint="",
        line=0,
        column=0,
    )
