"""What a writer needs to know beside the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from krate_gitops.brain.model import Diagnostic, Severity
from krate_gitops.brain.rules.table import RULES


class RuleText(Protocol):
    """What a report says of a rule, whichever table it stands in."""

    @property
    def code(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def checks(self) -> str: ...

    @property
    def hint(self) -> str: ...


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """How a report is shown.

    ``base`` is the memory root inside the repository: diagnostics name paths below it, while editors, forges and code
    scanners look for files from the top. ``fail_on`` is the severity from which a finding is a failed test.
    ``rules`` are all rules that were checked; ``subject`` and ``unit`` name what was checked, and what it consists of.
    """

    base: str = ""
    colour: bool = False
    fail_on: str = "error"
    rules: Mapping[str, RuleText] = msgspec.field(default_factory=lambda: RULES)
    subject: str = "brain"
    unit: str = "record"

    def path(self, path: str) -> str:
        """A path from the top of the repository."""
        return f"{self.base}/{path}" if self.base and path else path or self.base or "."


def headline(diagnostic: Diagnostic) -> str:
    """Code and name, the title of a finding."""
    return f"{diagnostic.code} {diagnostic.name}".strip()
