"""The users file: who may come in with which fixed token.

The form is the one Kubernetes itself reads for static tokens: one line a user,
``token,user name,uid,"group,another group"``; uid and groups may be missing. Tokens are compared by their digest, so
that how long a wrong token takes says nothing about the right ones.
"""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

from krate_gitops.cluster.dev.access.identity import User, authenticated
from krate_gitops.errors import UsageError

MAX_USERS_FILE_BYTES = 1 << 20


class Users:
    """Users by token."""

    def __init__(self, by_token: dict[str, User] | None = None) -> None:
        self._by_digest = {_digest(token): authenticated(user) for token, user in (by_token or {}).items()}

    def by_token(self, token: str) -> User | None:
        """The user of ``token``, in the group of all who authenticated; None for a token nobody has."""
        return self._by_digest.get(_digest(token))


def read_users(path: Path) -> Users:
    """The users of a file.

    Raises UsageError if it can't be read or a line makes no sense; the message never has a token in it.
    """
    return Users(read_tokens(path))


def read_tokens(path: Path) -> dict[str, User]:
    """The tokens of a users file with their users, in its order. Raises UsageError as ``read_users`` does."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_USERS_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError("dev.users", f"The users file can't be read: {error.strerror}", location=str(path)) from error
    if len(content) > MAX_USERS_FILE_BYTES:
        raise UsageError("dev.users", "The users file is bigger than 1 MiB", location=str(path))
    try:
        rows = list(csv.reader(io.StringIO(content.decode())))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError("dev.users", "The users file is not CSV in UTF-8", location=str(path)) from error
    tokens: dict[str, User] = {}
    for number, row in enumerate(rows, start=1):
        if not row or row[0].startswith("#"):
            continue
        where = f"{path}:{number}"
        fields = [field.strip() for field in row]
        if len(fields) < 2 or not fields[0] or not fields[1]:
            raise UsageError(
                "dev.users", "A user needs a token and a name", hint="token,name,uid,groups", location=where
            )
        if fields[0] in tokens:
            raise UsageError("dev.users", "Two users have the same token", location=where)
        tokens[fields[0]] = _user(fields)
    return tokens


def _user(fields: list[str]) -> User:
    uid = fields[2] if len(fields) > 2 else ""
    groups = fields[3].split(",") if len(fields) > 3 else []
    return User(fields[1], tuple(group.strip() for group in groups if group.strip()), uid)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
