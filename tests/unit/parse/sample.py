"""Files for tests of parsing, and what parsing says of them at the places an editor would jump to."""

from __future__ import annotations

from textwrap import dedent

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.layout import classify
from krate_gitops.brain.locate import Locator
from krate_gitops.brain.model import Foreign, Record
from krate_gitops.brain.parse import FileParser, Profile

FOREIGN = Profile(foreign=Foreign(multi_document=True))


def parse(path: str, content: str | bytes, *, profile: Profile | None = None) -> ParsedFile:
    """Facts of a file; text may be indented as a whole."""
    parser = FileParser(profile or Profile())
    return parser.parse(path, "0" * 40, classify(path), _bytes(content))[0]


def text_of(path: str, content: str | bytes) -> str:
    """The searchable text of a file."""
    return FileParser(Profile()).parse(path, "0" * 40, classify(path), _bytes(content))[2]


def places(path: str, content: str | bytes, *, profile: Profile | None = None) -> list[tuple[str, int, int]]:
    """Code, line and column of each finding, sorted."""
    file = parse(path, content, profile=profile)
    locator = Locator(_bytes(content), file, profile.foreign if profile else None)
    return sorted((finding.code, *locator.place(finding)) for finding in file.findings)


def codes(path: str, content: str | bytes, *, profile: Profile | None = None) -> list[str]:
    """Codes of the findings, sorted."""
    return sorted(finding.code for finding in parse(path, content, profile=profile).findings)


def record_of(path: str, content: str | bytes) -> Record:
    """The one record of a file without findings."""
    file = parse(path, content)
    assert file.findings == ()
    [record] = file.records
    return record


def graph(*more: str) -> str:
    """A service in graph form with more lines of its attributes, then of edges after a line ``edges:``."""
    lines = [
        "nodeKind: Service",
        "id: service:ledger",
        "attributes:",
        "  title: Ledger",
        "  status: approved",
        "  owners: [team:core]",
        "  updatedAt: 2026-06-02T09:15:00Z",
    ]
    indent = "  "
    for line in more:
        indent = "" if line == "edges:" else indent
        lines.append(indent + line)
        indent = "  "
    return "\n".join(lines) + "\n"


def markdown(*more: str, body: str = "Text.\n") -> str:
    """A runbook with more lines of frontmatter."""
    head = ("id: runbook:replay", "kind: Runbook", "title: Replay", "status: approved", "owners: [team:core]")
    return "\n".join(("---", *head, "updatedAt: 2026-06-02T09:15:00Z", *more, "---", body))


def attribute(source: str) -> object:
    """The settled value of an attribute written so in YAML."""
    return record_of("graph/services/a.yaml", graph(f"x: {source}")).attributes.get("x")


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else dedent(content).encode()
