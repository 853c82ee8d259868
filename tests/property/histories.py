"""Random histories of a small brain, with everything that moves shards about."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.repos import EXECUTABLE, FILE, SUBMODULE, SYMLINK, Content

CUTS = tuple(min(2**32, (run + 1) * 2**29) for run in range(8))
"""A cut table for tests: shards of about three documents, never more than eight."""

NODES = """\
schemaVersion: 1
ontologyVersion: 1.0.0
nodeKinds:
  - {name: Service, idPrefix: service, description: A service., examples: ["service:a"],
  attributes: {tier: {type: string}}}
  - {name: Runbook, idPrefix: runbook, description: A procedure., paths: ["runbooks/**"], examples: ["runbook:a"]}
  - {name: Team, idPrefix: team, description: A group., examples: ["team:a"]}
externalPrefixes:
  - {prefix: path, description: A file}
"""
EDGES = """\
schemaVersion: 1
ontologyVersion: 1.0.0
edgeKinds:
  - {name: depends_on, description: Needs., domain: [Service], range: [Service], acyclic: warn,
  examples: ["a depends_on b"]}
  - {name: supersedes, description: Replaces., range: ["@same"], acyclic: error, examples: ["a supersedes b"]}
  - {name: owned_by, description: Owner., range: [Team], traverse: leaf, examples: ["a owned_by b"]}
