"""Manifests for tests of rules, and what validation says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krate_gitops.resources.context import Context
from krate_gitops.resources.load import Loaded
from krate_gitops.resources.manifest import SourceFile
from krate_gitops.resources.parse import parse_file
from krate_gitops.resources.validate import Diagnostic, validate

NOW = 1_780_000_000
MARK = "§"
"""Stands in a text where a diagnostic is expected."""


def document(kind: str, *lines: str, name: str = "sample", metadata: str = "", org: str = "acme") -> str:
    """A manifest whose spec has the lines; without an organization where ``org`` is empty."""
    owner = (f"organizationRef: {org}",) if org else ()
    spec = "".join(f"  {line}\n" for line in (*owner, *lines))
    extra = f", {metadata}" if metadata else ""
    return f"apiVersion: krate.a5c.ai/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}{extra}}}\nspec:\n{spec}"


def stream(*documents: str) -> str:
    """One file of several documents."""
    return "---\n".join(documents)


ACCOUNT = document(
    "AgentServiceAccount",
    "namespace: krate-org-acme",
    "serviceAccountName: runner",
    "owner: {kind: Organization, name: acme}",
    name="runner",
)
BINDING = document(
    "AgentRoleBinding",
    "subject: {kind: service-account, name: runner}",
    "roleRef: {kind: RoleTemplate, name: krate-agent-readonly}",
    "scope: {kind: namespace, name: krate-org-acme}",
    name="runner",
)
_STACK = ("baseAgent: codex", "adapter: codex", "runtimeIdentity: {serviceAccountRef: runner}")


def stack(*lines: str, name: str = "triage", metadata: str = "") -> str:
    """A stack with further lines in its spec; nothing is wrong with it beside its account and binding."""
    return document("AgentStack", *_STACK, *lines, name=name, metadata=metadata)


def whole(*documents: str) -> str:
    """The documents with an account and a binding for stacks."""
    return stream(ACCOUNT, BINDING, *documents)


def load(files: Mapping[str, str | bytes]) -> Loaded:
    """Files by path, as a loader gives them."""
    data = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    sources = {path: SourceFile(path, content) for path, content in data.items()}
    parsed = [parse_file(sources[path]) for path in sorted(sources)]
    manifests = [one for found, _ in parsed for one in found]
    return Loaded(manifests, [issue for _, issues in parsed for issue in issues], sources)


def check(
    files: Mapping[str, str | bytes] | str, *, org: str | None = None, live: str = "", **context: Any
) -> list[Diagnostic]:
    """Diagnostics of files, or of the text of one; as a platform source unless an organization is named.

    ``live`` is a text with objects of the cluster, ``context`` what else is known of the source.
    """
    given = {"a.yaml": files} if isinstance(files, str) else files
    there = load({"live.yaml": live}).manifests if live else []
    return validate(load(given), Context(organization=org, now=NOW, **context), live=there)


def marked(text: str) -> tuple[str, set[tuple[int, int]]]:
    """The text without its marks, and their lines and columns."""
    places = set()
    for number, line in enumerate(text.split("\n"), 1):
        plain = 0
        for part in line.split(MARK)[:-1]:
            plain += len(part)
            places.add((number, plain + 1))
    return text.replace(MARK, ""), places


def codes(found: list[Diagnostic]) -> list[str]:
    return [one.code for one in found]
