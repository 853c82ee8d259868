"""Match strength, against the same formula computed slowly and exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.brain.layout import classify
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.index.strength import FORMULAS, RANKING_VERSION, Ranker, analyse, inverse_frequency, matched_words
from tests.unit.index.brain import Indexed
from tests.unit.index.reference import Reference, units_of


def _record(identifier: str, title: str, *more: str, status: str = "approved") -> str:
    head = ["nodeKind: Service", f"id: {identifier}", "attributes:", f"  title: {title}", f"  status: {status}"]
    return "\n".join((*head, "  owners: [team:core]", *(f"  {line}" for line in more))) + "\n"


FILES = {
    "graph/services/ledger.yaml": _record(
        "service:payments-ledger",
        "Payments ledger",
        "summary: An append-only ledger of all payments and refunds.",
        "tags: [payments, ledger]",
        "aliases: [The book, PaymentsDB]",
        "runtime: JVM on Kubernetes",
    ),
    "graph/services/fx.yaml": _record(
        "service:fx-rates", "Rates of foreign currencies", "tags: [payments]", status="draft"
    ),
    "graph/services/old.yaml": _record(
        "service:old-ledger", "Old ledger", "summary: Replaced by the new ledger", status="deprecated"
    ),
    "graph/services/gone.yaml": _record("service:gone", "Ledgers of old", status="archived"),
    "graph/services/bare.yaml": (
        "nodeKind: Service\nid: service:bare-ledger\nattributes: {title: Replaying, x: [refund, {y: refunds}]}\n"
    ),
    "graph/services/secret.yaml": _record(
        "service:psp-token", "Ledger token", "sensitivity: secret-metadata", "purpose: refunds"
    ),
    "graph/services/broken.yaml": "nodeKind: [ledger refund\n",
    "runbooks/replay.md": (
        "---\nid: runbook:refund-replay\nkind: Runbook\ntitle: How to replay refunds\nstatus: approved\n"
        "aliases: [Refund replay]\n---\n# How to replay refunds\n\nReplaying a refund needs the ledger. "
        "Refunds are replayed once; the ledger tells.\n" + "More words. " * 40
    ),
    "runbooks/étude.md": (
        "---\nid: runbook:etude\nkind: Runbook\ntitle: Étude\nstatus: draft\n---\n"
        "Résumé of the naïve replay, camelCaseReplay.\n"
    ),
    "notes/a.md": "# Refund notes\n\nWe replayed refunds. It was the ledger-service, see service:payments-ledger.\n",
    "notes/b.md": "---\ntitle: Notes\nstatus: archived\ntags: [refunds]\n---\nNothing here.\n",
    "notes/c.md": "refund " * 300,
    "notes/empty.md": "",
    "README.md": "# Brain\n\nRefunds and payments.\n",
    "graph/dump.csv": "refund,ledger\n",
}

TEXTS = (
    "refund", "Refunds", "replaying refunds", "how to replay refunds", "the ledger of the payments",
    "service:payments-ledger", "payments-ledger",
    "payments_ledger", "fx rates", "PaymentsDB", "payments db", "kubernetes jvm", "resume etude", "naive",
    "camel case replay", "nothing",
    "no such word", "refund no-such-word", "ledger ledger ledgers", "the of and", "how what", "a", "", "é",
    "psp token", "runbook", "service",
    "old ledger", "book", "May 2026",
    "replay refund ledger payments rates of foreign currencies append only nothing here brain",
)  # fmt: skip


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    return Indexed(tmp_path_factory.mktemp("strength"), FILES)


@pytest.fixture(scope="module")
def ranker(indexed: Indexed) -> Ranker:
    return Ranker(indexed.columns)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return _reference(FILES)


def _reference(files: dict[str, str]) -> Reference:
    parser = FileParser(Profile())
    parsed = [parser.parse(path, "0" * 40, classify(path), text.encode())[:2] for path, text in sorted(files.items())]
    return Reference(units_of(parsed))


@pytest.mark.parametrize("version", sorted(FORMULAS))
@pytest.mark.parametrize("text", TEXTS)
def test_strengths_are_those_of_the_formula(text: str, version: int, ranker: Ranker, reference: Reference) -> None:
    assert ranker.match(analyse(text), version).strength.tolist() == reference.strengths(text, version)


_WORDS = sorted({word for text in (*FILES.values(), *FILES) for word in text.replace("\n", " ").split()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.sampled_from(_WORDS), min_size=1, max_size=9).map(" ".join),
    version=st.sampled_from(sorted(FORMULAS)),
)
def test_any_words_have_the_strength_of_the_formula(
    text: str, version: int, ranker: Ranker, reference: Reference
) -> None:
    assert ranker.match(analyse(text), version).strength.tolist() == reference.strengths(text, version)


def test_a_policy_or_a_query_before_changes_no_score(indexed: Indexed) -> None:
    first = Ranker(indexed.columns).match(analyse("refund ledger")).strength.tolist()
    ranker = Ranker(indexed.columns)
    for text in TEXTS:
        ranker.match(analyse(text))
    assert ranker.match(analyse("refund ledger")).strength.tolist() == first


def test_the_order_of_words_and_their_repetition_change_nothing(ranker: Ranker) -> None:
    one = ranker.match(analyse("ledger refunds replay rates")).strength.tolist()
    two = ranker.match(analyse("rates replay ledger refunds rates LEDGER")).strength.tolist()
    # The whole text may stand in a name in one order and not in another.
    assert [value % 20_000 for value in one] == [value % 20_000 for value in two]


@pytest.mark.parametrize(
    ("documents", "holding", "value"),
    [
        (1, 1, 0.2876820725),
        (10, 0, 3.0910424534),
        (100, 1, 4.2096554087),
        (11_546, 5_000, 0.8368877555),
        (100_000, 100_000, 0.000005),
    ],
)
def test_inverse_frequencies_have_ten_digits(documents: int, holding: int, value: float) -> None:
    assert inverse_frequency(documents, holding) == value


def test_words_that_a_unit_holds_are_told(indexed: Indexed, ranker: Ranker) -> None:
    matches = ranker.match(analyse("rates of the ledger"))
    unit = indexed.columns.paths.index("graph/services/fx.yaml")
    assert list(matched_words(matches, unit)) == ["of", "rates"]


def test_a_query_of_many_words_is_scored_in_full(ranker: Ranker, reference: Reference) -> None:
    text = " ".join(_WORDS)
    assert len(analyse(text).words) > 64
    assert ranker.match(analyse(text)).strength.tolist() == reference.strengths(text, RANKING_VERSION)


def test_the_current_version_is_one_of_the_formulas() -> None:
    assert RANKING_VERSION in FORMULAS


def test_one_document_and_none(tmp_path: Path) -> None:
    alone = {"notes/a.md": "# Alone\n\nrefund\n"}
    ranker = Ranker(Indexed(tmp_path, alone).columns)
    assert ranker.match(analyse("refund alone")).strength.tolist() == _reference(alone).strengths(
        "refund alone", RANKING_VERSION
    )
