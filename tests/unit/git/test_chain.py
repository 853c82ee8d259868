"""The first-parent chain: effective times, and the cache that may be lost but never believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.errors import UnavailableError
from krate_gitops.git import chain as chain_module
from krate_gitops.git.chain import load_chain
from krate_gitops.git.local import find_repository
from tests.repos import FIRST_COMMIT_TIME, RepoBuilder, git

JAN, FEB, MAR, APR = (FIRST_COMMIT_TIME + days * 86_400 for days in (0, 31, 59, 90))


def test_effective_time_never_goes_back(repo: RepoBuilder) -> None:
    a, b, c, d = (repo.commit({"n": name}, at=at) for name, at in zip("abcd", (JAN, MAR, FEB, APR), strict=True))
    chain = load_chain(find_repository(repo.path), d)
    assert [chain.oid(position) for position in range(4)] == [a, b, c, d]
    assert list(chain.times) == [JAN, MAR, MAR, APR]
    assert chain.at_or_before(FEB + 86_400 * 15) == 0, "git itself says c here"
    assert chain.at_or_before(MAR) == 2, "of equal times the descendant wins"
    assert chain.at_or_before(JAN - 1) is None
    assert chain.at_or_before(APR * 2) == 3


def test_only_first_parents_count(repo: RepoBuilder) -> None:
    root = repo.commit({"a": "1"})
    side = repo.commit({"b": "1"}, branch="side", parents=[root], at=APR)
    foreign = repo.commit({"c": "1"}, branch="foreign", parents=[])
    main = repo.commit({"a": "2"}, at=FEB)
    octopus = repo.commit({}, parents=[main, side, foreign], at=MAR)
    chain = load_chain(find_repository(repo.path), octopus)
    assert [chain.oid(position) for position in range(len(chain))] == [root, main, octopus]
    assert [chain.position(oid) for oid in (side, foreign, "ab" * 20, octopus)] == [None, None, None, 2]


def test_author_dates_and_time_zones_play_no_part(repo: RepoBuilder) -> None:
    repo.commit({"a": "1"}, at=JAN, author_at=APR, timezone="+1400")
    tip = repo.commit({"a": "2"}, at=JAN + 1, author_at=0, timezone="-1200")
    assert list(load_chain(find_repository(repo.path), tip).times) == [JAN, JAN + 1]


@pytest.mark.parametrize("at", [-5, 2**63, 2**64 - 5])
def test_negative_and_absurd_times_count_as_zero(repo: RepoBuilder, at: int) -> None:
    repo.commit({"a": "1"}, at=JAN)
    repo.commit({"a": "2"}, at=at)
    tip = repo.commit({"a": "3"}, at=FEB)
    assert list(load_chain(find_repository(repo.path), tip).times) == [JAN, JAN, FEB]


def test_a_forged_commit_graph_is_not_asked(repo: RepoBuilder) -> None:
    tip = repo.commit({"a": "1"}, at=2**34 + JAN)
    git(repo.git_dir, "commit-graph", "write", "--reachable")
    assert list(load_chain(find_repository(repo.path), tip).times) == [2**34 + JAN]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_the_second_call_reads_the_cache_alone(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, object_format: str
) -> None:
    repo = RepoBuilder(tmp_path / "brain", object_format=object_format)
    tip = repo.linear_history(300)
    repository = find_repository(repo.path)
    first = load_chain(repository, tip, home=home)
    monkeypatch.setattr(chain_module, "run_git", lambda *_, **__: pytest.fail("git was run"))
    second = load_chain(repository, tip, home=home)
    assert second == first
    assert second.position(tip) == 299


def test_a_chain_is_extended_by_what_is_new(repo: RepoBuilder, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = find_repository(repo.path)
    load_chain(repository, repo.linear_history(50), home=home)
    side = repo.commit({"s": "1"}, branch="side", parents=[repo.tip() or ""])
    repo.commit({"a": "1"}, at=JAN)
    tip = repo.merge(side)
    monkeypatch.setattr(chain_module, "_read", lambda *_: pytest.fail("the whole history was read"))
    extended = load_chain(repository, tip, home=home)
    monkeypatch.undo()
    assert extended == load_chain(repository, tip)
    assert len(list((home / "history").glob("*.chain"))) == 1


def test_a_rewritten_history_is_read_anew(repo: RepoBuilder, home: Path) -> None:
    root = repo.commit({"a": "1"})
    old = repo.commit({"a": "2"})
    repository = find_repository(repo.path)
    load_chain(repository, old, home=home)
    forced = repo.commit({"a": "3"}, parents=[root])
    assert load_chain(repository, forced, home=home).position(old) is None
    swapped = repo.commit({"a": "4"}, parents=[root, forced])
    assert load_chain(repository, swapped, home=home) == load_chain(repository, swapped)
    assert load_chain(repository, swapped, home=home).position(forced) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:40],
        lambda content: content[:-8],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
        lambda content: b"another format" + content,
    ],
)
def test_a_damaged_cache_is_rebuilt(repo: RepoBuilder, home: Path, damage: object) -> None:
    tip, repository = repo.linear_history(20), find_repository(repo.path)
    good = load_chain(repository, tip, home=home)
    [stored] = (home / "history").glob("*.chain")
    content = stored.read_bytes()
    stored.write_bytes(damage(content))  # type: ignore[operator]
    assert load_chain(repository, tip, home=home) == good
    assert stored.read_bytes() == content


def test_a_cache_of_another_tip_is_not_taken(repo: RepoBuilder, home: Path) -> None:
    old = repo.commit({"a": "1"})
    repository = find_repository(repo.path)
    load_chain(repository, old, home=home)
    tip = repo.commit({"a": "2"})
    (home / "history" / f"{old}.chain").rename(home / "history" / f"{tip}.chain")
    assert len(load_chain(repository, tip, home=home)) == 2


def test_without_a_writable_home_it_still_works(repo: RepoBuilder, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert len(load_chain(find_repository(repo.path), repo.linear_history(3), home=blocked)) == 3


def test_shallow_and_grafted_clones_are_refused(repo: RepoBuilder, tmp_path: Path) -> None:
    first, tip = repo.commit({"a": "1"}), repo.commit({"a": "2"})
    shallow = tmp_path / "shallow.git"
    git(None, "clone", "-q", "--bare", "--depth=1", f"file://{repo.path}", str(shallow))
    with pytest.raises(UnavailableError, match="shallow") as caught:
        load_chain(find_repository(shallow), tip)
    assert "--unshallow" in caught.value.hint
    (repo.git_dir / "info").mkdir(exist_ok=True)
    (repo.git_dir / "info" / "grafts").write_text(f"# comment\n{tip} {first}\n")
    with pytest.raises(UnavailableError, match="grafts"):
        load_chain(find_repository(repo.path), tip)


times = st.lists(st.integers(JAN, JAN + 30), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(committed=times, asked=st.lists(st.integers(JAN - 2, JAN + 33), min_size=1, max_size=6))
def test_the_chain_agrees_with_the_rule_and_with_git_where_clocks_were_right(
    repo: RepoBuilder, committed: list[int], asked: list[int]
) -> None:
    for number, at in enumerate(committed):
        tip = repo.commit({"n": f"{number}"}, at=at, branch="try", parents=[] if number == 0 else None)
    chain = load_chain(find_repository(repo.path), tip)
    oids = [chain.oid(position) for position in range(len(chain))]
    effective = [max(committed[: number + 1]) for number in range(len(committed))]
    for time in asked:
        naive = [number for number, at in enumerate(effective) if at <= time]
        assert chain.at_or_before(time) == (naive[-1] if naive else None)
        if committed == sorted(committed):
            said = git(repo.git_dir, "rev-list", "-1", "--first-parent", f"--before={time}", tip).decode().strip()
            assert said == (oids[naive[-1]] if naive else "")
