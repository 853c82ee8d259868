"""Questions for the native access review, as values: they are collected first and answered by the caller.

A review never calls an API server. ``required_access`` says what it will want to know, the caller asks that at once
(answers are shared between stacks) and hands the answers in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from krate_gitops.resources.kinds.identity import ResourceRule

MOST_QUESTIONS = 500
"""Of one set of rules. Whoever writes more has not named what an agent needs."""
ACCOUNT_PREFIX = "system:serviceaccount:"
RBAC_GROUP = "rbac.authorization.k8s.io"


class AccessQuestion(msgspec.Struct, frozen=True, order=True):
    """May ``user`` do ``verb``? An empty user is the program itself, as it is signed in.

    ``path`` is set instead of a resource for what isn't one.
    """

    user: str
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that a native review must be asked with; those that every service account is in."""
        if not self.user.startswith(ACCOUNT_PREFIX):
            return ()
        namespace = self.user.removeprefix(ACCOUNT_PREFIX).partition(":")[0]
        return ("system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}")


Answers = Mapping[AccessQuestion, bool | None]
"""Answers of a native access review; None, as a missing one, is no answer."""


def account_user(namespace: str, name: str) -> str:
    """The user name of a native ServiceAccount."""
    return f"{ACCOUNT_PREFIX}{namespace}:{name}"


def questions_of(rules: tuple[ResourceRule, ...], user: str, namespace: str) -> list[AccessQuestion] | None:
    """What a user must be allowed for rules to hold in a namespace, sorted; None for more than ``MOST_QUESTIONS``."""
    found: set[AccessQuestion] = set()
    for rule in rules:
        for question in _questions(rule, user, namespace):
            found.add(question)
            if len(found) > MOST_QUESTIONS:
                return None
    return sorted(found)


def _questions(rule: ResourceRule, user: str, namespace: str) -> Iterator[AccessQuestion]:
    for verb in rule.verbs:
        for path in rule.non_resource_urls:
            yield AccessQuestion(user, verb, path=path)
        for resource in rule.resources:
            plural, _, subresource = resource.partition("/")
            for group in rule.api_groups or ("",):
                for name in rule.resource_names or ("",):
                    yield AccessQuestion(user, verb, group, plural, subresource, namespace, name)


def verdict(answers: list[bool | None]) -> bool | None:
    """One answer from many: False beats no answer, and no answer beats True. True for no question at all."""
    if any(one is False for one in answers):
        return False
    return None if any(one is None for one in answers) else True
