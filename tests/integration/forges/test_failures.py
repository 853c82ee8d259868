"""What comes between us and a forge: limits, failures, expired tokens, slowness, and people who are faster."""

from __future__ import annotations

import json
import pickle
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.updates.forges.client import Endpoint, ForgeClient, Limits, Token
from krate_gitops.updates.forges.port import CheckState, PullState, ReviewState
from tests.integration.forges.fake import TOKEN, Answer, trickle
from tests.integration.forges.places import BRANCH, DIGEST, REMOTE_KINDS, RemotePlace, draft_of, remote_place
from tests.integration.forges.world import REPOSITORY, Pull, Refused, Review

NOW = 1_780_000_000
READ = r"GET .*/(pulls|merge_requests)/\d+"
CREATE = r"POST .*/(pulls|merge_requests)"
MERGE = r"(PUT|POST) .*/merge"
COMMENT = r"POST .*/(comments|notes)"


@pytest.fixture(params=REMOTE_KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[RemotePlace]:
    with remote_place(request.param) as found:
        yield found


@pytest.fixture
def ref(place: RemotePlace) -> str:
    return place.forge.open(draft_of(place.push())).ref


def test_an_expired_token_is_denied_and_never_shown(place: RemotePlace, ref: str) -> None:
    place.fake.token = "another"
    with pytest.raises(DeniedError) as caught:
        place.forge.read(ref)
    assert caught.value.code == "FORGE_DENIED"
    assert place.pauses == []


def test_missing_rights_are_denied_with_what_the_forge_says(place: RemotePlace, ref: str) -> None:
    said = {"message": f"Resource not accessible with {TOKEN} \x1b[2J", "errors": ["https://u:p@example.com/x"]}
    place.fake.fail(COMMENT, Answer(403, said))
    with pytest.raises(DeniedError, match="not accessible") as caught:
        place.forge.comment(ref, "x")
    assert caught.value.code == "FORGE_DENIED"
    shown = f"{caught.value.message} {caught.value.hint} {caught.value.location}"
    assert not any(secret in shown for secret in (TOKEN, "u:p", "\x1b"))


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (
            Answer(
                403,
                {"message": "API rate limit exceeded"},
                {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW + 9)},
            ),
            10.0,
        ),
        (Answer(403, {"message": "secondary rate limit"}, {"Retry-After": "7"}), 7.0),
        (Answer(429, None, {"Retry-After": "3"}), 3.0),
        (Answer(429, None, {"Retry-After": "Thu, 28 May 2026 20:26:45 GMT"}), 5.0),
        (Answer(429, None, {"RateLimit-Reset": str(NOW + 4)}), 5.0),
        (Answer(429), 0.5),
    ],
)
def test_a_rate_limit_is_waited_for_also_by_what_must_not_be_done_twice(
    place: RemotePlace, ref: str, answer: Answer, wait: float
) -> None:
    place.fake.fail(COMMENT, answer)
    place.forge.comment(ref, "once")
    assert place.pauses == [wait]
    assert place.comments(ref) == ["once"]


def test_a_long_rate_limit_is_told_and_not_waited_for(place: RemotePlace, ref: str) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW + 3599)}
    place.fake.fail(READ, Answer(403, {"message": "limit"}, headers))
    with pytest.raises(UnavailableError) as caught:
        place.forge.read(ref)
    assert (caught.value.code, caught.value.hint) == ("RATE_LIMITED", "try again in 3600 seconds")
    assert place.pauses == []


def test_waiting_and_trying_are_bounded(place: RemotePlace, ref: str) -> None:
    place.fake.fail(READ, Answer(429, None, {"Retry-After": "25"}), times=99)
    with pytest.raises(UnavailableError) as caught:
        place.forge.read(ref)
    assert caught.value.code == "RATE_LIMITED"
    assert sum(place.pauses) <= 60
    place.fake.faults.clear()
    place.pauses.clear()
    place.fake.fail(READ, Answer(503), times=99)
    asked = place.fake.count(READ)
    with pytest.raises(UnavailableError) as caught:
        place.forge.read(ref)
    assert caught.value.code == "FORGE_UNAVAILABLE"
    assert place.fake.count(READ) - asked == 4


