"""Every rule of a brain: its code, name, severity, and what to do about it.

The one place for these facts. Findings carry a code; severities, names, advice, the locked list and the documentation
all come from here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from krate_gitops.brain.model import Severity

REPOSITORY, UPDATE, IMPORT = "R", "U", "I"
"""Profiles: a commit as it stands, a change against its base commit, files generated from a run."""

_ALL = frozenset((REPOSITORY, UPDATE, IMPORT))
_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO


class Rule(msgspec.Struct, frozen=True):
    """One rule. ``severity`` is that of a finding which states none of its own.

    ``checks`` says what must hold and ``hint`` what to do where it does not, one line each. A ``locked`` rule protects
    the readers of a brain, so that no brain can disable or lower it.
    """

    code: str
    name: str
    severity: Severity
    checks: str
    hint: str
    profiles: frozenset[str] = _ALL
    locked: bool = False


def _rule(
    number: int, name: str, severity: Severity, checks: str, hint: str, profiles: str = "RUI", *, locked: bool = False
) -> Rule:
    return Rule(f"KB{number:03}", name, severity, checks, hint, frozenset(profiles), locked)


_RULES = (
    # Files and their text
    _rule(1, "yaml-parse-error", _E, "the YAML of a file parses", "correct the syntax at this place", locked=True),
    _rule(2, "frontmatter-parse-error", _E, "frontmatter is closed and holds a YAML map",
          "end it with a line --- and correct its YAML", locked=True),
    _rule(3, "frontmatter-missing", _E, "a Markdown record starts with frontmatter",
          "start the file with --- and the fields of the record, or move it to notes/", locked=True),
    _rule(4, "encoding-error", _E, "text is UTF-8 without NUL", "save the file as UTF-8 text", locked=True),
    _rule(5, "multiple-documents", _E, "a graph file holds one YAML document", "give each record a file of its own",
          locked=True),
    _rule(6, "file-too-large", _E, "a file is not larger than its class allows",
          "split the file, or link to what it holds", locked=True),
    _rule(7, "duplicate-key", _E, "no map has the same key twice", "keep one of the two", locked=True),
    _rule(8, "unsafe-yaml", _E, "YAML has no tags, merge keys, directives, or excess of aliases and depth",
          "write the value out in plain YAML", locked=True),
    _rule(9, "empty-body", _W, "a Markdown record or note has text below its frontmatter",
          "write the text, or remove the file"),
    # Layout
    _rule(10, "layout-missing-entry", _E, "the memory root and the files every brain has are there",
          "add the file; a new brain is seeded with it"),
    _rule(11, "path-policy-violation", _E, "a record is stored where and in the form its kind allows",
          "move the file to a home path of the kind, or correct the kind"),
    _rule(12, "unclassified-file", _W, "every file below the memory root belongs to a file class",
          "move it out of the memory root, or to a folder for its kind of content"),
    _rule(13, "path-escape", _E, "no symlink, submodule, LFS pointer or path that means another place",
          "commit a plain file under a plain name", locked=True),
    _rule(14, "path-case-collision", _E, "no two paths differ only in case or Unicode form",
          "rename one of them, so that they differ on every file system"),
    _rule(15, "binary-content", _E, "no binary or archive content", "keep text in the brain and link to artifacts"),
    # Fields of a record
    _rule(20, "missing-required-field", _E, "fields that all records or the kind need are there", "add the field"),
    _rule(21, "invalid-field-type", _E, "a value has the type of its field", "write the value in the declared type"),
    _rule(22, "invalid-status", _E, "status is a state of the record lifecycle",
          "use draft, approved, deprecated or archived"),
    _rule(23, "invalid-sensitivity", _E, "sensitivity is a known level and not below the minimum of the kind",
          "raise the level, or leave it out to take the default of the kind"),
    _rule(24, "invalid-timestamp", _E, "timestamps are RFC 3339 with an offset", "write it as 2026-06-02T09:15:00Z"),
    _rule(25, "unknown-node-kind", _E, "the kind of a record is declared",
          "correct the name, or declare the kind in node-kinds.yaml"),
    _rule(26, "unknown-field", _I, "the kind of the record declares the field",
          "declare it in node-kinds.yaml, or remove it"),
    _rule(27, "deprecated-alias-field", _W, "fields go by their own names, not by old ones", "rename the field"),
    _rule(28, "vocabulary-term", _W, "the word is in the vocabulary of its field (an error where that is closed)",
          "use a listed word, or add this one to controlled-vocabulary.yaml"),
    _rule(29, "title-heading-mismatch", _I, "title and first heading are equal", "make them equal"),
    _rule(30, "missing-title", _W, "a note has a title or a first heading", "add a title or a heading"),
    # Ids and edges
    _rule(31, "invalid-id-format", _E, "ids follow their grammar", "write it like runbook:refund-replay"),
    _rule(32, "id-prefix-mismatch", _E, "the prefix of an id belongs to the kind of its record",
          "use the prefix of the kind, or correct the kind"),
    _rule(33, "duplicate-id", _E, "an id names one record, whatever its case",
          "remove one of the records, or give it an id of its own", locked=True),
    _rule(34, "id-changed", _E, "a record keeps its id for life",
          "restore the id; change the title, or add a new record that supersedes this one", "U", locked=True),
    _rule(35, "unknown-edge-kind", _E, "the kind of an edge is declared",
          "correct the name, or declare it in edge-kinds.yaml"),
    _rule(36, "edge-domain-violation", _E, "the edge kind may start at this kind of record",
          "use another edge kind, or widen its domain"),
    _rule(37, "edge-range-violation", _E, "the edge kind may point at this kind of target",
          "use another edge kind or target, or widen its range"),
    _rule(38, "dangling-edge", _E, "the target of an edge exists", "correct the id, or add the record"),
    _rule(39, "self-edge", _E, "no edge leads back to its own record", "remove the edge"),
    _rule(40, "edge-cycle", _E, "edges of an acyclic kind make no circle (a warning where the kind says so)",
          "remove one edge of the circle"),
    _rule(41, "duplicate-edge", _I, "no record declares the same edge twice", "remove the repetition"),
    _rule(42, "edge-cardinality", _E, "a record has as many edges of a kind as that allows",
          "add the missing edge, or remove those beyond the limit"),
    _rule(43, "superseded-still-approved", _W, "what was superseded is deprecated or archived",
          "set its status to deprecated"),
    _rule(44, "unresolved-reference", _W, "repositories, sources and path: references exist", "correct the reference"),
    # Ownership and life
    _rule(50, "empty-owners", _E, "a record has an owner", "name a team or a user"),
    _rule(51, "invalid-owner", _E, "owners are known teams or users",
          "correct the id, add a Team record, or list the owner in the owners vocabulary"),
    _rule(52, "forbidden-status-transition", _E, "status changes along the record lifecycle",
          "take the steps in between, or ask a memory owner", "U"),
    _rule(53, "stale-record", _W, "approved records are reviewed in time", "review it and advance updatedAt"),
    _rule(54, "missing-source-refs", _W, "derived and imported knowledge cites its sources", "add sourceRefs"),
    _rule(55, "deprecated-kind", _W, "kinds in use are active", "move to the kind that replaces it"),
    _rule(56, "alias-collision", _I, "an alias is no other record's title or alias", "choose a more precise alias"),
    _rule(57, "forbidden-delete", _E, "only drafts and archived records are deleted",
          "restore it and change its status instead", "U"),
    _rule(58, "updated-at-not-advanced", _W, "changed content has a later updatedAt",
          "set updatedAt to the time of the change", "U"),
    _rule(59, "future-timestamp", _W, "updatedAt is not later than the commit", "correct the clock or the timestamp"),
    # Secrets and safety
    _rule(60, "secret-detected", _E, "no text looks like a credential",
          "remove it from the change and rotate the credential", locked=True),
    _rule(61, "high-entropy-string", _E, "no random-looking token stands in the text",
          "remove it, or allow its fingerprint if it is no secret"),
    _rule(62, "prompt-injection", _W, "no text gives orders to agents (an error where it would take effect)",
          "state the fact without addressing its reader"),
    _rule(63, "secret-metadata-value", _E, "records about a secret hold nothing like its value",
          "describe the secret; keep its value in the secret store", locked=True),
    _rule(64, "credential-file-name", _E, "no file is named like a key or credential file",
          "remove the file; rename it if it is documentation", locked=True),
    _rule(65, "sensitivity-lowered", _E, "the sensitivity of a record is not lowered without a memory owner",
          "restore the level, or ask a memory owner to approve", "U"),
    _rule(66, "private-data-suspected", _W, "personal data stands only where it is allowed",
          "remove it, or move it to a record of a kind made for it"),
    # Stored indexes
    _rule(70, "index-stale", _W, "the stored index was built from these files", "build the index again", "R"),
    _rule(71, "index-mismatch", _E, "a committed index equals one built from the files",
          "let the merge step write indexes/, and nobody else"),
    _rule(72, "index-missing", _W, "the indexes a brain asks for exist", "build the index", "R"),
    # Ontology
    _rule(80, "ontology-file-missing", _E, "ontology files that are named exist", "add the file, or correct the path",
          locked=True),
    _rule(81, "ontology-schema-error", _E, "ontology files follow their schema and leave locked rules alone",
          "correct the ontology file at this place", locked=True),
    _rule(82, "ontology-incompatible", _E, "this version understands the ontology",
          "upgrade krate-gitops, or use a supported schemaVersion", locked=True),
    _rule(83, "duplicate-kind", _E, "names and prefixes of kinds are unique", "rename one of them", locked=True),
    _rule(84, "kind-without-example", _W, "every kind has a description and an example", "add what is missing"),
    _rule(85, "kind-removed-in-use", _E, "what leaves the ontology has no users",
          "deprecate it until nothing uses it", "U"),
    _rule(86, "edge-unknown-kind", _E, "names in domains, ranges and inverses exist",
          "correct the name, or declare the kind"),
    _rule(87, "ontology-version-not-bumped", _E, "ontologyVersion rises as far as the change asks",
          "raise ontologyVersion in all ontology files", "U"),
    # Run memory
    _rule(90, "run-memory-provenance", _E, "records of runs say which organization, repository and source they are of",
          "import the run again", locked=True),
    _rule(91, "run-memory-org-mismatch", _E, "records of runs belong to this organization",
          "remove the run from this brain", locked=True),
    _rule(92, "journal-sequence", _E, "journal events of a run have unique numbers (gaps are a warning)",
          "import the run again"),
    _rule(93, "raw-artifact-present", _E, "run folders hold only normalised files",
          "remove the file; keep its digest in artifacts/manifest.yaml"),
    _rule(94, "generated-block", _E, "generated blocks are well formed and nobody edited them",
          "move the edit out of the block and let it be generated again"),
    _rule(95, "memory-md-oversize", _W, "MEMORY.md is at most 64 KiB", "promote facts to records and link to them"),
    _rule(96, "retention-tier-violation", _E, "a run folder holds no more than its retention tier keeps",
          "remove what the tier does not keep, or import the run again with a richer tier", locked=True),
)  # fmt: skip

RULES: Mapping[str, Rule] = {rule.code: rule for rule in _RULES}
"""All rules by code, in the order of their codes."""

LOCKED: frozenset[str] = frozenset(rule.code for rule in _RULES if rule.locked)
"""Codes that no ontology can disable or lower."""
