"""The loader: every KB080-KB084 and KB086 finding at its place, and what a broken part leaves intact."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.model import AttributeType, Vocabulary
from krate_gitops.brain.ontology import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY, load_ontology, ontology_digest
from krate_gitops.digest import json_digest, sha256_digest
from tests.unit.ontology.sample import FILES, edited, loaded, only_finding


def test_a_good_ontology_loads_without_findings() -> None:
    ontology = loaded()
    assert ontology.findings == ()
    assert ontology.version == "1.2.0"
    runbook = ontology.node_kinds["Runbook"]
    assert runbook.forms == ("graph", "markdown")
    assert runbook.paths == ("**",)
    assert runbook.attributes["level"] == AttributeType("enum", ("low", "2", "true"))
    assert runbook.attributes["team"].kinds == ("Team",)
    assert ontology.edge_kinds["owned_by"].external == ("user",)
    assert ontology.external_prefixes["user"].description == "A person"
    assert ontology.rules.stale_after_days == 90
    assert ontology.vocabularies["tags"] == Vocabulary(False, ("refunds", "ledger"), {"refund": "refunds"})
    assert ontology.vocabularies["status"].closed


def test_missing_vocabulary_and_rules_mean_the_built_in_ones() -> None:
    files = {path: data for path, data in edited().items() if path in (NODE_KINDS, EDGE_KINDS)}
    ontology = load_ontology(files)
    assert ontology.findings == ()
    assert ontology.rules.stale_after_days == 365
    assert sorted(ontology.vocabularies) == ["redactionStatus", "runStatus", "sensitivity", "status"]


def test_an_empty_brain_has_an_empty_ontology_and_the_layout_says_so() -> None:
    ontology = load_ontology({})
    assert (ontology.node_kinds, ontology.edge_kinds, ontology.findings) == ({}, {}, ())


def test_kb080_a_missing_file_outside_or_named_by_configuration() -> None:
    files = edited()
    del files[EDGE_KINDS]
    [found] = load_ontology(files, outside=True).findings
    assert (found.path, found.finding.code) == (EDGE_KINDS, "KB080")
    [found] = load_ontology(edited(), named=["ontology/taxonomy.yaml", NODE_KINDS]).findings
    assert (found.path, found.finding.message) == ("ontology/taxonomy.yaml", "ontology/taxonomy.yaml not found")


SCHEMA_ERRORS = [
    (NODE_KINDS, "schemaVersion: 1\n", "", ""),
    (NODE_KINDS, "nodeKinds:", "notes: x\nnodeKinds:", "notes"),
    (NODE_KINDS, "    description: A group.", "    descripton: A.\n    description: x", "nodeKinds[0].descripton"),
    (NODE_KINDS, "idPrefix: team", "idPrefix: Team", "nodeKinds[0].idPrefix"),
    (NODE_KINDS, "    idPrefix: team\n", "", "nodeKinds[0]"),
    (NODE_KINDS, "name: Runbook", "name: run_book", "nodeKinds[1].name"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "paths: graph/teams/**", "nodeKinds[0].paths"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "paths: [1]", "nodeKinds[0].paths[0]"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "forms: [graph, html]", "nodeKinds[0].forms[1]"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "state: retired", "nodeKinds[0].state"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "minSensitivity: secret", "nodeKinds[0].minSensitivity"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "archiveDirect: yes", "nodeKinds[0].archiveDirect"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "reviewAfterDays: 0", "nodeKinds[0].reviewAfterDays"),
    (NODE_KINDS, 'paths: ["graph/teams/**"]', "idPrefixes: [squad]", "nodeKinds[0].idPrefixes"),
    (NODE_KINDS, "{type: string}", "{type: float}", "nodeKinds[1].attributes.trigger.type"),
    (NODE_KINDS, "{type: string}", "string", "nodeKinds[1].attributes.trigger"),
    (NODE_KINDS, "{type: string}", "", "nodeKinds[1].attributes.trigger"),
    (NODE_KINDS, "{type: string}", "{}", "nodeKinds[1].attributes.trigger"),
    (NODE_KINDS, "{type: string}", "{type: string, values: [a]}", "nodeKinds[1].attributes.trigger.values"),
    (NODE_KINDS, "values: [low, 2, true]", "values: [low, []]", "nodeKinds[1].attributes.level.values"),
    (NODE_KINDS, "{prefix: user, description: A person}", "user", "externalPrefixes[0]"),
    (NODE_KINDS, "ontologyVersion: 1.2.0", "ontologyVersion: 1.2", "ontologyVersion"),
    (NODE_KINDS, "ontologyVersion: 1.2.0\n", "", ""),
    (EDGE_KINDS, "ontologyVersion: 1.2.0", "ontologyVersion: 1.3.0", "ontologyVersion"),
    (EDGE_KINDS, "ontologyVersion: 1.2.0", "ontologyVersion: 1.2.0\nminIndexerVersion: new", "minIndexerVersion"),
    (EDGE_KINDS, "name: supersedes", "name: super-sedes", "edgeKinds[1].name"),
    (EDGE_KINDS, "acyclic: error", "acyclic: yes", "edgeKinds[1].acyclic"),
    (EDGE_KINDS, "acyclic: error", "traverse: half", "edgeKinds[1].traverse"),
    (EDGE_KINDS, "acyclic: error", "minPerSource: 2\n    maxPerSource: 1", "edgeKinds[1].maxPerSource"),
    (EDGE_KINDS, "acyclic: error", "minPerSource: -1", "edgeKinds[1].minPerSource"),
    (EDGE_KINDS, '["@same"]', '["@same", Team]', "edgeKinds[1].range"),
    (EDGE_KINDS, "domain: [Runbook]", 'domain: ["@same"]', "edgeKinds[1].domain"),
    (EDGE_KINDS, "edgeKinds:", "edgeKind:", ""),
    (VOCABULARY, "closed: false", "closed: maybe", "vocabularies.tags.closed"),
    (VOCABULARY, "values: [refunds, ledger]", "values: [refunds, {}]", "vocabularies.tags.values[1]"),
    (VOCABULARY, "{refund: refunds}", "{refund: money}", "vocabularies.tags.aliases.refund"),
    (VOCABULARY, "  tags:", "  status: {closed: true, values: [draft]}\n  tags:", "vocabularies.status"),
    (VOCABULARY, "  tags:", "  sensitivity: {closed: true, values: [public]}\n  tags:", "vocabularies.sensitivity"),
]  # fmt: skip

SETTING_ERRORS = [
    ("failOn: info", "failOn"),
    ("staleAfterDays: 90.5", "staleAfterDays"),
    ("severity: {KB053: fatal}", "severity.KB053"),
    ("severity: {KB999: info}", "severity.KB999"),
    ("severity: {KB060: warning}", "severity.KB060"),
    ("disabled: [KB009, KB033]", "disabled[1]"),
    ('disabledPaths: {KB063: ["**"]}', "disabledPaths.KB063"),
    ("limits: {recordBytes: 999999999999}", "limits.recordBytes"),
    ("secretScan: {entropyThresholdPercent: 0}", "secretScan.entropyThresholdPercent"),
    ("secretScan: {allowFingerprints: [abc]}", "secretScan.allowFingerprints[0]"),
    ('secretScan: {extraPatterns: [{kind: k, regex: "(a"}]}', "secretScan.extraPatterns[0].regex"),
    ('secretScan: {extraPatterns: [{kind: k, regex: "a*"}]}', "secretScan.extraPatterns[0].regex"),
    ("promptInjection: {extraPhrases: obey}", "promptInjection.extraPhrases"),
    ("foreign: {multiDocument: true}", "foreign"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new", "field"), SCHEMA_ERRORS)
def test_kb081_schema_errors_point_at_their_place(path: str, old: str, new: str, field: str) -> None:
    ontology = loaded(path, old, new)
    found = [(item.path, item.finding.field) for item in ontology.findings if item.finding.code == "KB081"]
    assert (path, field) in found
    # Nothing else suffers: the kinds that were fine are still there.
    assert "Team" in ontology.node_kinds
    assert path == EDGE_KINDS or "supersedes" in ontology.edge_kinds


@pytest.mark.parametrize(("setting", "field"), SETTING_ERRORS)
def test_kb081_wrong_settings_point_at_their_place(setting: str, field: str) -> None:
    path, finding = only_finding(loaded(RULES, "staleAfterDays: 90", setting))
    assert (path, finding.code, finding.field) == (RULES, "KB081", field)


@pytest.mark.parametrize("code", ["KB001", "KB008", "KB013", "KB034", "KB064", "KB080", "KB083", "KB090", "KB096"])
def test_kb081_locked_rules_can_neither_be_disabled_nor_lowered(code: str) -> None:
    for setting in (f"disabled: [{code}]", f"severity: {{{code}: info}}", f'disabledPaths: {{{code}: ["notes/**"]}}'):
        path, finding = only_finding(loaded(RULES, "staleAfterDays: 90", setting))
        assert (path, finding.code) == (RULES, "KB081")
        assert code in finding.message


def test_a_locked_rule_may_be_named_at_its_own_level() -> None:
    assert loaded(RULES, "staleAfterDays: 90", "severity: {KB060: error, KB053: info}").findings == ()


def test_an_unknown_key_names_the_one_that_was_meant() -> None:
    _, finding = only_finding(
        loaded(NODE_KINDS, '    examples: ["team:core"]', '    examples: ["team:core"]\n    form: []')
    )
    assert finding.at_key
    assert finding.hint == 'did you mean "forms"?'


@pytest.mark.parametrize(
    ("path", "old", "new", "field"),
    [
        (NODE_KINDS, "schemaVersion: 1", "schemaVersion: 2", "schemaVersion"),
        (VOCABULARY, "schemaVersion: 1", "schemaVersion: 1.5", "schemaVersion"),
        (RULES, "staleAfterDays", "minIndexerVersion: 99.0.0\nstaleAfterDays", "minIndexerVersion"),
    ],
)
def test_kb082_what_this_version_cannot_read(path: str, old: str, new: str, field: str) -> None:
    found_path, finding = only_finding(loaded(path, old, new))
    assert (found_path, finding.code, finding.field) == (path, "KB082", field)


def test_a_file_of_another_schema_is_not_interpreted() -> None:
    ontology = loaded(NODE_KINDS, "schemaVersion: 1", "schemaVersion: 2")
    assert ontology.node_kinds == {}
    assert "owned_by" in ontology.edge_kinds


@pytest.mark.parametrize(
    ("path", "old", "new", "field"),
    [
        (NODE_KINDS, "name: Runbook", "name: Team", "nodeKinds[1].name"),
        (NODE_KINDS, "idPrefix: runbook", "idPrefix: team", "nodeKinds[1].idPrefix"),
        (NODE_KINDS, "prefix: user", "prefix: team", "externalPrefixes[0].prefix"),
        (EDGE_KINDS, "name: supersedes", "name: owned_by", "edgeKinds[1].name"),
    ],
)
def test_kb083_names_and_prefixes_are_unique(path: str, old: str, new: str, field: str) -> None:
    found = [item for item in loaded(path, old, new).findings if item.finding.code == "KB083"]
    assert [(item.path, item.finding.field) for item in found] == [(path, field)]


def test_of_two_parts_with_one_name_the_first_serves() -> None:
    kinds = loaded(NODE_KINDS, "name: Runbook", "name: Team").node_kinds
    assert kinds["Team"].id_prefix == "team"


@pytest.mark.parametrize(
    ("path", "old", "field"),
    [
        (NODE_KINDS, "    description: A group.\n", "nodeKinds[0]"),
        (NODE_KINDS, '    examples: ["team:core"]\n', "nodeKinds[0]"),
        (EDGE_KINDS, '    examples: ["runbook:replay supersedes runbook:old"]\n', "edgeKinds[1]"),
    ],
)
def test_kb084_kinds_without_description_or_example(path: str, old: str, field: str) -> None:
    found_path, finding = only_finding(loaded(path, old, ""))
    assert (found_path, finding.code, finding.field) == (path, "KB084", field)


@pytest.mark.parametrize(
    ("path", "old", "new", "field"),
    [
        (NODE_KINDS, "kinds: [Team]", "kinds: [Squad]", "nodeKinds[1].attributes.team.kinds[0]"),
        (NODE_KINDS, "    required:", "    replacedBy: Procedure\n    required:", "nodeKinds[1].replacedBy"),
        (EDGE_KINDS, "range: [Team]", "range: [Team, Host]", "edgeKinds[0].range[1]"),
        (EDGE_KINDS, "domain: [Runbook]", "domain: [Host]", "edgeKinds[1].domain[0]"),
        (EDGE_KINDS, "external: [user]", "external: [person]", "edgeKinds[0].external[0]"),
        (EDGE_KINDS, "acyclic: error", "inverse: superseded_by", "edgeKinds[1].inverse"),
    ],
)
def test_kb086_names_that_are_not_declared(path: str, old: str, new: str, field: str) -> None:
    found_path, finding = only_finding(loaded(path, old, new))
    assert (found_path, finding.code, finding.field) == (path, "KB086", field)


def test_kb086_suggests_the_nearest_name() -> None:
    _, finding = only_finding(loaded(EDGE_KINDS, "domain: [Runbook]", "domain: [Runbok]"))
    assert finding.hint == 'did you mean "Runbook"?'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"nodeKinds: [", "KB001"),
        (b"a: \xff", "KB004"),
        (b"a: 1\n---\nb: 2\n", "KB005"),
        (b"a: 1\na: 2\n", "KB007"),
        (b"a: !!python/name:os.system x\n", "KB008"),
        (b"x" * 1_048_577, "KB006"),
        (b"- a\n", "KB081"),
        (b"", "KB081"),
    ],
)
def test_an_unreadable_file_is_one_finding_and_the_others_serve(data: bytes, code: str) -> None:
    ontology = load_ontology({**edited(), NODE_KINDS: data})
    path, finding = only_finding(ontology)
    assert (path, finding.code) == (NODE_KINDS, code)
    assert len(ontology.edge_kinds) == 2
    assert ontology.version == "1.2.0"


def test_the_foreign_block_is_read_from_outside_only() -> None:
    foreign = """foreign:
  multiDocument: true
  required: [title]
  fieldAliases: {title: [displayName, name], kind: [nodeKind]}
  statusMap: {accepted: approved}
  idPattern: relaxed
  prefixes: many
  duplicateIds: merge-edges
  sidecars: {key: extendsNode}
  ignore: ["graph/schema/**"]
  classes: {"graph/**/*.md": markdown-record}
