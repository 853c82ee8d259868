"""Many who propose, review, merge, look and push at once, and die at any step: nothing is lost and nothing slips in."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.index.validate import validate
from krate_gitops.records.audit_verify import verify
from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from krate_gitops.updates.approvals import approvers
from krate_gitops.updates.ledger import OPEN, Held, Ledger
from krate_gitops.updates.model import Action, Phase, Verdict
from krate_gitops.updates.request import ProposedChange
from tests.repos import Content, git
from tests.update_steps import die_after
from tests.updates import (
    FILES,
    LATER,
    MEMBER,
    OWNER,
    UPDATED,
    Board,
    create,
    delete,
    rename,
    runbook,
    update,
)

_FORK = multiprocessing.get_context("fork")
LINES, BOOKS, DRAFTS = 24, 6, 5


def book(name: str, **fields: Any) -> str:
    body = "".join(f"Line {number} of {name}.\n\n" for number in range(LINES))
    return runbook(name, body=f"# Replay {name}\n\n{body}", **fields)


BRAIN: dict[str, Content] = {
    **FILES,
    **{f"runbooks/book{number}.md": book(f"book{number}") for number in range(BOOKS)},
    **{f"runbooks/draft{number}.md": book(f"draft{number}", status="draft") for number in range(DRAFTS)},
}


def random_changes(choose: random.Random, who: str) -> list[ProposedChange]:
    """One or two files of the seeded brain, edited, created, deleted or renamed; what is new names its proposer."""
    made: dict[str, ProposedChange] = {}
    for at in range(choose.choice((1, 1, 2))):
        kind = choose.choice(("edit", "edit", "edit", "create", "delete", "rename"))
        number = choose.randrange(BOOKS)
        path = f"runbooks/book{number}.md"
        text = str(BRAIN[path])
        line = choose.randrange(LINES)
        if kind == "edit":
            edited = text.replace(f"Line {line} of", f"Line {line}, as {who} has it, of", 1).replace(UPDATED, LATER)
            made[path] = update(path, edited)
        elif kind == "create":
            name = f"{who}-{at}"
            made[f"runbooks/{name}.md"] = create(f"runbooks/{name}.md", runbook(name))
        elif kind == "delete":
            draft = f"runbooks/draft{choose.randrange(DRAFTS)}.md"
            made[draft] = delete(draft)
        else:
            made[path] = rename(path, f"runbooks/by-{who}/book{number}.md")
    return list(made.values())


class Race:
    """A board, and processes that work at it. ``mortality`` is the part of their deeds that they die of."""

    def __init__(self, folder: Path, seed: int, *, mortality: float) -> None:
        (folder / "home").mkdir(parents=True)
        self.folder, self.seed, self.mortality = folder, seed, mortality
        self.settings = Settings(home=folder / "home")
        board = self.board()
        self.first = board.seed
        board.desk("seed").brain.read(board.seed, lambda opened: opened.manifest.index_digest)
        board.all()
        close_databases()

    def board(self) -> Board:
        board = Board(self.folder, self.settings, BRAIN)
        board.seed = getattr(self, "first", board.seed)
        return board

    # What each of them does

    def propose(self, choose: random.Random, who: str) -> None:
        """Proposes until it has an answer, as a client does that was cut off; revises it now and then."""
        changes = random_changes(choose, who)
        while not self.attempt(choose, lambda board: board.propose(*changes, name=who, run=f"adr-{who}")):
            pass
        if choose.random() < 0.2:
            others = random_changes(choose, who)
            self.attempt(choose, lambda board: [board.revise(one, *others) for one in mine(board, f"adr-{who}")])

    def review(self, choose: random.Random, rounds: int) -> None:
        """Approves what is there, rejects little, and objects to a little."""
        for _ in range(rounds):
            verdict = choose.choices((Verdict.APPROVE, Verdict.REJECT, Verdict.REQUEST_CHANGES), (16, 1, 1))[0]
            who = choose.choice((OWNER, MEMBER))

            def say(board: Board, verdict: Verdict = verdict, who: str = who) -> None:
                waiting = [one for one in board.all() if one.update.phase is Phase.AWAITING_APPROVAL]
                if waiting:
                    board.say(choose.choice(waiting), verdict, who)

            self.attempt(choose, say)

    def merge(self, choose: random.Random, rounds: int) -> None:
        """Merges what is approved."""
        for _ in range(rounds):

            def one(board: Board) -> None:
                ready = [one for one in board.all() if one.update.phase in (Phase.APPROVED, Phase.MERGING)]
                if ready:
                    board.merge(choose.choice(ready))

            self.attempt(choose, one)

    def look(self, choose: random.Random, rounds: int) -> None:
        for _ in range(rounds):
            self.attempt(choose, lambda board: board.look_at_all())

    def disturb(self, choose: random.Random, rounds: int) -> None:
        """Moves the target, by compare-and-swap like anybody, and pushes to a branch of ours."""
        board = self.board()
        for number in range(rounds):
            tip = str(board.tip())
            side = f"outside-{os.getpid()}"
            path = f"notes/{choose.randrange(4)}.md"
            board.repo.commit(
                {path: f"# Note\n\nOutside {self.seed} {number}.\n"}, branch=side, parents=[tip], at=board.clock,
                message=f"outside {number}",
            )  # fmt: skip
            new = str(board.tip(side))
            git(board.repo.git_dir, "update-ref", "refs/heads/main", new, tip, answers=(0, 1, 128))
            git(board.repo.git_dir, "update-ref", "-d", f"refs/heads/{side}")
            with contextlib.suppress(KrateError):
                self.board().look_at_all()

    def attempt(self, choose: random.Random, action: Callable[[Board], object]) -> bool:
        """Does it in a child that may die of it; whether it lived. What is refused is an answer, too."""
        steps = choose.randrange(40) if choose.random() < self.mortality else None

        def child() -> None:
            if steps is not None:
                die_after(steps)
            with contextlib.suppress(KrateError):
                action(self.board())
            close_databases()

        return _joined([_started(child)]) == [0]

    # Together

    def run(self, proposers: int, rounds: int) -> None:
        def worker(name: str, deed: Callable[[random.Random], object]) -> Any:
            return _started(lambda: deed(random.Random(f"{self.seed} {name}")))

        workers = [worker(f"p{n}", lambda r, n=n: self.propose(r, f"p{n}")) for n in range(proposers)]
        workers += [worker(f"r{n}", lambda r: self.review(r, rounds)) for n in range(2)]
        workers += [worker(f"m{n}", lambda r: self.merge(r, rounds)) for n in range(2)]
        workers += [worker("look", lambda r: self.look(r, 3)), worker("out", lambda r: self.disturb(r, rounds // 2))]
        assert set(_joined(workers)) <= {0}

    def settle(self) -> Board:
        """Everybody lives now: what is left is reviewed, merged and looked at until nothing moves any more."""
        board = self.board()
        board.look_at_all()
        for _ in range(3):
            for held in board.all():
                with contextlib.suppress(KrateError):
                    if held.update.phase is Phase.AWAITING_APPROVAL:
                        held = board.say(held)
                    if held.update.phase in (Phase.APPROVED, Phase.MERGING):
                        board.merge(held)
            board.look_at_all()
        first = board.look_at_all()
        assert board.look_at_all() == first
        return board


def mine(board: Board, run: str) -> list[Held]:
    return Ledger(board.desk(OWNER)).listed(source_run=run, phases=OPEN)


def _started(action: Callable[[], object]) -> Any:
    process = _FORK.Process(target=action)
    process.start()
    return process


def _joined(processes: list[Any]) -> list[int]:
    for process in processes:
        process.join(300)
    statuses = [process.exitcode for process in processes]
    assert all(status in (0, -signal.SIGKILL) for status in statuses), statuses
    return statuses


# What must hold


def check(board: Board) -> None:
    updates = {one.name: one for one in board.all()}
    chain = board.chain()[::-1]
    assert chain[0] == board.seed
    landed = check_chain(board, updates, chain)
    merged = {name: one.update.status.merge_commit for name, one in updates.items() if one.update.phase is Phase.MERGED}
    assert merged == landed
    check_validity(board, chain)
    # Nothing is left behind of what has ended, and nothing open has lost its branch.
    going_on = [one.update for one in updates.values() if one.update.phase.value in OPEN]
    assert set(board.branches()) == {one.spec.branch_name for one in going_on if one.status.head_commit}
    assert {one.phase for one in going_on} <= {Phase.AWAITING_APPROVAL, Phase.CHANGES_REQUESTED, Phase.APPROVED}
    for one in going_on:
        if one.status.head_commit:
            assert board.tip(one.spec.branch_name) == one.status.head_commit
    with board.database.reading() as connection:
        assert verify(connection, board.settings.organization).ok


def check_chain(board: Board, updates: dict[str, Held], chain: list[str]) -> dict[str, str]:
    """Each commit is an outsider's, or of one update that was approved as it is there; the commits by update."""
    landed: dict[str, str] = {}
    for parent, commit in itertools.pairwise(chain):
        parents = git(board.repo.git_dir, "log", "-1", "--format=%P", commit).decode().split()
        assert parents[0] == parent
        trailers = board.trailers(commit)
        if not trailers:
            assert board.message(commit).startswith("outside")
            continue
        name = dict(trailers)["Krate-Update"]
        assert name not in landed, f"{name} was merged twice"
        landed[name] = commit
        held = updates[name]
        status = held.update.status
        assert dict(trailers)["Krate-Diff-Digest"] == status.diff_digest
        assert {value for key, value in trailers if key == "Krate-Approved-By"} == set(approvers(held.update))
        assert approvers(held.update), f"{name} was merged without an approval"
        assert parents[1:] == [status.head_commit]
        condition = held.update.condition("Merged")
        assert condition is not None
        assert condition.reason == "Merged"
        check_content(board, held, parent, commit)
    return landed


