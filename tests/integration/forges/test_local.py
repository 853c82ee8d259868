"""Pull requests without a forge: several processes at once, crashes between steps, any place git can write to."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.errors import DeniedError, KrateError
from krate_gitops.git.push import Pushed, push_branch
from krate_gitops.records.database import close_databases, open_database
from krate_gitops.settings import Settings
from krate_gitops.updates.forges import local
from krate_gitops.updates.forges.local import LocalForge
from krate_gitops.updates.forges.port import CheckState, PullState
from tests.integration.forges.places import BRANCH, LocalPlace, draft_of
from tests.integration.forges.world import NAME, OWNER
from tests.integration.git.servers import git_backend, serve
from tests.repos import RepoBuilder, git

EACH = 6


def make(settings: Settings, spec: str, *, organization: str = OWNER, repository: str = NAME) -> LocalForge:
    return LocalForge(
        open_database(settings), organization=organization, memory_repository=repository, spec=spec, settings=settings
    )


@pytest.fixture
def place(tmp_path: Path, home: Path) -> Iterator[LocalPlace]:
    yield LocalPlace(tmp_path, Settings(home=home))
    close_databases()


def _open_many(settings: Settings, spec: str, drafts: list[tuple[str, str]], start: object, found: object) -> None:
    forge = make(settings, spec)
    start.wait()  # type: ignore[attr-defined]
    found.put([forge.open(draft_of(head, branch=branch)).number for branch, head in drafts])  # type: ignore[attr-defined]


def _at_once(settings: Settings, spec: str, drafts: list[list[tuple[str, str]]]) -> list[list[int]]:
    close_databases()
    spawning = multiprocessing.get_context("spawn")
    start, found = spawning.Barrier(len(drafts)), spawning.Queue()
    processes = [spawning.Process(target=_open_many, args=(settings, spec, each, start, found)) for each in drafts]
    for process in processes:
        process.start()
    numbers = [found.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert [process.exitcode for process in processes] == [0] * len(drafts)
    return numbers


def _branches(repo: RepoBuilder, names: list[str]) -> list[tuple[str, str]]:
    tip = repo.tip()
    assert tip is not None
    return [(name, repo.commit({"b.md": name}, branch=name, parents=[tip])) for name in names]


def test_numbers_of_several_processes_have_no_gaps_and_no_doubles(tmp_path: Path, database_settings: Settings) -> None:
    repo = RepoBuilder(tmp_path / "brain.git")
    repo.commit({"a.md": "1\n"})
    drafts = [_branches(repo, [f"krate/p{process}/{at}" for at in range(EACH)]) for process in range(3)]
    numbers = _at_once(database_settings, str(repo.path), drafts)
    assert sorted(number for each in numbers for number in each) == list(range(1, 3 * EACH + 1))


def test_several_processes_open_one_for_one_branch(tmp_path: Path, database_settings: Settings) -> None:
    repo = RepoBuilder(tmp_path / "brain.git")
    repo.commit({"a.md": "1\n"})
    one = _branches(repo, [f"krate/x/{at}" for at in range(EACH)])
    numbers = _at_once(database_settings, str(repo.path), [one, one, one])
    assert numbers[0] == numbers[1] == numbers[2] == list(range(1, EACH + 1))


def test_organisations_and_repositories_have_their_own_numbers(place: LocalPlace) -> None:
    head = place.push()
    spec = str(place.repo.path)
    forges = [
        make(place.settings, spec),
        make(place.settings, spec, repository="other"),
        make(place.settings, spec, organization="globex"),
    ]
    assert [forge.open(draft_of(head)).ref for forge in forges] == [
        "acme/company-brain/1",
        "acme/other/1",
        "globex/company-brain/1",
    ]
    forges[0].set_status(head, CheckState.SUCCESS, description="")
    assert [forge.status(head) for forge in forges] == [CheckState.SUCCESS, None, None]


def test_a_merge_has_both_parents_and_the_content_of_both(place: LocalPlace) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    target = place.push("main")
    commit = place.forge.merge(pull.ref, expected_head=head, message="Merge memory\n\nKrate-Update: amu-1")
    said = git(place.repo.git_dir, "log", "-1", "--format=%P%n%an <%ae>%n%B", commit).decode().splitlines()
    assert said[0] == f"{target} {head}"
    assert said[1] == "krate-gitops <krate-gitops@localhost>"
    assert said[2:] == ["Merge memory", "", "Krate-Update: amu-1", ""]
    assert git(place.repo.git_dir, "ls-tree", "-r", "--name-only", commit).decode().split() == [
        "a.md",
        "b.md",
        "main.md",
    ]
    assert git(place.repo.git_dir, "rev-list", "--first-parent", "--count", f"{target}..{commit}").strip() == b"1"


def test_a_merge_with_conflicts_is_refused(place: LocalPlace) -> None:
    tip = place.repo.tip()
    assert tip is not None
    head = place.repo.commit({"a.md": "ours\n"}, branch=BRANCH, parents=[tip])
    pull = place.forge.open(draft_of(head))
    target = place.repo.commit({"a.md": "theirs\n"})
    with pytest.raises(KrateError, match="conflicts") as caught:
        place.forge.merge(pull.ref, expected_head=head, message="merge")
    assert caught.value.code == "FORGE_CONFLICT"
    assert place.repo.tip() == target


def test_a_repositorys_own_merge_programs_are_not_run(place: LocalPlace, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    tip = place.repo.commit({".gitattributes": "*.md merge=evil\n"})
    git(place.repo.git_dir, "config", "merge.evil.driver", f"touch {ran}")
    (place.repo.git_dir / "info").mkdir(exist_ok=True)
    (place.repo.git_dir / "info" / "attributes").write_text("*.md merge=evil\n")
    head = place.repo.commit({"a.md": "ours\n"}, branch=BRANCH, parents=[tip])
    pull = place.forge.open(draft_of(head))
    place.repo.commit({"a.md": "theirs\n"})
    with pytest.raises(KrateError, match="conflicts"):
        place.forge.merge(pull.ref, expected_head=head, message="merge")
    assert not ran.exists()


def test_a_target_that_moves_during_the_merge_is_not_overwritten(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    moved: list[str] = []

    def push_after_another(*what: object, **how: object) -> Pushed:
        moved.append(place.push("main"))
        return push_branch(*what, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(local, "push_branch", push_after_another)
    with pytest.raises(KrateError, match="moved by somebody else") as caught:
        place.forge.merge(pull.ref, expected_head=head, message="merge")
    assert caught.value.code == "FORGE_CONFLICT"
    assert place.repo.tip() == moved[0]
    assert place.forge.read(pull.ref).state is PullState.OPEN


def test_a_merge_that_died_before_it_was_recorded_is_found_in_git(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(LocalForge, "_record", die)
        with pytest.raises(Killed):
            place.forge.merge(pull.ref, expected_head=head, message="merge")
    merged = place.repo.tip()
    place.push("main")
    assert place.forge.merge(pull.ref, expected_head=head, message="merge") == merged
    assert place.forge.read(pull.ref).merge_commit == merged


@pytest.mark.parametrize("later", [0, 1, 5])
def test_a_fast_forward_by_hand_is_a_merge_too(place: LocalPlace, later: int) -> None:
    place.push()
    head = place.push()
    pull = place.forge.open(draft_of(head))
    place.repo.ref("refs/heads/main", head)
    for _ in range(later):
        place.push("main")
    read = place.forge.read(pull.ref)
    assert (read.state, read.merge_commit) == (PullState.MERGED, head)


@pytest.mark.parametrize("later", [0, 1, 2, 7])
def test_a_merge_by_hand_is_found_whatever_came_before_and_after(place: LocalPlace, later: int) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    for _ in range(3):
        place.push("main")
    merged = place.repo.merge(head)
    for _ in range(later):
        place.push("main")
    assert place.forge.read(pull.ref).merge_commit == merged
    place.repo.ref("refs/heads/main", head)
    assert place.forge.read(pull.ref).merge_commit == merged


def test_a_branch_that_is_gone_closes_its_pull_request(place: LocalPlace) -> None:
    head = place.push()
    pull = place.forge.open(draft_of(head))
    assert place.forge.delete_branch(BRANCH, expected_head=head) is True
    read = place.forge.read(pull.ref)
    assert (read.state, read.head) == (PullState.CLOSED, head)
    assert place.forge.find(BRANCH, "main") is None


def test_a_branch_without_anything_new_is_not_opened(place: LocalPlace) -> None:
    tip = place.repo.tip()
    assert tip is not None
    place.repo.branch(BRANCH, tip)
    with pytest.raises(KrateError) as caught:
        place.forge.open(draft_of(tip))
    assert caught.value.code == "FORGE_CONFLICT"


def test_a_target_with_files_in_a_work_tree_is_not_moved_under_them(tmp_path: Path, home: Path) -> None:
    repo = RepoBuilder(tmp_path / "brain", bare=False)
    tip = repo.commit({"a.md": "1\n"})
    repo.checkout()
    head = repo.commit({"b.md": "1\n"}, branch=BRANCH, parents=[tip])
    forge = make(Settings(home=home), str(repo.path))
    pull = forge.open(draft_of(head))
    with pytest.raises(DeniedError) as caught:
        forge.merge(pull.ref, expected_head=head, message="merge")
    assert caught.value.code == "PUSH_REFUSED"
    assert repo.tip() == tip
    close_databases()


def test_a_remote_is_merged_into_and_cleaned_up_by_push(tmp_path: Path, home: Path) -> None:
    settings = Settings(home=home, deadline_seconds=60)
    repo = RepoBuilder(tmp_path / "brain.git")
    git(repo.git_dir, "config", "http.receivepack", "true")
    tip = repo.commit({"a.md": "1\n"})
    head = repo.commit({"b.md": "1\n"}, branch=BRANCH, parents=[tip])
    with serve(git_backend(tmp_path)) as url:
        forge = make(settings, f"{url}/brain.git")
        pull = forge.open(draft_of(head))
        commit = forge.merge(pull.ref, expected_head=head, expected_target=tip, message="merge")
        assert repo.tip() == commit
        assert forge.delete_branch(BRANCH, expected_head=head) is True
        assert repo.tip(BRANCH) is None
        assert forge.read(pull.ref).state is PullState.MERGED
    close_databases()
