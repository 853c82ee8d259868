"""The rules of the package as a table. They run before a release, not on admission."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from krate_gitops.resources.package.consumption import unmatched_values
from krate_gitops.resources.package.contents import Finding, Package
from krate_gitops.resources.package.definitions import disagreeing, execution_kinds, incomplete
from krate_gitops.resources.package.kind_examples import without_example
from krate_gitops.resources.package.plaintext import plaintext_secrets
from krate_gitops.resources.package.roles import broad_roles
from krate_gitops.resources.rules.table import Effect, Rule

_R, _W = Effect.REJECT, Effect.WARN

_RULES: tuple[tuple[Rule, Callable[[Package], Iterator[Finding]]], ...] = (
    (Rule("KR601", "definition-disagrees", _R, "each config kind has one definition, as the inventory says",
          "run make docs"), disagreeing),
    (Rule("KR602", "definition-incomplete", _R,
          "definitions have a status subresource, required fields and organizationRef", "run make docs"), incomplete),
    (Rule("KR603", "execution-kind-installed", _R, "no execution kind is defined under crds",
          "move its definition out of crds"), execution_kinds),
    (Rule("KR604", "example-missing", _R, "each config kind has a valid example with label, namespace and organization",
          "add or mend it in examples/agents/manifests"), without_example),
    (Rule("KR605", "role-too-broad", _R, "no role has wildcards, and web reads no Secret",
          "name resources and verbs; take Secrets from the role"), broad_roles),
    (Rule("KR606", "plaintext-secret", _R, "secrets come from existing Secrets only, outside of demo mode",
          "take the name of a Secret, and refer to its key"), plaintext_secrets),
    (Rule("KR607", "value-unmatched", _W, "each declared value is used, each used one is declared",
          "declare it in krate_gitops/resources/package, or remove it"), unmatched_values),
)  # fmt: skip

PACKAGE_RULES: Mapping[str, Rule] = {rule.code: rule for rule, _ in _RULES}
"""The rules by code, for the reference."""


def check(package: Package) -> list[Finding]:
    """Every breach, sorted by code, file and message."""
    return sorted({finding for _, run in _RULES for finding in run(package)})


def is_breach(finding: Finding) -> bool:
    """Whether a finding keeps the package from being released."""
    return PACKAGE_RULES[finding.code].effect is Effect.REJECT
