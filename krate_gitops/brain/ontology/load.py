"""The ontology of a commit, from the bytes of its files.

The loader never fails: what is wrong becomes a finding at its place, and everything else serves. It looks at the four
files by name; other files under ``ontology/`` only take part in the digest.

A missing ``node-kinds.yaml`` or ``edge-kinds.yaml`` of a brain is the layout's business (KB010), so it is not said a
second time here. An ontology kept outside has no layout; there, and for files that a configuration names, it is KB080.
A file of an unsupported ``schemaVersion`` is not interpreted at all: guessing at it would blame the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import krate_gitops
from krate_gitops.brain.model import (
    EdgeKind,
    ExternalPrefix,
    Finding,
    NodeKind,
    Number,
    Ontology,
    OntologyFinding,
    ValidationRules,
)
from krate_gitops.brain.ontology.checks import (
    check_edge_kind_names,
    check_explained,
    check_node_kind_names,
    check_prefixes,
)
from krate_gitops.brain.ontology.kinds import Pointers, read_edge_kinds, read_external_prefixes, read_node_kinds
from krate_gitops.brain.ontology.reader import VERSION, Report, Section
from krate_gitops.brain.ontology.settings import read_rules
from krate_gitops.brain.ontology.source import ontology_digest, parse_ontology_file
from krate_gitops.brain.ontology.vocabulary import DEFAULT_VOCABULARIES, read_vocabularies

NODE_KINDS = "ontology/node-kinds.yaml"
EDGE_KINDS = "ontology/edge-kinds.yaml"
VOCABULARY = "ontology/controlled-vocabulary.yaml"
RULES = "ontology/validation-rules.yaml"

SCHEMA_VERSION = 1
UNKNOWN_VERSION = "0.0.0"
"""Version of an ontology that states none."""


def load_ontology(files: Mapping[str, bytes], *, outside: bool = False, named: Iterable[str] = ()) -> Ontology:
    """The ontology in ``files``, which maps paths such as ``ontology/node-kinds.yaml`` to their bytes.

    ``outside`` says that the files are kept outside the brain they describe: only then may they hold what a foreign
    brain needs. ``named`` are paths that a configuration names and that therefore must exist.
    """
    return _Loader(files, outside).load(named)


class _Loader:
    def __init__(self, files: Mapping[str, bytes], outside: bool) -> None:
        self._files = files
        self._outside = outside
        self._findings: list[OntologyFinding] = []
        self._version: tuple[str, str] | None = None
        self._roots: dict[str, Section | None] = {}

    def load(self, named: Iterable[str]) -> Ontology:
        self._check_present(named)
        # In this order, so that a version that differs is said of the later file.
        self._roots = {path: self._open(path) for path in (NODE_KINDS, EDGE_KINDS, VOCABULARY, RULES)}
        rules = self._rules()
        shared = rules.foreign is not None and rules.foreign.prefixes == "many"
        nodes_report = Report(NODE_KINDS, self._findings)
        kinds: dict[str, NodeKind] = {}
        externals: dict[str, ExternalPrefix] = {}
        kind_pointers: Pointers = {}
        external_pointers: Pointers = {}
        if (root := self._roots[NODE_KINDS]) is not None:
            kinds, kind_pointers = read_node_kinds(root, foreign=rules.foreign is not None)
            externals, external_pointers = read_external_prefixes(root, foreign=rules.foreign is not None)
            root.close()
        check_prefixes(kinds, externals, kind_pointers, external_pointers, nodes_report, shared=shared)
        check_node_kind_names(kinds, kind_pointers, nodes_report)
        check_explained(kinds, kind_pointers, "node kind", nodes_report)
        edges = self._edges(kinds, externals, known=bool(kinds))
        vocabularies = DEFAULT_VOCABULARIES
        if (root := self._roots[VOCABULARY]) is not None:
            vocabularies = read_vocabularies(root)
            root.close()
        return Ontology(
            version=self._version[0] if self._version else UNKNOWN_VERSION,
            digest=ontology_digest(self._files),
            node_kinds=kinds,
            edge_kinds=edges,
            external_prefixes=externals,
            vocabularies=vocabularies,
            rules=rules,
            findings=tuple(self._findings),
        )

    def _check_present(self, named: Iterable[str]) -> None:
        needed = (NODE_KINDS, EDGE_KINDS) if self._outside else ()
        for path in dict.fromkeys((*needed, *named)):
            if path not in self._files:
                self._findings.append(OntologyFinding(path, Finding("KB080", f"{path} not found")))

    def _rules(self) -> ValidationRules:
        root = self._roots[RULES]
        if root is None:
            return ValidationRules()
        rules = read_rules(root, outside=self._outside)
        root.close()
        return rules

    def _edges(self, kinds: Mapping[str, object], externals: Mapping[str, object], known: bool) -> dict[str, EdgeKind]:
        root = self._roots[EDGE_KINDS]
        if root is None:
            return {}
        edges, pointers = read_edge_kinds(root)
        root.close()
        # Without a readable node-kinds file every name would be unknown; one finding there says enough.
        if known:
            check_edge_kind_names(edges, kinds, externals, pointers, root.report)
        check_explained(edges, pointers, "edge kind", root.report)
        return edges

    def _open(self, path: str) -> Section | None:
        """The top level of a file whose schema this version reads, its header checked."""
        data = self._files.get(path)
        if data is None:
            return None
        report = Report(path, self._findings)
        value, findings = parse_ontology_file(data)
        for finding in findings:
            report.take(finding)
        if value is None:
            return None
        root = Section(report, value)
        return root if self._check_header(root) else None

    def _check_header(self, root: Section) -> bool:
        schema = root.get("schemaVersion")
        if schema is None:
            root.report.add("KB081", '"schemaVersion" is missing', "", hint=f"schemaVersion: {SCHEMA_VERSION}")
        elif schema != SCHEMA_VERSION or isinstance(schema, bool):
            shown = schema.source if isinstance(schema, Number) else str(schema)[:40]
            root.report.add("KB082", f"schemaVersion {shown} is not supported", "schemaVersion", hint="supported: 1")
            return False
        self._check_version(root)
        self._check_indexer(root)
        return True

    def _check_version(self, root: Section) -> None:
        version = root.text("ontologyVersion", "", required=True, pattern=VERSION, expected="a version such as 1.2.0")
        if not version:
            return
        if self._version is None:
            self._version = version, root.report.path
        elif version != self._version[0]:
            other = self._version[1]
            message = f"ontologyVersion {version} differs from {self._version[0]} in {other}"
            root.report.add("KB081", message, "ontologyVersion", hint="all ontology files share one version")

    def _check_indexer(self, root: Section) -> None:
        least = root.text("minIndexerVersion", "", pattern=VERSION, expected="a version such as 0.1.0")
        if least and version_key(least) > version_key(krate_gitops.__version__):
            message = f"minIndexerVersion {least} is newer than this version, {krate_gitops.__version__}"
            root.report.add("KB082", message, "minIndexerVersion", hint="upgrade krate-gitops")


def version_key(version: str) -> tuple[int, int, int, bool]:
    """Sort key of a semantic version; a pre-release comes before its release. Pre-releases are not ordered further."""
    match = VERSION.match(version)
    if match is None:
        return 0, 0, 0, False
    return int(match[1]), int(match[2]), int(match[3]), match[4] is None
