"""Records that a proposal nearly repeats are told, and others are not."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.proposed import trial
from krate_gitops.index.source import Target
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.settings import Settings
from krate_gitops.updates.nearness import THRESHOLD, Nearness, NearRepeat, near_repeats, nearest
from tests.repos import Content, RepoBuilder, git
from tests.unit.memory.world import ONTOLOGY, markdown, policy, record

TOP = Path(__file__).parents[3]
BODY = (
    "# Replay\n\nStop the scheduler before a refund is replayed, or the ledger books it twice.\n"
    "Compare the totals of both journals, then start the scheduler and close the incident.\n"
)
FILES: dict[str, Content] = {
    **ONTOLOGY,
    "graph/ledger.yaml": record("Service", "service:ledger", title="Ledger", summary="Books every payment once."),
    "runbooks/replay.md": markdown(
        "Runbook",
        "runbook:replay",
        BODY,
        title="Replay refunds safely",
        summary="How refunds are replayed without booking them twice.",
        edges={"depends_on": ["service:ledger"]},
    ),
    "runbooks/rotate.md": markdown(
        "Runbook",
        "runbook:rotate",
        "# Rotate\n\nCreate the new certificate, deploy it everywhere, and withdraw the old one a week later.\n",
        title="Rotate certificates",
        summary="How certificates are exchanged while traffic goes on.",
        edges={"depends_on": ["service:ledger"]},
    ),
    "graph/vault.yaml": record("Customer", "customer:acme", title="Acme", summary="Terms of the acme refund contract."),
}
COPY = markdown(
    "Runbook",
    "runbook:replay-again",
    BODY.replace("# Replay", "# Repeating"),
    title="Repeating refunds in safety",
    summary="How refunds are replayed without booking them twice.",
    edges={"depends_on": ["service:ledger"]},
)


class Proposals:
    """Changes of one commit, and what they repeat."""

    def __init__(self, folder: Path, git_dir: Path, commit: str, ontology: Path | None = None) -> None:
        self.home = folder / "home"
        self.builder = Builder(self.home, jobs=1)
        repository = open_repository(str(git_dir), settings=Settings(home=self.home))
        self.target = Target(repository, commit, ontology_dir=ontology)

    @contextmanager
    def opened(self, changes: Mapping[str, str | None]) -> Iterator[tuple[OpenIndex, OpenIndex]]:
        contents = {path: None if text is None else text.encode() for path, text in changes.items()}
        built = self.builder.build(self.target)
        with (
            trial(self.builder, self.target, contents, root=built.source.root, home=self.home) as tried,
            OpenIndex(self.builder, self.builder.build(tried.base)) as base,
            OpenIndex(self.builder, self.builder.build(tried.head)) as after,
        ):
            yield base, after

    def repeats(
        self, changes: Mapping[str, str | None], rights: EffectivePolicy | None = None
    ) -> tuple[NearRepeat, ...]:
        with self.opened(changes) as (base, after):
            return near_repeats(base, after, rights or owner_policy())


@pytest.fixture
def proposals(tmp_path: Path) -> Proposals:
    repo = RepoBuilder(tmp_path / "brain")
    return Proposals(tmp_path, repo.path, repo.commit(FILES))


def test_a_copy_with_other_words_in_its_title_is_told_with_the_record_and_a_measure(proposals: Proposals) -> None:
    [repeat] = proposals.repeats({"runbooks/again.md": COPY})
    assert (repeat.id, repeat.path) == ("runbook:replay-again", "runbooks/again.md")
    [near] = repeat.near
    assert (near.id, near.path, near.targets, near.proposed) == ("runbook:replay", "runbooks/replay.md", 1, False)
    assert 0.72 <= near.measure < 1
    assert {"refunds", "replayed", "twice"} <= set(near.shared)
    assert not {"how", "are", "them"} & set(near.shared)
    assert len(near.shared) == 8


def test_another_subject_of_the_same_form_is_not_told(proposals: Proposals) -> None:
    other = markdown(
        "Runbook",
        "runbook:drain",
        "# Drain\n\nTake the node out of the balancer and wait until its queue is empty.\n",
        title="Drain a node",
        summary="How a node is emptied.",
        edges={"depends_on": ["service:ledger"]},
    )
    assert proposals.repeats({"runbooks/drain.md": other}) == ()


def test_a_small_edit_of_a_record_does_not_repeat_itself(proposals: Proposals) -> None:
    edited = str(FILES["runbooks/replay.md"]).replace("booked", "written").replace("twice", "two times")
    assert proposals.repeats({"runbooks/replay.md": edited}) == ()


def test_a_record_that_moves_to_another_id_does_not_repeat_what_it_replaces(proposals: Proposals) -> None:
    assert proposals.repeats({"runbooks/again.md": COPY, "runbooks/replay.md": None}) == ()


def test_an_edit_that_makes_a_record_repeat_another_is_told(proposals: Proposals) -> None:
    edited = COPY.replace("runbook:replay-again", "runbook:rotate")
    [repeat] = proposals.repeats({"runbooks/rotate.md": edited})
    assert [near.id for near in repeat.near] == ["runbook:replay"]


def test_a_pair_that_was_as_near_before_is_not_told_again(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "brain")
    proposals = Proposals(tmp_path, repo.path, repo.commit({**FILES, "runbooks/again.md": COPY}))
    assert proposals.repeats({"runbooks/again.md": COPY.replace("a week", "two weeks") + "\nDone.\n"}) == ()


def test_two_new_records_that_repeat_each_other_are_told_as_such(proposals: Proposals) -> None:
    one = markdown(
        "Decision",
        "decision:one",
        "# One\n\nQueues are drained by hand, since the autoscaler forgets consumers.\n",
        title="Drain queues by hand",
    )
    two = one.replace("decision:one", "decision:two").replace("Drain queues by hand", "Draining queues manually")
    found = proposals.repeats({"notes/one.md": one, "notes/two.md": two})
    assert [(repeat.id, [(near.id, near.proposed) for near in repeat.near]) for repeat in found] == [
        ("decision:one", [("decision:two", True)]),
        ("decision:two", [("decision:one", True)]),
    ]


def test_what_may_not_be_read_is_neither_told_nor_compared(proposals: Proposals, tmp_path: Path) -> None:
    viewer = policy({"readPolicy": {"mode": "allow-all"}}, tmp_path)
    title, summary = "Acme once more", "Terms of the acme refund contract."
    for kind in ("Customer", "Decision"):
        again = record(kind, f"{kind.lower()}:acme-again", title=title, summary=summary)
        assert proposals.repeats({"graph/again.yaml": again})
        assert proposals.repeats({"graph/again.yaml": again}, viewer) == ()


def test_one_record_is_compared_with_all_others(proposals: Proposals) -> None:
    with proposals.opened({"runbooks/again.md": COPY}) as (base, after):
        assert [near.id for near in nearest(after, "runbook:replay-again", owner_policy())] == ["runbook:replay"]
        assert nearest(after, "runbook:unknown", owner_policy()) == ()
        assert nearest(base, "service:ledger", owner_policy()) == ()


def test_the_measure_is_that_of_both_sides_and_one_for_the_same(proposals: Proposals) -> None:
    with proposals.opened({"runbooks/again.md": str(FILES["runbooks/replay.md"]).replace(":replay", ":same")}) as (
        _,
        now,
    ):
        nearness = Nearness(now, owner_policy())
        numbers = [now.graph.defined(one) for one in ("runbook:replay", "runbook:same", "runbook:rotate")]
        assert nearness.measure(numbers[0], numbers[1]) == 100
        assert nearness.measure(numbers[0], numbers[2]) == nearness.measure(numbers[2], numbers[0]) < 50
        assert nearness.measure(numbers[0], -1) == 0


# -- evaluation


def reworded(title: str, rng: random.Random) -> str:
    words = title.split()
    if len(words) > 2:
        words[rng.randrange(len(words))] = "updated"
    return " ".join(["About", *words])


def copies(opened: OpenIndex, count: int, seed: int) -> dict[str, tuple[str, str]]:
    """By path of a copy its text and the id it repeats: a new id and a reworded title, all else as it was."""
    rng, columns = random.Random(seed), opened.columns
    found: dict[str, tuple[str, str]] = {}
    records = list(range(columns.links.records))
    rng.shuffle(records)
    for number in records:
        file = int(columns.record_file[number])
        one = columns.record(number)
        text = next((text.raw for text in opened.texts([file])), "")
        if columns.file_units[file] != 1 or len(re.findall(re.escape(one.id), text)) != 1 or len(text) < 200:
            continue
        new = text.replace(one.id, f"{one.id}-again")
        if one.title:
            new = new.replace(one.title, reworded(one.title, rng), 1)
        stem, _, ending = columns.paths[file].rpartition(".")
        found[f"{stem}-again.{ending}"] = (new, one.id)
        if len(found) == count:
            break
    return found


def share_told(proposals: Proposals, count: int) -> float:
    """Of copies of records, the share that is told with the record they repeat."""
    with proposals.opened({}) as (base, _):
        proposed = copies(base, count, seed=7)
    told = proposals.repeats({path: text for path, (text, _) in proposed.items()})
    near = {repeat.path: {one.id for one in repeat.near} for repeat in told}
    return sum(identifier in near.get(path, ()) for path, (_, identifier) in proposed.items()) / len(proposed)


def share_alarming(proposals: Proposals, count: int) -> float:
    """Of records of a brain, taken as if they were new, the share that would be told as repeating another."""
    with proposals.opened({}) as (base, _):
        nearness = Nearness(base, owner_policy())
        numbers = random.Random(5).sample(range(base.columns.links.records), count)
        return sum(stands_out(nearness, number) for number in numbers) / count


def stands_out(nearness: Nearness, number: int) -> bool:
    return any(
        not nearness.is_usual(other, measure, beside=number)
        for other, measure in nearness.nearest(number, threshold=THRESHOLD, most=3)
    )


@pytest.mark.slow
def test_on_a_real_brain_copies_are_told_and_ordinary_records_rarely(shared_dir: Path, tmp_path: Path) -> None:
    git(None, "clone", "--quiet", "--bare", str(shared_dir / "data" / "atlas-brain.bundle"), str(tmp_path / "real.git"))
    commit = git(tmp_path / "real.git", "rev-parse", "HEAD").decode().strip()
    proposals = Proposals(tmp_path, tmp_path / "real.git", commit, TOP / "examples" / "atlas-ontology")
    assert share_told(proposals, 100) >= 0.95
    assert share_alarming(proposals, 300) <= 0.06


def test_on_the_example_brain_copies_are_told_and_no_other(tmp_path: Path) -> None:
    repo = RepoBuilder(tmp_path / "brain")
    folder = TOP / "examples" / "brain"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    proposals = Proposals(tmp_path, repo.path, repo.commit(dict(files)))
    assert share_told(proposals, 10) == 1
    with proposals.opened({}) as (base, _):
        everything = base.columns.links.records
    assert share_alarming(proposals, everything) == 0
