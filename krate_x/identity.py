"""Whom a request speaks for: impersonation of a user with his groups."""

from __future__ import annotations

from typing import NamedTuple


class Identity(NamedTuple):
    """A user name and the groups that the API server is to count him into.

    The server gives an impersonated user no group of his own accord but ``system:authenticated``, and the groups of a
    ServiceAccount only where none is named. So all of them belong here.
    """

    user: str
    groups: tuple[str, ...] = ()


def service_account(namespace: str, name: str) -> Identity:
    """The identity of a ServiceAccount, with the groups its token would have."""
    return Identity(
        f"system:serviceaccount:{namespace}:{name}",
        ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"),
    )
