"""AgentMemorySource documents: every accepted spelling, every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.errors import UsageError
from krate_gitops.memory.policy import AppliesTo, Exclude, Include, ReadPolicy, SourceSpec
from krate_gitops.memory.policy_file import MAX_FILE_BYTES, load_sources

HEAD = "apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentMemorySource\nmetadata: {name: ci, namespace: krate-org-acme}\n"
CANONICAL = SourceSpec(
    organization_ref="acme",
    repository_ref="brain",
    applies_to=AppliesTo(repositories=("payments",)),
    include=Include(graph_kinds=("Runbook",), paths=("notes/**",)),
    exclude=Exclude(paths=("notes/legal/**",)),
)


def load(tmp_path: Path, text: str | bytes) -> Any:
    file = tmp_path / "policy.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_sources(file)


def spec_of(tmp_path: Path, body: str) -> SourceSpec:
    [source] = load(tmp_path, HEAD + "spec:\n" + "".join(f"  {line}\n" for line in body.strip().split("\n")))
    spec: SourceSpec = source.spec
    return spec


COMMON = "organizationRef: acme\nrepositoryRef: brain\nappliesTo: {repositories: [payments]}\n"


@pytest.mark.parametrize(
    "body",
    [
        COMMON + "include: {graphKinds: [Runbook], paths: ['notes/**']}\nexclude: {paths: ['notes/legal/**']}",
        COMMON + "include: {kinds: [Runbook], paths: ['notes/**']}\nexclude: ['notes/legal/**']",
        COMMON + "include: {kinds: [Runbook]}\npaths: ['notes/**']\nexcludedPaths: ['notes/legal/**']",
        COMMON
        + "include: {kinds: [Runbook], graphKinds: [Runbook], paths: ['notes/**']}\npaths: ['notes/**']\n"
        + "excludedPaths: ['notes/legal/**']\nexclude: ['notes/legal/**']",
        COMMON.replace("repositoryRef", "memoryRepository")
        + "include: {graphKinds: [Runbook], paths: ['notes/**']}\nexclude: {paths: ['notes/legal/**']}",
        COMMON.replace("{repositories: [payments]}", "{kind: Repository, name: payments}")
        + "include: {graphKinds: [Runbook], paths: ['notes/**']}\nexclude: {paths: ['notes/legal/**']}",
    ],
    ids=["canonical", "lists and kinds", "at the top", "said twice alike", "memoryRepository", "kind and name"],
)
def test_every_spelling_means_the_same(tmp_path: Path, body: str) -> None:
    assert spec_of(tmp_path, body) == CANONICAL


def test_a_bare_list_is_paths(tmp_path: Path) -> None:
    assert spec_of(tmp_path, COMMON + "include: ['runbooks/**']").include == Include(paths=("runbooks/**",))


def test_exclude_takes_kinds_too(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, COMMON + "paths: [a]\nexclude: {kinds: [Customer]}")
    assert spec.exclude == Exclude(graph_kinds=("Customer",))


@pytest.mark.parametrize(
    ("kind", "dimension"),
    [
        ("Repository", "repositories"),
        ("Team", "teams"),
        ("AgentStack", "stacks"),
        ("AgentTriggerRule", "triggers"),
        ("User", "users"),
        ("stacks", "stacks"),
    ],
)
def test_a_kind_and_name_is_a_list_of_one(tmp_path: Path, kind: str, dimension: str) -> None:
    body = COMMON.replace("{repositories: [payments]}", f"{{kind: {kind}, name: x}}") + "paths: [a]"
    assert spec_of(tmp_path, body).applies_to == AppliesTo(**{dimension: ("x",)})


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, COMMON + "include: {graphKinds: [Runbook]}")
    assert spec.include.sensitivity == ("public", "internal")
    assert spec.include.statuses == ("approved", "draft", "deprecated")
    assert spec.exclude == Exclude()
    assert (spec.default_query_mode, spec.max_context_bytes) == ("graph-and-grep", 128_000)
    assert not (spec.required)
    assert not (spec.require_ontology_valid)
    assert not (spec.current_only)
    assert spec.read_policy == ReadPolicy("allow-list", 5)


def test_allow_all_needs_no_kinds_and_paths(tmp_path: Path) -> None:
    assert spec_of(tmp_path, COMMON + "include: {}\nreadPolicy: {mode: allow-all}").read_policy.mode == "allow-all"


def test_absent_parts_and_nulls_are_empty(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, COMMON + "include: {paths: [a]}\nexclude: null")
    assert spec.exclude == Exclude()


def test_several_documents_are_several_sources_and_empty_ones_none(tmp_path: Path) -> None:
    spec = "spec: {organizationRef: a, repositoryRef: b, appliesTo: {users: ['*']}, include: [x]}\n"
    first = f"kind: AgentMemorySource\nmetadata: {{name: one, generation: 7}}\n{spec}"
    second = f"kind: AgentMemorySource\n{spec}"
    found = load(tmp_path, f"---\n---\n{first}---\n{second}---\n")
    assert [(source.name, source.generation) for source in found] == [("one", 7), ("policy", 1)]


def test_the_digest_of_a_source_is_that_of_what_it_means_not_of_how_it_is_written(tmp_path: Path) -> None:
    one = load(tmp_path, HEAD + "spec: {organizationRef: a, repositoryRef: b, appliesTo: {users: [u]}, paths: [x]}\n")
    two = load(
        tmp_path, HEAD + "spec: {memoryRepository: b, organizationRef: a, appliesTo: {users: [u]}, include: [x]}\n"
    )
    assert one[0].reference() == two[0].reference()


GOOD = COMMON + "include: {paths: [a]}\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (GOOD + "colour: red", "colour"),
        (GOOD.replace("{paths: [a]}", "{paths: [a], colour: red}"), "colour"),
        (GOOD + "exclude: {statuses: [draft]}", "statuses"),
        (GOOD + "readPolicy: {mode: allow-some}", "allow-list or allow-all"),
        (GOOD + "readPolicy: {depth: 3}", "depth"),
        (GOOD + "readPolicy: {maxDepth: 6}", "maxDepth"),
        (GOOD + "readPolicy: {maxDepth: -1}", "maxDepth"),
        (GOOD + "maxContextBytes: -1", "maxContextBytes"),
        (GOOD + "maxContextBytes: 99999999999999999999", "maxContextBytes"),
        (GOOD + "maxContextBytes: many", "int"),
        (GOOD + "defaultQueryMode: diff-ref", "defaultQueryMode"),
        (GOOD + "required: maybe", "bool"),
        (GOOD + "excludedPaths: [x]\nexclude: [y]", "excludedPaths"),
        (GOOD + "paths: [b]", "paths"),
        (GOOD + "memoryRepository: other", "memoryRepository"),
        (GOOD.replace("{paths: [a]}", "{kinds: [A], graphKinds: [B]}"), "kinds"),
        (GOOD.replace("{paths: [a]}", "{paths: a}"), "paths"),
        (GOOD.replace("{paths: [a]}", "{paths: [1]}"), "str"),
        (GOOD.replace("{paths: [a]}", "{paths: [a], sensitivity: [secret]}"), "sensitivity"),
        (GOOD.replace("{paths: [a]}", "{paths: [a], statuses: [new]}"), "status"),
        (GOOD.replace("{paths: [a]}", "text"), "include is a map"),
        (GOOD.replace("{paths: [a]}", "7"), "include is a map"),
        (GOOD.replace("{paths: [a]}", "{}"), "must not be empty"),
        (GOOD.replace("{paths: [a]}", "[]"), "must not be empty"),
        (COMMON, "must not be empty"),
        (GOOD.replace("organizationRef: acme\n", ""), "organizationRef"),
        (GOOD.replace("repositoryRef: brain\n", ""), "repositoryRef"),
        (GOOD.replace("appliesTo: {repositories: [payments]}\n", ""), "appliesTo"),
        (GOOD.replace("{repositories: [payments]}", "{repositories: payments}"), "repositories"),
        (GOOD.replace("{repositories: [payments]}", "{planets: [earth]}"), "planets"),
        (GOOD.replace("{repositories: [payments]}", "{kind: Planet, name: earth}"), "appliesTo.kind"),
        (GOOD.replace("{repositories: [payments]}", "{kind: [], name: earth}"), "appliesTo.kind"),
        (GOOD.replace("{repositories: [payments]}", "{kind: User, name: 7}"), "str"),
        (GOOD.replace("{repositories: [payments]}", "everyone"), "appliesTo"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_name(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        spec_of(tmp_path, body)
    assert error.value.code == "INVALID_REQUEST"
    assert error.value.exit_code == 2
    assert error.value.location.endswith("policy.yaml")
    assert said in error.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n...\n",
        "text\n",
        "[1, 2]\n",
        "kind: AgentStack\nspec: {}\n",
        "kind: AgentMemorySource\n",
        "kind: AgentMemorySource\nspec: text\n",
        HEAD.replace("{name: ci, namespace: krate-org-acme}", "text")
        + f"spec: {{{', '.join(GOOD.strip().splitlines())}}}\n",
        HEAD.replace("name: ci", "name: 7") + f"spec: {{{', '.join(GOOD.strip().splitlines())}}}\n",
        HEAD.replace("name: ci", "name: ci, generation: new") + f"spec: {{{', '.join(GOOD.strip().splitlines())}}}\n",
        HEAD.replace("name: ci", "name: ci, generation: true") + f"spec: {{{', '.join(GOOD.strip().splitlines())}}}\n",
        "kind: [unclosed\n",
        "a: 2026-13-45\n",
        "? {a: b}\n: c\n",
        "!!python/object/apply:os.system ['true']\n",
        "[" * 5000,
        "x: &x [*x]\n",
        b"\xff\xfe\x00",
        b"a\0b",
        "#" * (MAX_FILE_BYTES + 1),
    ],
    ids=range(20),
)
def test_a_file_that_is_no_policy_is_a_usage_error(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(UsageError) as error:
        load(tmp_path, text)
    assert error.value.code == "INVALID_REQUEST"
    assert "\n" not in error.value.message


def test_a_spec_that_holds_itself_is_refused(tmp_path: Path) -> None:
    text = HEAD + "spec: &s\n  organizationRef: a\n  repositoryRef: b\n  appliesTo: *s\n  include: [x]\n"
    with pytest.raises(UsageError):
        load(tmp_path, text)


def test_aliases_that_multiply_cost_nothing(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    text = bomb + HEAD + "spec: {organizationRef: a, repositoryRef: b, appliesTo: {users: *a59}, include: *a59}\n"
    with pytest.raises(UsageError):
        load(tmp_path, text)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_sources(tmp_path / "absent.yaml")


def test_specs_survive_their_own_json(tmp_path: Path) -> None:
    assert msgspec.convert(msgspec.to_builtins(CANONICAL), SourceSpec) == CANONICAL
