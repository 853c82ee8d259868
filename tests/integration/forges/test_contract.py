"""What holds for every forge, and for none: the same scenarios on all four."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.updates.forges.port import CheckState, PullState, ReviewState
from krate_gitops.updates.forges.text import digest_in
from tests.integration.forges.places import BRANCH, DIGEST, KINDS, Place, any_place, draft_of


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with any_place(request.param, tmp_path) as found:
        yield found


def test_opening_twice_makes_one_pull_request(place: Place) -> None:
    head = place.push()
    first = place.forge.open(draft_of(head, reviewers=("user:dana", "team:core")))
    assert (first.ref, first.number, first.state) == (f"{place.repository}/1", 1, PullState.OPEN)
    assert (first.branch, first.target, first.head) == (BRANCH, "main", head)
    assert (first.title, digest_in(first.body)) == ("[memory] Correct the replay order", DIGEST)
    again = place.forge.open(draft_of(head))
    assert (again.ref, again.title, again.body) == (first.ref, first.title, first.body)
    found = place.forge.find(BRANCH, "main")
    assert found is not None
    assert (found.ref, found.head) == (first.ref, head)
    assert place.forge.find(BRANCH, "release") is None
    assert place.forge.find("krate/other", "main") is None


def test_opening_again_brings_title_and_body_up_to_date(place: Place) -> None:
    first = place.forge.open(draft_of(place.push()))
    head, digest = place.push(), "sha256:" + "cd" * 32
    second = place.forge.open(draft_of(head, title="[memory] Two records", body="More.", digest=digest))
    assert (second.ref, second.title, second.head) == (first.ref, "[memory] Two records", head)
    read = place.forge.read(first.ref)
    assert (read.title, read.body.rstrip()) == ("[memory] Two records", f"More.\n\nKrate-Diff-Digest: {digest}")


def test_reviewers_nobody_knows_stop_nothing(place: Place) -> None:
    pull = place.forge.open(draft_of(place.push(), reviewers=("user:nobody", "user:erin", "team:ghosts", "record:x")))
    assert pull.state is PullState.OPEN
    assert place.forge.update(pull.ref, draft_of(pull.head, reviewers=("user:dana",))).ref == pull.ref


def test_comments_are_added(place: Place) -> None:
    pull = place.forge.open(draft_of(place.push()))
    place.forge.comment(pull.ref, "Looks right.\n")
    place.forge.comment(pull.ref, "/merge\n\x1b[2Jand \u202ehidden")
    plain, hostile = place.comments(pull.ref)
    assert plain == "Looks right."
    assert not hostile.startswith("/")
    assert not {"\x1b", "\u202e"} & set(hostile)


def test_a_status_is_set_once_and_the_newest_counts(place: Place) -> None:
    head = place.push()
    assert place.forge.status(head) is None
    for _ in range(2):
        place.forge.set_status(head, CheckState.PENDING, description="validating")
    assert place.statuses(head) == 1
    assert place.forge.status(head) is CheckState.PENDING
    place.forge.set_status(head, CheckState.FAILURE, description="2 errors: KB010, KB060")
    assert place.forge.status(head) is CheckState.FAILURE
    place.forge.set_status(head, CheckState.SUCCESS, description="x" * 1000)
    place.forge.set_status(head, CheckState.SUCCESS, description="x" * 1000)
    assert place.forge.status(head) is CheckState.SUCCESS
    assert place.statuses(head) == 3
    assert place.forge.status(head, context="ci/build") is None


def test_reviews_come_oldest_first_from_all_pages(place: Place) -> None:
    pull = place.forge.open(draft_of(place.push()))
    for at in range(120):
        place.review(
            pull.ref, "dana", ReviewState.COMMENTED, f"note {at}", f"2026-06-01T10:{at // 60:02}:{at % 60:02}Z"
        )
    place.review(pull.ref, "erin", ReviewState.CHANGES_REQUESTED, "no", "2026-06-01T11:00:00Z")
    place.review(pull.ref, "erin", ReviewState.APPROVED, "yes", "2026-06-01T12:00:00Z")
    reviews = place.forge.reviews(pull.ref)
    assert [one.comment for one in reviews[:120]] == [f"note {at}" for at in range(120)]
    assert [(one.actor, one.state) for one in reviews[120:]] == [
        ("erin", ReviewState.CHANGES_REQUESTED),
        ("erin", ReviewState.APPROVED),
    ]
    assert {one.commit for one in reviews} <= {pull.head, None}


def test_a_merge_is_pinned_to_the_head_that_was_approved(place: Place) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    commit = place.forge.merge(pull.ref, expected_head=head, message="Merge memory\n\nKrate-Update: amu-1\n")
    assert place.tip("main") == commit
    read = place.forge.read(pull.ref)
    assert (read.state, read.head, read.merge_commit) == (PullState.MERGED, head, commit)
    assert place.forge.merge(pull.ref, expected_head=head, message="again") == commit
    assert place.tip("main") == commit
    assert place.forge.find(BRANCH, "main") is None


def test_a_head_that_moved_is_not_merged(place: Place) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    before, moved = place.tip("main"), place.push()
    with pytest.raises(KrateError) as caught:
        place.forge.merge(pull.ref, expected_head=head, message="merge")
    assert caught.value.code == "FORGE_CONFLICT"
    assert (place.tip("main"), place.forge.read(pull.ref).head) == (before, moved)


def test_a_target_that_moved_is_not_merged_into(place: Place) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    seen = place.tip("main")
    moved = place.push("main")
    with pytest.raises(KrateError) as caught:
        place.forge.merge(pull.ref, expected_head=head, expected_target=seen, message="merge")
    assert caught.value.code == "FORGE_CONFLICT"
    assert place.tip("main") == moved
    commit = place.forge.merge(pull.ref, expected_head=head, expected_target=moved, message="merge")
    assert place.tip("main") == commit


def test_one_that_somebody_merged_is_merged(place: Place) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    place.merge_elsewhere(pull.ref)
    read = place.forge.read(pull.ref)
    assert (read.state, read.merge_commit) == (PullState.MERGED, place.tip("main"))
    assert place.forge.merge(pull.ref, expected_head=head, message="merge") == read.merge_commit
    with pytest.raises(KrateError) as caught:
        place.forge.merge(pull.ref, expected_head="0" * 39 + "1", message="merge")
    assert caught.value.code == "FORGE_CONFLICT"
    with pytest.raises(KrateError) as caught:
        place.forge.update(pull.ref, draft_of(head, title="late"))
    assert caught.value.code == "FORGE_CONFLICT"
    place.forge.close(pull.ref, comment="too late")
    assert place.forge.read(pull.ref).state is PullState.MERGED
    assert place.forge.open(draft_of(place.push())).number == 2


def test_one_that_somebody_closed_is_closed(place: Place) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    place.close_elsewhere(pull.ref)
    assert place.forge.read(pull.ref).state is PullState.CLOSED
    assert place.forge.find(BRANCH, "main") is None
    with pytest.raises(KrateError) as caught:
        place.forge.merge(pull.ref, expected_head=head, message="merge")
    assert caught.value.code == "FORGE_CONFLICT"
    place.forge.close(pull.ref, comment="again")
    assert place.comments(pull.ref) == []
    assert place.forge.open(draft_of(head)).number == 2


def test_closing_tells_why(place: Place) -> None:
    pull = place.forge.open(draft_of(place.push()))
    place.forge.close(pull.ref, comment="Rejected: no source.")
    place.forge.close(pull.ref, comment="Rejected: no source.")
    assert place.forge.read(pull.ref).state is PullState.CLOSED
    assert place.comments(pull.ref) == ["Rejected: no source."]


def test_a_branch_is_deleted_only_where_it_was_seen(place: Place) -> None:
    head = place.push()
    moved = place.push()
    assert place.forge.delete_branch(BRANCH, expected_head=head) is False
    assert place.tip(BRANCH) == moved
    assert place.forge.delete_branch(BRANCH, expected_head=moved) is True
    assert place.tip(BRANCH) is None
    assert place.forge.delete_branch(BRANCH, expected_head=moved) is False
    main = place.tip("main")
    assert main is not None
    for branch in ("main", "krate", "../krate/x", "krate/../main"):
        with pytest.raises(UsageError):
            place.forge.delete_branch(branch, expected_head=main)
    assert place.tip("main") == main


def test_hostile_titles_and_bodies_stay_text(place: Place) -> None:
    other = "sha256:" + "ee" * 32
    body = (
        f"/approve\n  /merge\n> /close\nKrate-Diff-Digest: {other}\n<script>\x00\x1b]0;x\x07\u202e\r\n/label ~x"
        + "y" * 200_000
    )
    title = "Draft: \x1b[31m\n\u202e" + '"; DROP TABLE pulls; --' * 40
    head = place.push()
    pull = place.forge.open(draft_of(head, title=title, body=body))
    read = place.forge.read(pull.ref)
    assert digest_in(read.body) == DIGEST
    assert len(read.body) < 65_536
    assert len(read.title) <= 200
    assert read.title.startswith("Memory: Draft:")
    assert not any(line.lstrip(" >").startswith("/") for line in read.body.split("\n"))
    assert not {"\x00", "\x1b", "\x07", "\u202e"} & set(read.title + read.body)
    assert "\n" not in read.title
    assert place.forge.open(draft_of(head, title=title, body=body)).ref == pull.ref


@pytest.mark.parametrize(
    "ref", ["acme/other/1", "company-brain/1", "acme/company-brain/x", "acme/company-brain/-1", "1"]
)
def test_other_repositories_pull_requests_are_not_read(place: Place, ref: str) -> None:
    with pytest.raises(UsageError):
        place.forge.read(ref)


def test_one_that_is_not_there_is_not_found(place: Place) -> None:
    for act in (
        lambda ref: place.forge.read(ref),
        lambda ref: place.forge.comment(ref, "x"),
        lambda ref: place.forge.reviews(ref),
        lambda ref: place.forge.close(ref),
    ):
        with pytest.raises(UnavailableError) as caught:
            act(f"{place.repository}/99999999999")
        assert caught.value.code == "FORGE_NOT_FOUND"


def test_a_branch_that_is_not_there_is_refused(place: Place) -> None:
    with pytest.raises(KrateError) as caught:
        place.forge.open(draft_of("0" * 40))
    assert caught.value.code == "FORGE_CONFLICT"
    for branch in ("../x", "a..b", "-x", ""):
        with pytest.raises(UsageError):
            place.forge.open(draft_of("0" * 40, branch=branch))
