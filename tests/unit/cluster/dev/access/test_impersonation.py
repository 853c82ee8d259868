"""Acting as somebody else."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.failure import ApiFailure
from tests.unit.cluster.dev.access.shelf import binding, on, role, rule, user, world

ADMIN = user("admin", "system:masters")
ACTOR = user("actor")
LIST = on("list")
AUTHENTICATION = "authentication.k8s.io"


class Repeated(dict[str, str]):
    """Headers of which one may be there more than once, as ``items`` of a request's headers tells them."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def items(self) -> tuple[tuple[str, str], ...]:  # type: ignore[override]
        return self._pairs


def acting_as(name: str, *more: tuple[str, str]) -> Repeated:
    return Repeated(("impersonate-user", name), *more)


def refusal(access: Access, who: User, headers: Repeated, what: Attributes = LIST) -> str:
    with pytest.raises(ApiFailure) as caught:
        access.impersonated(who, headers, what)
    return caught.value.message


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (acting_as("jane"), User("jane", ("system:authenticated",))),
        (Repeated(("Impersonate-User", "jane")), User("jane", ("system:authenticated",))),
        (
            acting_as("jane", ("impersonate-group", "a"), ("impersonate-group", "b,c")),
            User("jane", ("a", "b,c", "system:authenticated")),
        ),
        (
            acting_as(
                "jane",
                ("impersonate-uid", "u"),
                ("impersonate-extra-Scopes", "x"),
                ("impersonate-extra-scopes", "y"),
                ("impersonate-extra-example.com%2fteam", "t"),
            ),
            User("jane", ("system:authenticated",), "u", (("example.com/team", ("t",)), ("scopes", ("x", "y")))),
        ),
        (
            acting_as("system:serviceaccount:n:bot"),
            User(
                "system:serviceaccount:n:bot",
                ("system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated"),
            ),
        ),
        (
            acting_as("system:serviceaccount:n:bot", ("impersonate-group", "a")),
            User("system:serviceaccount:n:bot", ("a", "system:authenticated")),
        ),
        (acting_as("system:serviceaccount:bot"), User("system:serviceaccount:bot", ("system:authenticated",))),
        (acting_as("system:anonymous"), User("system:anonymous", ("system:unauthenticated",))),
        (
            acting_as("jane", ("impersonate-group", "system:unauthenticated")),
            User("jane", ("system:unauthenticated",)),
        ),
        (acting_as("system:node:a"), User("system:node:a", ("system:nodes", "system:authenticated"))),
        (acting_as(""), ADMIN),
        (Repeated(), ADMIN),
    ],
)
def test_headers_name_the_user_and_groups_come_by_themselves(headers: Repeated, expected: User) -> None:
    _, access = world()
    assert access.impersonated(ADMIN, headers, LIST) == expected


@pytest.mark.parametrize("header", ["impersonate-group", "impersonate-uid", "impersonate-extra-a"])
def test_parts_of_a_user_without_a_name_are_refused(header: str) -> None:
    _, access = world()
    with pytest.raises(ApiFailure, match="without impersonating a user name") as caught:
        access.impersonated(ADMIN, Repeated((header, "x")), LIST)
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")


def test_a_flood_of_extras_is_refused() -> None:
    _, access = world()
    many = [(f"impersonate-extra-{number}", "x") for number in range(101)]
    with pytest.raises(ApiFailure, match="more than 100 keys"):
        access.impersonated(ADMIN, acting_as("jane", *many), LIST)


def test_somebody_without_rights_is_told_the_narrow_right_first() -> None:
    _, access = world()
    assert "cannot impersonate-on:user-info:list resource" in refusal(access, ACTOR, acting_as("jane"))
    bot = acting_as("system:serviceaccount:n:bot")
    assert "cannot impersonate-on:serviceaccount:list resource" in refusal(access, ACTOR, bot)
    node = acting_as("system:node:a")
    assert "cannot impersonate-on:arbitrary-node:list resource" in refusal(access, ACTOR, node)


def test_the_verb_impersonate_allows_to_be_somebody_and_is_tried_first_from_then_on() -> None:
    _, access = world(role("r", rule("impersonate", "users", names="jane")), binding("b", "r", ("User", "actor")))
    assert access.impersonated(ACTOR, acting_as("jane"), LIST).name == "jane"
    assert refusal(access, ACTOR, acting_as("joe")) == (
        'users "joe" is forbidden: User "actor" cannot impersonate resource "users" in API group "" '
        "at the cluster scope"
    )


@pytest.mark.parametrize(
    ("header", "needed"),
    [
        (("impersonate-group", "team"), rule("impersonate", "groups", names="team")),
        (("impersonate-uid", "u"), rule("impersonate", "uids", groups=AUTHENTICATION, names="u")),
        (("impersonate-extra-s", "x"), rule("impersonate", "userextras/s", groups=AUTHENTICATION, names="x")),
    ],
)
def test_everything_that_is_asked_for_has_to_be_allowed(header: tuple[str, str], needed: dict[str, object]) -> None:
    jane = rule("impersonate", "users", names="jane")
    shelf, access = world(role("r", jane), binding("b", "r", ("User", "actor")))
    refusal(access, ACTOR, acting_as("jane", header))
    shelf.put(role("r", jane, needed))
    assert access.impersonated(ACTOR, acting_as("jane", header), LIST).name == "jane"
    refusal(access, ACTOR, acting_as("jane", (header[0], "other")))


WHOM = rule("impersonate:serviceaccount", "serviceaccounts", groups=AUTHENTICATION, names="bot")
WHAT = rule("impersonate-on:serviceaccount:list", "configmaps")


@pytest.mark.parametrize(("rules", "allowed"), [((WHOM, WHAT), True), ((WHOM,), False), ((WHAT,), False)])
def test_the_narrow_way_takes_the_right_to_be_and_the_right_to_do(
    rules: tuple[dict[str, object], ...], allowed: bool
) -> None:
    _, access = world(role("r", *rules, namespace="n"), binding("b", "r", ("User", "actor"), namespace="n"))
    bot = acting_as("system:serviceaccount:n:bot")
    if allowed:
        assert access.impersonated(ACTOR, bot, LIST).name == "system:serviceaccount:n:bot"
        assert "impersonate-on:serviceaccount:get" in refusal(access, ACTOR, bot, on("get", name="x"))
        assert "cannot impersonate resource" in refusal(
            access, ACTOR, acting_as("system:serviceaccount:n:bot", ("impersonate-group", "a"))
        )
    else:
        assert refusal(access, ACTOR, bot)
