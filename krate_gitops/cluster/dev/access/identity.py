"""Who asks: a user with groups, and the names that ServiceAccounts go by."""

from __future__ import annotations

import msgspec

ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"

_SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"
_SERVICE_ACCOUNTS = "system:serviceaccounts"


class User(msgspec.Struct, frozen=True):
    """Somebody who was told apart from others. ``extra`` holds ``(key, values)`` pairs; users compare by all fields."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def info(self) -> dict[str, object]:
        """The user as reviews print it; what is empty is left out."""
        shown: dict[str, object] = {"username": self.name}
        if self.uid:
            shown["uid"] = self.uid
        if self.groups:
            shown["groups"] = list(self.groups)
        if self.extra:
            shown["extra"] = {key: list(values) for key, values in self.extra}
        return shown


NOBODY = User(ANONYMOUS, (UNAUTHENTICATED,))


def authenticated(user: User) -> User:
    """``user`` with the group of all who authenticated, once."""
    if AUTHENTICATED in user.groups:
        return user
    return msgspec.structs.replace(user, groups=(*user.groups, AUTHENTICATED))


def service_account_user(namespace: str, name: str) -> str:
    """The user name of a ServiceAccount."""
    return f"{_SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, ...]:
    """The groups every ServiceAccount of ``namespace`` is in, but for that of all who authenticated."""
    return (_SERVICE_ACCOUNTS, f"{_SERVICE_ACCOUNTS}:{namespace}")


def service_account_of(username: str) -> tuple[str, str] | None:
    """``(namespace, name)`` of the ServiceAccount that goes by ``username``, or None for any other user."""
    if not username.startswith(_SERVICE_ACCOUNT_PREFIX):
        return None
    namespace, colon, name = username.removeprefix(_SERVICE_ACCOUNT_PREFIX).partition(":")
    if not colon or not namespace or not name or ":" in name:
        return None
    return namespace, name
