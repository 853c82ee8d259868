"""May the source's own identity do what the plan says? Asked once for each verb, kind and namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from krate_gitops.cluster.client.api import Api
from krate_gitops.errors import KrateError
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.stop import Stop


class Question(NamedTuple):
    """A verb on a resource in a namespace (empty: everywhere)."""

    verb: str
    group: str
    resource: str
    namespace: str


async def review_access(api: Api, steps: Iterable[Step], *, who: str) -> None:
    """Holds what the identity may not do (KR724). Raises ``Stop(KR741)`` when the review can't be had."""
    wanted = [(step, question) for step in steps for question in questions(step)]
    asked = sorted({question for _, question in wanted})
    answers = dict(zip(asked, await ask(api, asked), strict=True))
    for step, question in wanted:
        if not answers[question] and step.op is not Op.HOLD:
            where = question.namespace or "the cluster"
            step.hold("KR724", f"{who} may not {question.verb} {question.resource} in {where}")


def questions(step: Step) -> list[Question]:
    """What a step needs. An apply is a patch, and a create too where nothing is there."""
    verbs = {Op.CREATE: ("create", "patch"), Op.UPDATE: ("patch",), Op.PRUNE: ("delete",)}.get(step.op, ())
    if step.type is None:
        return []
    return [Question(verb, step.type.group, step.type.plural, step.id.namespace) for verb in verbs]


async def ask(api: Api, asked: Iterable[Question]) -> list[bool]:
    """The server's answers, in order. Raises ``Stop(KR741)``."""
    try:
        return await asyncio.gather(
            *(api.can_i(one.verb, one.group, one.resource, namespace=one.namespace) for one in asked)
        )
    except KrateError as error:
        raise unavailable(error) from None


def unavailable(error: KrateError) -> Stop:
    """The review failed, so nothing is applied."""
    return Stop(
        "PermissionsReviewed",
        "ReviewUnavailable",
        "KR741",
        f"the access review can't be had: {error.message}",
        hint="it is tried again; nothing is applied without it",
    )
