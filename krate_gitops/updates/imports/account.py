"""What cleaning took out of the texts of each generated file: counts by kind, and never what it was."""

from __future__ import annotations

from collections import Counter

import msgspec

from krate_gitops.brain.scan.injection import SCANNER_VERSION, Verdict
from krate_gitops.brain.scan.phrases import VERDICTS, Category
from krate_gitops.digest import json_digest
from krate_gitops.memory.redact import REDACTION_VERSION
from krate_gitops.updates.imports.model import InjectionSummary, RedactionSummary


class Account:
    """The account of one generated file. ``read`` and ``removed`` are characters."""

    def __init__(self) -> None:
        self.redacted: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()
        self.read = 0
        self.removed = 0

    def add(self, other: Account) -> None:
        """Takes over what another account holds."""
        self.redacted += other.redacted
        self.injected += other.injected
        self.read += other.read
        self.removed += other.removed

    @property
    def status(self) -> str:
        """The word for ``redactionStatus``."""
        return "redacted" if self.redacted or self.is_blocked else "clean"

    @property
    def verdict(self) -> Verdict:
        """The worst of the passages that speak to agents."""
        return max((VERDICTS[Category(one)] for one in self.injected), default=Verdict.CLEAN)

    @property
    def is_blocked(self) -> bool:
        """Whether a passage was taken out because no agent may read it."""
        return self.verdict is Verdict.BLOCKED


class FileReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What was taken out of one file."""

    path: str
    redacted: dict[str, int] = {}
    injected: dict[str, int] = {}


class RedactionReport(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The report of a whole import: counts, categories and paths."""

    redaction_version: int = REDACTION_VERSION
    scanner_version: int = SCANNER_VERSION
    redaction: RedactionSummary
    injection: InjectionSummary
    files: tuple[FileReport, ...]

    @property
    def digest(self) -> str:
        """The ``redactionDigest``."""
        return json_digest(msgspec.to_builtins(self))


def report_of(accounts: dict[str, Account]) -> RedactionReport:
    """The report on accounts by path."""
    whole = Account()
    files = []
    for path, account in sorted(accounts.items()):
        whole.add(account)
        if account.redacted or account.injected:
            files.append(
                FileReport(
                    path=path,
                    redacted=dict(sorted(account.redacted.items())),
                    injected=dict(sorted(account.injected.items())),
                )
            )
    return RedactionReport(
        redaction=RedactionSummary(total=whole.redacted.total(), by_kind=dict(sorted(whole.redacted.items()))),
        injection=InjectionSummary(verdict=whole.verdict.label, by_category=dict(sorted(whole.injected.items()))),
        files=tuple(files),
    )