@pytest.mark.parametrize("status", [500, 502, 503])
def test_reading_is_tried_again_after_a_failure(place: RemotePlace, ref: str, status: int) -> None:
    place.fake.fail(READ, Answer(status, b"<html>oops</html>"), times=2)
    assert place.forge.read(ref).state is PullState.OPEN
    assert place.pauses == [0.5, 1.0]


@pytest.mark.parametrize("answer", [Answer(500), None])
def test_a_comment_is_not_written_twice_because_its_answer_was_lost(
    place: RemotePlace, ref: str, answer: Answer | None
) -> None:
    place.fake.fail(COMMENT, answer, after=True)
    with pytest.raises(UnavailableError) as caught:
        place.forge.comment(ref, "once")
    assert caught.value.code == "FORGE_UNAVAILABLE"
    assert place.comments(ref) == ["once"]


@pytest.mark.parametrize("answer", [Answer(502), None])
def test_one_that_was_opened_though_the_answer_was_lost_is_found(place: RemotePlace, answer: Answer | None) -> None:
    place.fake.fail(CREATE, answer, after=True)
    pull = place.forge.open(draft_of(place.push()))
    assert pull.number == 1
    assert place.fake.count(CREATE) == 1


def test_one_that_was_not_opened_is_a_failure_and_not_tried_again(place: RemotePlace) -> None:
    place.fake.fail(CREATE, Answer(500))
    with pytest.raises(UnavailableError) as caught:
        place.forge.open(draft_of(place.push()))
    assert caught.value.code == "FORGE_UNAVAILABLE"
    assert place.fake.count(CREATE) == 1
    assert place.fake.world.pulls == {}


def test_one_that_somebody_opened_just_before_is_taken(place: RemotePlace) -> None:
    head = place.push()

    def faster(_: Any) -> None:
        place.fake.world.open("by somebody else", "", BRANCH, "main")
        raise AssertionError

    world_open = place.fake.world.open

    def open_after_another(*what: Any, **how: Any) -> Pull:
        place.fake.world.open = world_open  # type: ignore[method-assign]
        world_open("by somebody else", "", BRANCH, "main")
        return world_open(*what, **how)

    place.fake.world.open = open_after_another  # type: ignore[method-assign]
    pull = place.forge.open(draft_of(head))
    assert (pull.number, pull.title) == (1, "[memory] Correct the replay order")
    assert len(place.fake.world.pulls) == 1


@pytest.mark.parametrize("answer", [Answer(504), None])
def test_a_merge_whose_answer_was_lost_is_found_out_about(place: RemotePlace, ref: str, answer: Answer | None) -> None:
    head = place.forge.read(ref).head
    place.fake.fail(MERGE, answer, after=True)
    assert place.forge.merge(ref, expected_head=head, message="merge") == place.tip("main")
    assert place.fake.count(MERGE) == 1


def test_a_merge_that_failed_is_not_tried_again(place: RemotePlace, ref: str) -> None:
    head, before = place.forge.read(ref).head, place.tip("main")
    place.fake.fail(MERGE, Answer(500))
    with pytest.raises(UnavailableError):
        place.forge.merge(ref, expected_head=head, message="merge")
    assert place.tip("main") == before
    assert place.fake.count(MERGE) == 1


def test_a_head_that_moves_at_the_last_moment_is_not_merged(place: RemotePlace, ref: str) -> None:
    """Between the look and the merge: only the forge itself can notice."""
    head, before = place.forge.read(ref).head, place.tip("main")
    world_merge = place.fake.world.merge

    def merge_after_a_push(number: int, sha: str | None) -> str:
        place.push()
        return world_merge(number, sha)

    place.fake.world.merge = merge_after_a_push  # type: ignore[method-assign]
    with pytest.raises(KrateError) as caught:
        place.forge.merge(ref, expected_head=head, message="merge")
    assert caught.value.code == "FORGE_CONFLICT"
    assert place.tip("main") == before


def test_a_protected_branch_is_a_conflict(place: RemotePlace, ref: str) -> None:
    head = place.forge.read(ref).head

    def refuse(*_: object) -> str:
        raise Refused(405, "Required status check krate/memory-validation is expected.")

    place.fake.world.merge = refuse  # type: ignore[method-assign]
    with pytest.raises(KrateError, match="memory-validation") as caught:
        place.forge.merge(ref, expected_head=head, message="merge")
    assert caught.value.code == "FORGE_CONFLICT"