def check_content(board: Board, held: Held, parent: str, commit: str) -> None:
    """A merge takes away and adds the lines that its proposal does, in the files that it names, and no others."""
    spec = held.update.spec
    listed = git(board.repo.git_dir, "diff", "--no-renames", "--name-only", parent, commit).decode().split()
    assert set(listed) <= {path for item in spec.changes for path in (item.path, item.target)}
    assert listed
    contents = Ledger(board.desk(OWNER)).contents(held.update)
    observed = str(spec.observed_commit)
    for item in spec.changes:
        seen = lines_at(board, observed, item.path)
        proposed = _lines(contents[item.content_digest]) if item.content_digest else seen
        if item.action is Action.DELETE:
            assert lines_at(board, commit, item.target) is None
            continue
        assert proposed is not None
        before, after = lines_at(board, parent, item.path), lines_at(board, commit, item.target)
        assert after is not None
        if item.target != item.path:
            assert lines_at(board, commit, item.path) is None
        # Nothing of others is lost, and all of the proposal is there.
        assert (before or Counter()) - after <= (seen or Counter()) - proposed
        assert after - (before or Counter()) <= proposed - (seen or Counter())
        assert proposed - (seen or Counter()) <= after


def _lines(data: bytes) -> Counter[str]:
    found = Counter(data.decode().splitlines())
    # Of two moments the later one stands.
    return Counter({line: count for line, count in found.items() if not line.startswith("updatedAt:")})


