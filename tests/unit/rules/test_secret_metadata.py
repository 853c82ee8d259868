"""Records about secrets: what may be said of a secret, and what may be one."""

from __future__ import annotations

import pytest

from krate_gitops.brain.rules.secret_metadata import check_secret_body, looks_like_value
from tests.unit.rules.sample import check, graph, markdown, parse


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("purpose", "Signs the payout requests of the ledger; rotated every 90 days."),
        ("location", "vault/payments/psp-prod-2"),
        ("token", "secret-grant:payments-psp-token"),
        ("secret", "payments-psp-token"),
        ("example", "<your-token-here>"),
        ("rotatedAt", "2026-06-02T09:15:00Z"),
        ("url", "https://vault.example.com/v1/kv/psp"),
        ("vaultId", "123e4567-e89b-12d3-a456-426614174000"),
        ("sourceDigest", "sha256:" + "ab12" * 16),
        ("title", "PSP token of the payments service"),
    ],
)
def test_names_places_and_prose_are_fine(name: str, text: str) -> None:
    assert not looks_like_value(text, name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("example", "hunter2hunter2"),
        ("example", "pq8Zr2Lx9Tm4Vb7K"),
        ("currentValue", "hunter2"),
        ("password", "swordfish"),
        ("purpose", "It is pq8Zr2Lx9Tm4Vb7K, please keep it safe."),
        ("purpose", "a8f5f167f44f4964e6c998dee827110c"),
        ("usage", "curl https://psp.example.com?k=1 -d token=9fK2mQ7xZ1"),
    ],
)
def test_values_are_seen(name: str, text: str) -> None:
    assert looks_like_value(text, name)


def test_a_value_is_found_wherever_the_record_hides_it() -> None:
    value = "pq8Zr2Lx9Tm4Vb7K"
    text = graph("Secret", "secret:psp", f"summary: {value}", f"aliases: [psp, {value}]", f"more: {{deep: [{value}]}}")
    found = [finding for finding in check("graph/s.yaml", text) if finding.code == "KB063"]
    assert [finding.field for finding in found] == [
        "attributes.summary",
        "attributes.aliases[1]",
        "attributes.more.deep[0]",
    ]
    assert all(value not in finding.message for finding in found)


def test_other_records_may_hold_random_words() -> None:
    text = graph("Runbook", "runbook:r", "summary: pq8Zr2Lx9Tm4Vb7K")
    assert check("graph/runbooks/r.yaml", text) == []
    stated = graph("Runbook", "runbook:r", "summary: pq8Zr2Lx9Tm4Vb7K", "sensitivity: secret-metadata")
    assert [finding.code for finding in check("graph/runbooks/r.yaml", stated)] == ["KB063"]


@pytest.mark.parametrize(
    ("level", "body", "expected"),
    [
        ("secret-metadata", "Rotated by the platform team every 90 days.\n", []),
        ("secret-metadata", "Today it is `pq8Zr2Lx9Tm4Vb7K`.\n", ["pq8Zr2Lx9Tm4Vb7K"]),
        ("secret-metadata", "Formerly *hunter2hunter2*!\n", ["*hunter2hunter2*"]),
        ("restricted", "Today it is pq8Zr2Lx9Tm4Vb7K.\n", []),
    ],
)
def test_the_body_of_such_a_record_holds_no_value_either(level: str, body: str, expected: list[str]) -> None:
    text = markdown("Secret", "secret:psp", f"sensitivity: {level}", body=body)
    findings = check_secret_body(parse("pages/psp.md", text), text)
    assert all(finding.code == "KB063" for finding in findings)
    assert all(text.startswith(word, finding.offset) for word, finding in zip(expected, findings, strict=True))