def test_a_refused_connection_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = ForgeClient(Endpoint(f"http://127.0.0.1:{port}"), Token(TOKEN), limits=Limits(tries=2, patience=1.0))
    with pytest.raises(UnavailableError, match="can't be reached") as caught:
        client.call("GET", "/x")
    assert caught.value.code == "FORGE_UNAVAILABLE"


@pytest.mark.parametrize("kind", REMOTE_KINDS)
def test_a_server_that_trickles_is_left(kind: str) -> None:
    with remote_place(kind, limits=Limits(seconds=0.3, tries=2)) as place:
        place.fake.fail("GET .*", trickle(20), times=9)
        with pytest.raises(UnavailableError, match=r"no whole answer within 0\.3 seconds"):
            place.forge.read(f"{REPOSITORY}/1")
        assert place.fake.count("GET .*") == 2


@pytest.mark.parametrize("kind", REMOTE_KINDS)
def test_an_answer_without_end_is_left(kind: str) -> None:
    with remote_place(kind, limits=Limits(body_bytes=1000, tries=1)) as place:
        place.fake.fail("GET .*", Answer(200, b"[" * 1001))
        with pytest.raises(UnavailableError, match="more than 1000 bytes"):
            place.forge.read(f"{REPOSITORY}/1")


@pytest.mark.parametrize(
    "content", [b"<html>", b"[]", b"{}", b'{"number": "1"}', b"\xff", b"[" * 100_000, b"null", b'{"iid":1,"number":1}']
)
def test_an_answer_of_another_form_is_unavailable(place: RemotePlace, ref: str, content: bytes) -> None:
    place.fake.fail(READ, Answer(200, content))
    with pytest.raises(UnavailableError, match="in a form") as caught:
        place.forge.read(ref)
    assert caught.value.code == "FORGE_UNAVAILABLE"


def test_a_redirect_is_not_followed(place: RemotePlace, ref: str) -> None:
    place.fake.fail(READ, Answer(301, None, {"Location": f"{place.fake.url}/elsewhere"}))
    with pytest.raises(UnavailableError, match="elsewhere") as caught:
        place.forge.read(ref)
    assert caught.value.code == "FORGE_UNAVAILABLE"
    assert place.fake.count(".*/elsewhere") == 0


def test_another_organisations_repository_is_not_found(place: RemotePlace) -> None:
    forge = place.make(TOKEN, "globex/company-brain")
    for act in (
        lambda: forge.read("globex/company-brain/1"),
        lambda: forge.find(BRANCH, "main"),
        lambda: forge.set_status("0" * 40, CheckState.SUCCESS, description="x"),
    ):
        with pytest.raises(UnavailableError) as caught:
            act()
        assert caught.value.code == "FORGE_NOT_FOUND"
        assert "globex" not in caught.value.message
    assert forge.delete_branch(BRANCH, expected_head="0" * 40) is False


def test_the_one_of_our_branch_is_found_among_many(place: RemotePlace) -> None:
    world = place.fake.world
    place.push()
    mine = world.open("[memory] x", f"text\n\nKrate-Diff-Digest: {DIGEST}\n", BRANCH, "main")
    for number in range(130):
        place.push(f"krate/other/{number}")
        world.open("another", "", f"krate/other/{number}", "main")
    found = place.forge.find(BRANCH, "main")
    assert found is not None
    assert found.number == mine.number


def test_a_forks_branch_of_the_same_name_is_not_ours(place: RemotePlace) -> None:
    head = place.push()
    place.fake.world.open("a fork's", f"x\n\nKrate-Diff-Digest: {DIGEST}", BRANCH, "main", is_fork=True)
    assert place.forge.find(BRANCH, "main") is None
    assert place.forge.open(draft_of(head)).number == 2


def test_one_with_our_trailer_comes_before_one_by_hand(place: RemotePlace) -> None:
    place.push()
    place.fake.world.open("by hand", "", BRANCH, "main")
    place.fake.world.pulls[2] = Pull(2, "ours", f"x\n\nKrate-Diff-Digest: {DIGEST}", BRANCH, "main")
    place.fake.world.pulls[3] = Pull(3, "by hand too", "", BRANCH, "main")
    found = place.forge.find(BRANCH, "main")
    assert found is not None
    assert found.number == 2


