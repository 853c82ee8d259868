"""Whom a request speaks for: impersonation of a user with his groups."""

from __future__ import annotations

from typing import NamedTuple


class Identity(NamedTuple):
    """A user name and the groups that the API server is to count him into.

    Of his own accord the server gives an impersonated user no group but ``system:authenticated``; where none is named,
    a ServiceAccount gets the groups that its token would have. To name groups takes the right to impersonate them.
    """

    user: str
    groups: tuple[str, ...] = ()


def service_account(namespace: str, name: str) -> Identity:
    """The identity of a ServiceAccount. The server adds its groups, so no right to impersonate groups is needed."""
    return Identity(f"system:serviceaccount:{namespace}:{name}")
