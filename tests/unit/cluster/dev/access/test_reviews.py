"""Reviews and requests for tokens: what they answer and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.access.tokens import AUDIENCE
from krate_gitops.cluster.dev.failure import ApiFailure
from tests.unit.cluster.dev.access.shelf import account, binding, role, rule, user, world

READ_A = role("r", rule("get", "configmaps", names="a"), rule("list", "widgets", groups="example.com"), namespace="n")
BOUND = binding("b", "r", ("User", "jane"), ("Group", "team"), namespace="n")
GET_A = {"namespace": "n", "verb": "get", "resource": "configmaps", "name": "a"}
BY_USER = 'RBAC: allowed by RoleBinding "b/n" of Role "r" to User "jane"'
BY_GROUP = 'RBAC: allowed by RoleBinding "b/n" of Role "r" to Group "team"'


@pytest.mark.parametrize(
    ("plural", "spec", "status"),
    [
        ("selfsubjectaccessreviews", {"resourceAttributes": GET_A}, {"allowed": True, "reason": BY_USER}),
        ("selfsubjectaccessreviews", {"resourceAttributes": {**GET_A, "name": "b"}}, {"allowed": False}),
        ("selfsubjectaccessreviews", {"resourceAttributes": {**GET_A, "namespace": ""}}, {"allowed": False}),
        ("selfsubjectaccessreviews", {"resourceAttributes": {}}, {"allowed": False}),
        ("subjectaccessreviews", {"user": "jane", "resourceAttributes": GET_A}, {"allowed": True, "reason": BY_USER}),
        (
            "subjectaccessreviews",
            {"groups": ["team"], "resourceAttributes": GET_A},
            {"allowed": True, "reason": BY_GROUP},
        ),
        ("subjectaccessreviews", {"user": "joe", "resourceAttributes": GET_A}, {"allowed": False}),
        (
            "subjectaccessreviews",
            {"user": "x", "groups": ["system:masters"], "nonResourceAttributes": {"path": "/x", "verb": "get"}},
            {"allowed": True},
        ),
        (
            "localsubjectaccessreviews",
            {"user": "jane", "resourceAttributes": GET_A},
            {"allowed": True, "reason": BY_USER},
        ),
    ],
)
def test_a_review_of_access_says_whether_and_why(plural: str, spec: dict[str, Any], status: dict[str, Any]) -> None:
    _, access = world(READ_A, BOUND)
    answer = access.review(user("jane"), plural, {"metadata": {}, "spec": spec}, namespace="n", manager="m")
    assert answer["status"] == status
    assert answer["spec"].get("user") == spec.get("user")


def test_the_answer_echoes_what_it_knows_and_whose_it_is() -> None:
    _, access = world()
    spec = {"user": "x", "resourceAttributes": {"verb": "get", "resource": "pods", "unknown": 1}, "unknown": 1}
    answer = access.review(user(), "subjectaccessreviews", {"spec": spec}, manager="m")
    assert answer["spec"] == {"user": "x", "resourceAttributes": {"verb": "get", "resource": "pods"}}
    assert answer["metadata"]["managedFields"] == [
        {
            "manager": "m",
            "operation": "Update",
            "apiVersion": "authorization.k8s.io/v1",
            "time": "2026-03-01T12:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:user": {}, "f:resourceAttributes": {".": {}, "f:verb": {}, "f:resource": {}}}},
        }
    ]


@pytest.mark.parametrize(
    ("plural", "body", "field"),
    [
        ("selfsubjectaccessreviews", {"spec": {}}, "spec.resourceAttributes"),
        ("selfsubjectaccessreviews", {}, "spec.resourceAttributes"),
        (
            "selfsubjectaccessreviews",
            {"spec": {"resourceAttributes": GET_A, "nonResourceAttributes": {"path": "/x"}}},
            "spec.nonResourceAttributes",
        ),
        ("selfsubjectaccessreviews", {"metadata": {"name": "x"}, "spec": {"resourceAttributes": GET_A}}, "metadata"),
        ("subjectaccessreviews", {"spec": {"resourceAttributes": GET_A}}, "spec.user"),
        (
            "localsubjectaccessreviews",
            {"spec": {"user": "x", "resourceAttributes": {**GET_A, "namespace": "m"}}},
            "spec.resourceAttributes.namespace",
        ),
        (
            "localsubjectaccessreviews",
            {"spec": {"user": "x", "nonResourceAttributes": {"path": "/x"}}},
            "spec.nonResourceAttributes",
        ),
    ],
)
def test_a_review_that_makes_no_sense_is_refused(plural: str, body: dict[str, Any], field: str) -> None:
    _, access = world()
    with pytest.raises(ApiFailure) as caught:
        access.review(user(), plural, body, namespace="n")
    assert caught.value.code == 422
    assert [cause.field for cause in caught.value.causes] == [field]


def test_somebody_learns_who_he_is() -> None:
    _, access = world()
    answer = access.review(user("jane", "a"), "selfsubjectreviews", {})
    assert answer["status"] == {"userInfo": {"username": "jane", "groups": ["a", "system:authenticated"]}}


def test_somebody_learns_his_rules_in_a_namespace() -> None:
    _, access = world(READ_A, BOUND, role("c", rule("get", urls="/x")), binding("c", "c", ("User", "jane")))
    answer = access.review(user("jane"), "selfsubjectrulesreviews", {"spec": {"namespace": "n"}})
    assert answer["spec"] == {}
    assert answer["status"] == {
        "resourceRules": [
            {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"]},
            {"verbs": ["list"], "apiGroups": ["example.com"], "resources": ["widgets"]},
        ],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
        "incomplete": False,
    }
    elsewhere = access.review(user("jane"), "selfsubjectrulesreviews", {"spec": {"namespace": "m"}})
    assert elsewhere["status"]["resourceRules"] == []


def test_rules_of_a_missing_role_make_the_answer_incomplete() -> None:
    _, access = world(binding("b", "none", ("User", "jane"), namespace="n"))
    answer = access.review(user("jane"), "selfsubjectrulesreviews", {"spec": {"namespace": "n"}})
    assert answer["status"]["incomplete"] is True
    assert answer["status"]["evaluationError"] == 'role.rbac.authorization.k8s.io "none" not found'


def test_rules_take_a_namespace() -> None:
    _, access = world()
    with pytest.raises(ApiFailure, match="no namespace on request"):
        access.review(user(), "selfsubjectrulesreviews", {"spec": {}})


def test_a_token_is_made_for_an_account_and_reviewed() -> None:
    _, access = world(account("bot"))
    made = access.token_request("n", "bot", {}, manager="m")
    assert made["spec"] == {"audiences": [AUDIENCE], "expirationSeconds": 3600, "boundObjectRef": None}
    assert made["status"]["expirationTimestamp"] == "2026-03-01T13:00:00Z"
    assert made["metadata"]["managedFields"][0]["fieldsV1"] == {"f:spec": {"f:expirationSeconds": {}}}
    review = access.review(user(), "tokenreviews", {"spec": {"token": made["status"]["token"]}})
    assert review["status"]["authenticated"] is True
    assert review["status"]["user"]["username"] == "system:serviceaccount:n:bot"
    assert review["status"]["audiences"] == [AUDIENCE]


def test_a_token_of_an_audience_is_reviewed_for_that_audience() -> None:
    _, access = world(account("bot"))
    token = access.token_request("n", "bot", {"spec": {"audiences": ["vault"]}})["status"]["token"]
    asked = {"spec": {"token": token, "audiences": ["vault", "other"]}}
    assert access.review(user(), "tokenreviews", asked)["status"]["audiences"] == ["vault"]
    assert access.review(user(), "tokenreviews", {"spec": {"token": token}})["status"]["user"] == {}


def test_a_bad_token_is_answered_and_an_empty_one_refused() -> None:
    _, access = world()
    status = access.review(user(), "tokenreviews", {"spec": {"token": "nope"}})["status"]
    assert status["user"] == {}
    assert "nope" not in status["error"]
    with pytest.raises(ApiFailure, match="token is required"):
        access.review(user(), "tokenreviews", {"spec": {"token": ""}})


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        ({"expirationSeconds": 599}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": (1 << 32) + 1}, 422, "may not specify a duration larger than 2^32 seconds"),
        ({"boundObjectRef": {"kind": "Secret", "name": "x"}}, 404, 'secrets "x" not found'),
        ({"boundObjectRef": {"kind": "Pod", "name": "x"}}, 404, 'pods "x" not found'),
        ({"boundObjectRef": {"kind": "Thing", "name": "x"}}, 400, "cannot bind token for object of type Thing"),
        ({"boundObjectRef": {"kind": "Secret", "name": "s", "uid": "other"}}, 409, "does not match the UID in record"),
    ],
)
def test_a_token_that_cannot_be_made_is_refused(spec: dict[str, Any], code: int, text: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n", "uid": "u-s"}}
    _, access = world(account("bot"), secret)
    with pytest.raises(ApiFailure) as caught:
        access.token_request("n", "bot", {"spec": spec})
    assert caught.value.code == code
    assert text in caught.value.message


def test_a_missing_account_has_no_tokens() -> None:
    _, access = world(account("bot"))
    with pytest.raises(ApiFailure, match='serviceaccounts "none" not found'):
        access.token_request("n", "none", {})


@pytest.mark.parametrize(
    ("plural", "body"),
    [
        ("selfsubjectaccessreviews", {"spec": 5}),
        ("selfsubjectaccessreviews", {"spec": {"resourceAttributes": 5}}),
        ("selfsubjectaccessreviews", {"spec": {"nonResourceAttributes": {"path": 5}}}),
        ("subjectaccessreviews", {"spec": {"groups": 5, "user": "x", "resourceAttributes": GET_A}}),
        ("subjectaccessreviews", {"spec": {"extra": {"a": 5}, "user": "x", "resourceAttributes": GET_A}}),
        ("localsubjectaccessreviews", {"metadata": 5, "spec": {"user": "x", "resourceAttributes": GET_A}}),
        ("selfsubjectrulesreviews", {"spec": {"namespace": ["n"]}}),
        ("tokenreviews", {"spec": {"token": 5}}),
        ("tokenreviews", {"spec": {"token": "secret-token", "audiences": 5}}),
    ],
)
def test_a_review_with_values_of_a_wrong_type_is_refused(plural: str, body: dict[str, Any]) -> None:
    _, access = world()
    with pytest.raises(ApiFailure, match="json: cannot unmarshal") as caught:
        access.review(user(), plural, body, namespace="n")
    assert caught.value.code == 400
    assert "secret-token" not in caught.value.message


@pytest.mark.parametrize(
    "spec", [5, {"expirationSeconds": "600"}, {"audiences": 5}, {"boundObjectRef": 5}, {"audiences": [5]}]
)
def test_a_request_for_a_token_with_values_of_a_wrong_type_is_refused(spec: object) -> None:
    _, access = world(account("bot"))
    with pytest.raises(ApiFailure, match="json: cannot unmarshal") as caught:
        access.token_request("n", "bot", {"spec": spec})
    assert caught.value.code == 400


def test_null_is_as_good_as_nothing() -> None:
    _, access = world(account("bot"))
    nulls = {"metadata": None, "spec": {"user": "x", "groups": None, "extra": None, "resourceAttributes": GET_A}}
    assert access.review(user(), "subjectaccessreviews", nulls)["status"] == {"allowed": False}
    assert access.token_request("n", "bot", {"spec": {"audiences": None, "expirationSeconds": None}})["status"]["token"]
    assert access.token_request("n", "bot", {"spec": None})["status"]["token"]