def lines_at(board: Board, commit: str, path: str) -> Counter[str] | None:
    if path not in board.paths(commit):
        return None
    return _lines(board.data(path, commit))


def check_validity(board: Board, chain: list[str]) -> None:
    """No commit of the chain has an error that its parent didn't have."""
    brain = board.desk(OWNER).brain
    errors: set[tuple[str, str, str]] | None = None
    for commit in chain:
        report = validate(brain.builder, brain.target(commit)).report
        found = {
            (one.code, one.record_id or one.path, one.message) for one in report.diagnostics if one.severity == "error"
        }
        assert errors is None or found <= errors, (commit, found - errors)
        errors = found


@pytest.fixture
def race(tmp_path: Path) -> Iterator[Callable[..., Race]]:
    yield lambda seed, **how: Race(tmp_path / f"race-{seed}", seed, **({"mortality": 0.3} | how))
    close_databases()


def test_a_few_at_once(race: Callable[..., Race]) -> None:
    together = race(1)
    together.run(6, 6)
    check(together.settle())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_twenty_at_once(race: Callable[..., Race], seed: int) -> None:
    together = race(seed)
    together.run(20, 16)
    board = together.settle()
    check(board)
    phases = Counter(one.update.phase for one in board.all())
    assert phases[Phase.MERGED] >= 3, phases


def test_what_is_checked_would_be_found_out(race: Callable[..., Race]) -> None:
    board = race(0).board()
    held = board.approved(update("runbooks/book0.md", book("book0").replace("Line 3 of", "Line three of")))
    board.merge(held)
    check(board)
    first = board.tip()
    # A commit that says to be an update and takes more away than it says.
    text = board.text("runbooks/book1.md").replace("Line 5 of book1.\n", "")
    forged = board.message(str(first))
    board.outside({"runbooks/book1.md": text}, message=forged)
    with pytest.raises(AssertionError):
        check(board)
    assert sha256_digest(text.encode())
