"""The rules of the package with their checks. They run before a release, not on admission."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from krate_gitops.resources.package.consumption import unmatched_values
from krate_gitops.resources.package.contents import Finding, Package
from krate_gitops.resources.package.definitions import disagreeing, execution_kinds, incomplete
from krate_gitops.resources.package.kind_examples import without_example
from krate_gitops.resources.package.plaintext import plaintext_secrets
from krate_gitops.resources.package.roles import broad_roles
from krate_gitops.resources.rules.elsewhere import ELSEWHERE
from krate_gitops.resources.rules.table import Effect


class PackageRule(msgspec.Struct, frozen=True):
    """One rule: what to do about a breach, and how it is found. What it says stands in the table of all codes."""

    code: str
    hint: str
    run: Callable[[Package], Iterator[Finding]]

    @property
    def effect(self) -> Effect:
        """What a breach leads to."""
        return ELSEWHERE[self.code].effect


_RULES = (
    PackageRule("KR601", "run make docs", disagreeing),
    PackageRule("KR602", "run make docs", incomplete),
    PackageRule("KR603", "move its definition out of crds", execution_kinds),
    PackageRule("KR604", "add or mend it in examples/agents/manifests", without_example),
    PackageRule("KR605", "name resources and verbs; take Secrets from the role", broad_roles),
    PackageRule("KR606", "take the name of a Secret, and refer to its key", plaintext_secrets),
    PackageRule("KR607", "declare it in krate_gitops/resources/package, or remove it", unmatched_values),
)

PACKAGE_RULES: Mapping[str, PackageRule] = {rule.code: rule for rule in _RULES}
"""The rules by code."""


def check(package: Package) -> list[Finding]:
    """Every breach, sorted by code, file and message."""
    return sorted({finding for rule in _RULES for finding in rule.run(package)})


def is_breach(finding: Finding) -> bool:
    """Whether a finding keeps the package from being released."""
    return PACKAGE_RULES[finding.code].effect is Effect.REJECT