"""
    inside = loaded(RULES, "staleAfterDays: 90", foreign)
    assert inside.rules.foreign is None
    read = loaded(RULES, "staleAfterDays: 90", foreign, outside=True)
    assert read.findings == ()
    assert read.rules.foreign is not None
    assert read.rules.foreign.field_aliases["title"] == ("displayName", "name")
    assert read.rules.foreign.sidecars is not None
    assert read.rules.foreign.classes == {"graph/**/*.md": "markdown-record"}


def test_an_outside_ontology_without_foreign_mapping_asks_for_the_base_fields() -> None:
    assert loaded(outside=True).rules.foreign is None


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ("required: [nickname]", "foreign.required[0]"),
        ("fieldAliases: {nickname: [a]}", "foreign.fieldAliases.nickname"),
        ("statusMap: {done: finished}", "foreign.statusMap.done"),
        ("idPattern: free", "foreign.idPattern"),
        ("sidecars: {}", "foreign.sidecars"),
        ('classes: {"a/**": ontology}', "foreign.classes.a/**"),
        ("multidocument: true", "foreign.multidocument"),
    ],
)
def test_kb081_inside_the_foreign_block(setting: str, field: str) -> None:
    path, finding = only_finding(loaded(RULES, "staleAfterDays: 90", f"foreign: {{{setting}}}", outside=True))
    assert (path, finding.code, finding.field) == (RULES, "KB081", field)


def test_a_foreign_brain_may_share_prefixes_and_use_several() -> None:
    nodes = FILES[NODE_KINDS].replace("idPrefix: runbook", "idPrefix: runBook\n    idPrefixes: [team]")
    files = {**edited(RULES, "staleAfterDays: 90", "foreign: {prefixes: many}"), NODE_KINDS: nodes.encode()}
    ontology = load_ontology(files, outside=True)
    assert ontology.findings == ()
    assert ontology.node_kinds["Runbook"].id_prefixes == ("runBook", "team")


def test_fingerprints_are_digests() -> None:
    ontology = loaded(RULES, "staleAfterDays: 90", f"secretScan: {{allowFingerprints: [{'ab' * 32}]}}")
    assert ontology.rules.secret_scan.allow_fingerprints == ("sha256:" + "ab" * 32,)


def test_the_digest_covers_every_file_of_the_folder_and_nothing_else() -> None:
    files = {"ontology/b.yaml": b"b", "ontology/x/a.yaml": b"a", "README.md": b"r", "ontology/.gitkeep": b""}
    expected = json_digest([["ontology/b.yaml", sha256_digest(b"b")], ["ontology/x/a.yaml", sha256_digest(b"a")]])
    assert ontology_digest(files) == expected
    assert load_ontology(files).digest == expected


KEYS = re.findall(r"\w+", """
name idPrefix description attributes required type values kinds forms paths examples domain range
external inverse closed aliases status tags KB060 KB053 severity disabled disabledPaths limits
secretScan extraPatterns regex kind foreign fieldAliases statusMap classes sidecars key prefixes
nodeKinds edgeKinds vocabularies externalPrefixes prefix
""")  # fmt: skip
YAML_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["x", "Team", "team", "*", "@same", "a b", "1.2.0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYS), YAML_VALUES, max_size=5), st.booleans())
def test_no_value_in_any_place_makes_the_loader_fail(value: dict[str, object], outside: bool) -> None:
    text = json.dumps({"schemaVersion": 1, "ontologyVersion": "1.0.0", **value}).encode()
    ontology = load_ontology(dict.fromkeys((NODE_KINDS, EDGE_KINDS, VOCABULARY, RULES), text), outside=outside)
    assert all(item.finding.code.startswith("KB") for item in ontology.findings)