"""
ONTOLOGY: dict[str, tuple[str, ...]] = {
    "ontology/node-kinds.yaml": (
        NODES,
        NODES.replace("Service,", "Service, required: [tier],"),
        NODES.replace("name: Team", "name: Group"),
        "not: [yaml",
    ),
    "ontology/edge-kinds.yaml": (EDGES, EDGES.replace("range: [Team]", "range: [Service]"),
    EDGES.replace("supersedes", "replaces")),
    "ontology/validation-rules.yaml": (
        "schemaVersion: 1\nontologyVersion: 1.0.0\nstaleAfterDays: 1\n",
        "schemaVersion: 1\nontologyVersion: 1.0.0\ndisabled: [KB026]\n",
        "schemaVersion: 1\nontologyVersion: 1.0.0\nlimits: {recordBytes: 150}\n",
        "schemaVersion: 1\nontologyVersion: 1.0.0\ndisabledPaths:\n  KB038: [graph/services/a.yaml, runbooks/*]\n"
        "  KB035: ['notes/**', graph/services/b.yaml]\n  KB051: [graph/services/c.yaml]\n",
    ),
}  # fmt: skip


def service(name: str, *, words: str = "", edges: str = "") -> str:
    text = f"nodeKind: Service\nid: service:{name}\nattributes:\n  title: The {name} service\n  status: approved\n"
    text += f"  owners: [team:core]\n  updatedAt: 2025-06-02T09:15:00Z\n  summary: {words or 'keeps money'}\n"
    return text + (f"edges:\n  depends_on: [{edges}]\n" if edges else "")


def runbook(name: str, *, words: str = "") -> str:
    head = f"---\nid: runbook:{name}\nkind: Runbook\ntitle: Replay {name}\nstatus: draft\nowners: [team:core]\n"
    return (
        head
        + f"updatedAt: 2025-06-02T09:15:00Z\nrelated: {{supersedes: [runbook:a]}}\n---\nHow to replay {words} safely.\n"
    )


CONTENTS: tuple[str | bytes, ...] = (
    *(
        service(name, edges=edges)
        for name, edges in zip("abcd", ("service:b", "service:c, service:a", "", "service:x"), strict=True)
    ),
    service("A", words="refunds and payments"),
    *(runbook(name, words=words) for name, words in zip("abc", ("refunds", "a refund twice", "ledgers"), strict=True)),
    "nodeKind: Team\nid: team:core\nattributes:\n"
    "  {title: Core, status: approved, owners: [team:core], updatedAt: 2026-01-01T00:00:00Z}\n",
    service("b").replace("  owners", "  aliases: [Replay a, the c SERVICE, other]\n  owners"),
    service("c").replace("  owners", "  aliases: [Other, the c service]\n  repoRefs: [repository:x]\n  owners"),
    service("d", edges="service:d, service:a, service:a").replace("2025-06-02", "2026-01-03"),
    service("e", edges="service:f"),
    service("f", edges="service:e"),
    runbook("p")
    .replace("How", "<!-- krate:generated x -->\nHow")
    .replace("status: draft", "sourceRefs: [path:notes/a.md, service:a]\nstatus: draft"),
    "# Refund notes\n\nPayments were refunded twice on 2026-05-10; see service:a and camelCaseName.\n",
    "---\ntitle: Ledger\ntags: [ledger]\n---\n# Ledger\n\nRefund-replay of the résumé, naïvely.\n",
    "nodeKind: [broken\n",
    "",
    b"caf\x92 \xff",
    b"PK\x03\x04",
    "sensitivity: secret-metadata\n",
    service("s").replace("  status", "  sensitivity: secret-metadata\n  status"),
    "password: hunter2hunter2\n",
)

PATHS = (
    *(f"graph/services/{name}.yaml" for name in "abcdefgh"),
    *(f"runbooks/{name}.md" for name in ("a", "b", "c", "x/README", "README")),
    *(f"notes/{name}.md" for name in ("a", "2026-05-x", "2026-02-31-x", "é", "e\u0301", "A", "z/y/x")),
    *ONTOLOGY,
    "README.md", "babysitter/MEMORY.md", "indexes/graph-index.json", "graph/dump.csv", "graph/.gitkeep",
    "graph/a.yaml/b.yaml",
    "notes/a\nb.md", "notes/a b .md ", "notes/back\\slash.md", "notes/dot.", "notes/../up.md", "notes/.git/x.md",
    "notes/bidi\u202e.md",
)  # fmt: skip


@st.composite
def contents(draw: st.DrawFn, path: str) -> Content:
    if path in ONTOLOGY:
        return draw(st.sampled_from(ONTOLOGY[path]))
    body = draw(st.sampled_from(CONTENTS))
    mode = draw(st.sampled_from((FILE,) * 9 + (EXECUTABLE, SYMLINK, SYMLINK, SUBMODULE)))
    return (mode, "1" * 40) if mode == SUBMODULE else (mode, body)


Changes = dict[str, Content]


@st.composite
def changes(draw: st.DrawFn, known: Changes) -> Changes:
    """What one commit does to the files ``known``: edits and additions, deletions, renames, changes of a mode alone."""
    done: Changes = {}
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("edit", "edit", "edit", "delete", "rename", "swap", "mode", "ontology")))
        path = draw(st.sampled_from(sorted(known) if kind in ("delete", "rename", "mode") and known else PATHS))
        if kind == "delete":
            done[path] = None
        elif kind == "rename":
            done[path], done[draw(st.sampled_from(PATHS))] = None, known.get(path)
        elif kind == "swap" and len(known) > 1:
            one, two = draw(st.lists(st.sampled_from(sorted(known)), min_size=2, max_size=2, unique=True))
            done[one], done[two] = known[two], known[one]
        elif kind == "mode" and path in known and not isinstance(known[path], tuple):
            body = known[path]
            assert isinstance(body, (str, bytes))
            done[path] = (draw(st.sampled_from((EXECUTABLE, SYMLINK))), body)
        elif kind == "mode" and isinstance(known.get(path), tuple) and known[path] != (SUBMODULE, "1" * 40):
            content = known[path]
            done[path] = content[1] if isinstance(content, tuple) else content
        else:
            path = draw(st.sampled_from(tuple(ONTOLOGY))) if kind == "ontology" else path
            done[path] = draw(contents(path))
    return done


@st.composite
def histories(draw: st.DrawFn) -> list[Changes]:
    """Commits of a line; the first holds the ontology and a good part of the paths."""
    first: Changes = {path: draw(st.sampled_from(versions)) for path, versions in ONTOLOGY.items()}
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=5, max_size=20, unique=True)):
        first[path] = draw(contents(path))
    line, known = [first], dict(first)
    for _ in range(draw(st.integers(1, 4))):
        line.append(draw(changes(known)))
        known |= line[-1]
        known = {path: content for path, content in known.items() if content is not None}
    return line