def test_a_list_that_never_ends_is_left(place: RemotePlace) -> None:
    pull = place.forge.open(draft_of(place.push()))
    for _ in range(5100):
        place.fake.world.pull(pull.number).reviews.append(
            Review("dana", "commented", pull.head, "2026-01-01T00:00:00Z", "x")
        )
    with pytest.raises(UnavailableError, match="lists more than"):
        place.forge.reviews(pull.ref)


def test_states_that_only_some_forges_have_stop_a_merge(place: RemotePlace) -> None:
    head = place.push()
    place.fake.world.set_status(head, "error", "krate/memory-validation", "")
    assert place.forge.status(head) is CheckState.FAILURE
    place.fake.world.set_status(head, "warning", "krate/memory-validation", "")
    assert place.forge.status(head) is CheckState.FAILURE


def test_labels_and_reviewers_are_set(place: RemotePlace) -> None:
    place.forge.open(draft_of(place.push(), reviewers=("user:dana", "user:nobody", "erin")))
    pull = place.fake.world.pull(1)
    assert (pull.labels, sorted(pull.reviewers)) == (["krate-memory"], ["dana", "erin"])


def test_a_reviewer_who_left_is_nobody_in_particular(place: RemotePlace, ref: str) -> None:
    place.review(ref, "ghost", ReviewState.APPROVED, "", "2026-06-01T10:00:00Z")
    assert [one.actor for one in place.forge.reviews(ref)] == ["ghost"]


def test_updating_without_a_difference_sends_no_text(place: RemotePlace) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    before = [one for one in place.fake.seen if one.method in ("PATCH", "PUT") and b"title" in one.body]
    place.forge.update(pull.ref, draft_of(head))
    after = [one for one in place.fake.seen if one.method in ("PATCH", "PUT") and b"title" in one.body]
    assert len(after) == len(before)


def test_gitlab_does_not_fast_forward() -> None:
    with remote_place("gitlab") as place:
        pull = place.forge.open(draft_of(place.push()))
        place.fake.world.merge_method = "ff"
        with pytest.raises(KrateError, match="fast-forward") as caught:
            place.forge.merge(pull.ref, expected_head=pull.head, message="merge")
        assert caught.value.code == "FORGE_CONFLICT"
        assert place.fake.count(MERGE) == 0


def test_forgejo_that_is_still_checking_is_unavailable_for_now() -> None:
    with remote_place("forgejo") as place:
        pull = place.forge.open(draft_of(place.push()))
        place.fake.fail(MERGE, Answer(405, {"message": "Please try again later"}))
        with pytest.raises(UnavailableError) as caught:
            place.forge.merge(pull.ref, expected_head=pull.head, message="merge")
        assert caught.value.code == "FORGE_UNAVAILABLE"


def test_a_token_shows_itself_nowhere(place: RemotePlace) -> None:
    token = Token(TOKEN)
    assert TOKEN not in f"{token!r}{token}{place.forge!r}{place.forge._client!r}"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        pickle.dumps(token)
    for text in ("", "a b", "a\nX-Evil: 1", "é", "x" * 5000):
        with pytest.raises(UsageError) as caught:
            Token(text)
        assert not text or text not in caught.value.message


@pytest.mark.parametrize(
    "url",
    ["ftp://x/y", "https://", "https://u:p@x/", "https://x/?q=1", "https://x/#f", "https://x:0/", "https://x y/", "x"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint(url)
    assert "u:p" not in caught.value.message


def test_a_token_is_not_sent_in_the_open() -> None:
    with pytest.raises(UsageError, match="plain http"):
        ForgeClient(Endpoint("http://git.example.com/api/v1"), Token(TOKEN))
    assert ForgeClient(Endpoint("http://git.example.com/api/v1"), None).endpoint.host == "git.example.com"


def test_what_is_sent_is_json_and_quoted(place: RemotePlace) -> None:
    place.forge.open(draft_of(place.push()))
    sent = [one for one in place.fake.seen if one.body]
    assert sent
    assert all(isinstance(json.loads(one.body), dict) for one in sent)
