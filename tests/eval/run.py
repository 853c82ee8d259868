"""``python -m tests.eval.run``: how well the ranking answers, beside its baselines, and whether it moved.

Exit code 1 when it is below the better baseline on any set, or when the ranks of graded records differ from the stored
ones; 2 when the corpus is not the judged one; 3 when the corpus is not there.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from krate_gitops.errors import KrateError
from tests.eval import golden, judged
from tests.eval.baselines import Fts5, Substring
from tests.eval.corpus import MISSING, ONTOLOGY, bundle_path, clone_bundle, count_ids
from tests.eval.judged import FOLDER, JudgedSet, Question
from tests.eval.known_items import Item, known_items
from tests.eval.metrics import Difference, paired_bootstrap
from tests.eval.scores import Answer, Scores, answers, by_type, score
from tests.eval.units import Searcher, System, Unit

UPDATE = "python -m tests.eval.run --update-golden"


class Result(NamedTuple):
    """One set: its name, the answers and scores of each system (ours first)."""

    name: str
    answers: dict[str, list[Answer]]
    scores: dict[str, Scores]

    @property
    def ours(self) -> Scores:
        return next(iter(self.scores.values()))

    @property
    def better_baseline(self) -> tuple[str, Scores]:
        return max(list(self.scores.items())[1:], key=lambda item: item[1].ndcg)

    @property
    def difference(self) -> Difference:
        return paired_bootstrap(self.ours.gains, self.better_baseline[1].gains)


def main(arguments: Sequence[str] | None = None, *, fixtures: Path = FOLDER) -> int:
    """Runs and prints the evaluation of the set in ``fixtures``; the exit code."""
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        with tempfile.TemporaryDirectory(prefix="krate-eval-") as folder:
            return _evaluate(options, fixtures, Path(folder), console)
    except KrateError as error:
        if options.skip_missing and error.code == MISSING:
            console.print(f"skipped: {error.message}", markup=False, soft_wrap=True)
            return 0
        console.print(f"{error.code}: {error.message}", markup=False, soft_wrap=True)
        if error.hint:
            console.print(f"  {error.hint}", markup=False, soft_wrap=True)
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.eval.run", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--update-golden", action="store_true", help="store the ranks of this run")
    parser.add_argument("--bundle", type=Path, help="bundle of the corpus (default: in the folder of shared data)")
    parser.add_argument("--skip-missing", action="store_true", help="succeed, saying so, where the corpus is not there")
    parser.add_argument("--known-items", type=int, default=200, metavar="N", help="queries a generator (default: 200)")
    parser.add_argument("--by-type", action="store_true", help="also nDCG@10 by type of question")
    parser.add_argument(
        "--system", default="tests.eval.system:KrateSystem", metavar="MODULE:CLASS", help="evaluate another system"
    )
    return parser.parse_args(arguments)


def _evaluate(options: argparse.Namespace, fixtures: Path, folder: Path, console: Console) -> int:
    questions = judged.load(fixtures)
    repository = clone_bundle(options.bundle or bundle_path(questions.meta.corpus), folder)
    system = _system(options.system)(repository, fixtures / ONTOLOGY, folder / "home")
    units = system.units()
    ids = count_ids(units)
    judged.check_corpus(questions, system.commit, ids)
    systems: list[Searcher] = [system, Fts5(units), Fts5(units, None), Substring(units)]
    results = [
        _run(name, systems, asked, ids)
        for name, asked in (
            ("dev", questions.of_split("dev")),
            ("test", questions.of_split("test")),
            ("known-item", _known(units, options.known_items)),
        )
        if asked
    ]
    _print(results, questions, console, with_types=options.by_type)
    below = [result for result in results if result.ours.ndcg < result.better_baseline[1].ndcg]
    for result in below:
        name, best = result.better_baseline
        console.print(f"[red]{result.name}: {result.ours.ndcg:.3f} is below {name}, {best.ndcg:.3f}")
    moved = _compare(results, system, fixtures / golden.NAME, console, update=options.update_golden)
    return 1 if below or moved else 0


def _system(name: str) -> Callable[[Path, Path, Path], System]:
    module, _, attribute = name.partition(":")
    found: Callable[[Path, Path, Path], System] = getattr(importlib.import_module(module), attribute)
    return found


def _known(units: Sequence[Unit], each: int) -> list[Question]:
    items = [Item(unit.id, unit.title, unit.summary, unit.body) for unit in units]
    return [
        Question(query.id, "known-item", query.generator, query.text, {query.target: 3})
        for query in known_items(items, each)
    ]


def _run(name: str, systems: Sequence[Searcher], questions: Sequence[Question], ids: Mapping[str, int]) -> Result:
    given = {system.name: answers(system, questions, ids) for system in systems}
    return Result(name, given, {key: score(value) for key, value in given.items()})


def _compare(results: Sequence[Result], system: System, path: Path, console: Console, *, update: bool) -> bool:
    """Whether the ranks of the judged questions differ from the stored ones (never after an update)."""
    ranks, means = {}, {}
    for result in results:
        means[result.name] = round(result.ours.ndcg, 4)
        if result.name != "known-item":
            for answer in next(iter(result.answers.values())):
                ranks[answer.question.id] = golden.ranks_of(answer.question, answer.ranking)
    new = golden.Golden({"ndcg": means, "versions": system.versions()}, dict(sorted(ranks.items())))
    old = golden.read(path)
    lines = golden.changes(old.ranks, new.ranks) if old else ["no ranks are stored yet"]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if old and lines:
        console.print(f"nDCG@10 was {old.header.get('ndcg')}, is {means}", highlight=False)
    if update:
        golden.write(new, path)
        console.print(f"stored {len(ranks)} questions in {path.name}")
        return False
    if lines:
        console.print(f"[red]the ranks of graded records moved[/red]; if that is meant: {UPDATE}")
    return bool(lines)


def _print(results: Sequence[Result], questions: JudgedSet, console: Console, *, with_types: bool) -> None:
    console.print(f"{len(questions.questions)} judged questions at {questions.meta.commit}", highlight=False)
    table = Table("set", "system", "nDCG@10", "MRR@10", "R@20", "zero", "unjudged@10", "new first", "refused", "p50 ms")
    for result in results:
        for name, scores in result.scores.items():
            table.add_row(result.name, name, *_cells(scores, judged=result.name != "known-item"))
        table.add_section()
    console.print(table)
    for result in results:
        name, difference = result.better_baseline[0], result.difference
        interval = f"95 % {difference.low:+.3f} … {difference.high:+.3f}"
        console.print(f"{result.name}: ours − {name} {difference.mean:+.3f} ({interval})", highlight=False)
    if with_types:
        for result in results:
            console.print(_type_table(result))


def _cells(scores: Scores, *, judged: bool) -> list[str]:
    def shown(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    values = (scores.ndcg, scores.mrr, scores.recall, scores.zero, scores.unjudged if judged else None)
    return [shown(value) for value in (*values, scores.trap, scores.rejected)] + [f"{scores.p50:.1f}"]


def _type_table(result: Result) -> Table:
    kinds = {name: by_type(given) for name, given in result.answers.items()}
    columns = list(next(iter(kinds.values())))
    table = Table(result.name, *columns)
    for name, values in kinds.items():
        table.add_row(name, *(f"{values[kind]:.3f}" for kind in columns))
    return table


if __name__ == "__main__":
    sys.exit(main())
