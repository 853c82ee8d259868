"""What a writer needs to know beside the report."""

from __future__ import annotations

import msgspec

from krate_gitops.brain.model import Diagnostic


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """How a report is shown.

    ``base`` is the memory root inside the repository: diagnostics name paths below it, while editors, forges and code
    scanners look for files from the top. ``fail_on`` is the severity from which a finding is a failed test.
    """

    base: str = ""
    colour: bool = False
    fail_on: str = "error"

    def path(self, path: str) -> str:
        """A path from the top of the repository."""
        return f"{self.base}/{path}" if self.base and path else path or self.base or "."


def headline(diagnostic: Diagnostic) -> str:
    """Code and name, the title of a finding."""
    return f"{diagnostic.code} {diagnostic.name}".strip()
