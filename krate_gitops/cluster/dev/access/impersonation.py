"""Acting as somebody else by ``Impersonate-*`` headers, for those who may.

There are modes, from narrow to wide. A narrow mode asks for two rights: to be that user (``impersonate:MODE``), and
to do this very thing as him (``impersonate-on:MODE:VERB``). The widest mode is the old verb ``impersonate``. The first
mode that allows it counts. A refusal is that of the first mode that could be meant; the mode somebody last succeeded in
is tried first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn
from urllib.parse import unquote

import msgspec

from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.identity import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    User,
    authenticated,
    service_account_groups,
    service_account_of,
)
from krate_gitops.cluster.dev.failure import ApiFailure

Authorize = Callable[[User, Attributes], None]

_AUTHENTICATION = "authentication.k8s.io"
_NODE_PREFIX = "system:node:"
_NODES = "system:nodes"
_EXTRA = "impersonate-extra-"
_MAX_EXTRAS = 100
_REMEMBERED = 4096


class Impersonation:
    """Decides who acts as whom. ``authorize`` raises ApiFailure 403 for what a user may not do."""

    def __init__(self, authorize: Authorize) -> None:
        self._authorize = authorize
        self._last_mode: dict[str, str] = {}

    def user(self, user: User, headers: Mapping[str, str], target: Attributes) -> User:
        """Who counts as the sender of a request for ``target``: ``user``, or whom he asks to be.

        Raises ApiFailure 400 for headers without a user name, 403 if he may not.
        """
        wanted = wanted_user(headers)
        if wanted is None:
            return user
        self._check(user, wanted, target)
        return _with_groups(wanted)

    def _check(self, user: User, wanted: User, target: Attributes) -> None:
        modes = list(_modes_for(wanted))
        last = self._last_mode.get(user.name)
        modes.sort(key=lambda mode: mode != last)
        refused: ApiFailure | None = None
        for mode in modes:
            try:
                for needed in _needed(mode, wanted, target):
                    self._authorize(user, needed)
            except ApiFailure as failure:
                refused = refused or failure
                continue
            if len(self._last_mode) >= _REMEMBERED:
                self._last_mode.clear()
            self._last_mode[user.name] = mode
            return
        if refused is not None:
            raise refused


def wanted_user(headers: Mapping[str, str]) -> User | None:
    """Whom the headers ask to be, without the groups that come by themselves; None if they ask for nobody.

    ``headers.items()`` gives repeated headers one by one. Raises ApiFailure 400 for groups, uid or extras of no user.
    """
    name = uid = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}
    for header, value in headers.items():
        key = header.lower()
        if not key.startswith("impersonate-"):
            continue
        if key == "impersonate-user":
            name = name or value
        elif key == "impersonate-group":
            groups.append(value)
        elif key == "impersonate-uid":
            uid = uid or value
        elif key.startswith(_EXTRA):
            extra.setdefault(unquote(key.removeprefix(_EXTRA)), []).append(value)
    if len(extra) > _MAX_EXTRAS:
        raise ApiFailure(400, "BadRequest", f"more than {_MAX_EXTRAS} keys of extras to impersonate")
    if name:
        return User(name, tuple(groups), uid, tuple((key, tuple(values)) for key, values in sorted(extra.items())))
    if groups or uid or extra:
        _refuse_nameless(groups, uid, extra)
    return None


def _refuse_nameless(groups: list[str], uid: str, extra: dict[str, list[str]]) -> NoReturn:
    asked = [
        *(f"group {group}" for group in groups),
        *([f"uid {uid}"] if uid else []),
        *(f"extra {key}" for key in extra),
    ]
    raise ApiFailure(400, "BadRequest", f"requested [{', '.join(asked)}] without impersonating a user name")


def _with_groups(wanted: User) -> User:
    """The user with the groups that come by themselves."""
    groups = wanted.groups
    account = service_account_of(wanted.name)
    if not groups and account is not None:
        groups = service_account_groups(account[0])
    elif not groups and wanted.name.startswith(_NODE_PREFIX):
        groups = (_NODES,)
    user = msgspec.structs.replace(wanted, groups=groups)
    if UNAUTHENTICATED in groups or AUTHENTICATED in groups:
        return user
    if user.name == ANONYMOUS:
        return msgspec.structs.replace(user, groups=(*groups, UNAUTHENTICATED))
    return authenticated(user)


def _modes_for(wanted: User) -> Iterator[str]:
    """The modes that could be meant, narrow ones first; the empty mode is the verb ``impersonate``."""
    bare = not (wanted.groups or wanted.uid or wanted.extra)
    if service_account_of(wanted.name) is not None:
        if bare:
            yield "serviceaccount"
    elif wanted.name.startswith(_NODE_PREFIX):
        if bare:
            yield "arbitrary-node"
    else:
        yield "user-info"
    yield ""


def _needed(mode: str, wanted: User, target: Attributes) -> Iterator[Attributes]:
    """The rights that acting as ``wanted`` in a mode takes."""
    if mode:
        yield msgspec.structs.replace(target, verb=f"impersonate-on:{mode}:{target.verb}")
    verb = f"impersonate:{mode}" if mode else "impersonate"
    group = _AUTHENTICATION if mode else ""
    account = service_account_of(wanted.name)
    if account is not None:
        yield Attributes(verb, group, "serviceaccounts", name=account[1], namespace=account[0])
    elif mode == "arbitrary-node":
        yield Attributes(verb, group, "nodes", name=wanted.name.removeprefix(_NODE_PREFIX))
    else:
        yield Attributes(verb, group, "users", name=wanted.name)
    for one in wanted.groups:
        yield Attributes(verb, group, "groups", name=one)
    for key, values in wanted.extra:
        for value in values:
            yield Attributes(verb, _AUTHENTICATION, "userextras", key, value)
    if wanted.uid:
        yield Attributes(verb, _AUTHENTICATION, "uids", name=wanted.uid)
