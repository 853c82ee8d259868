"""The example organization is what the guide says it is, and its editors' schemas agree."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from krate_gitops.resources.context import Context
from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.load import load_folder
from krate_gitops.resources.schema import combined_schema, editor_schema, schema_files
from krate_gitops.resources.validate import validate
from tests.unit.resources.sample import NOW

EXAMPLE = Path(__file__).parents[3] / "examples" / "config-repo"
FILES = sorted(EXAMPLE.rglob("*.yaml"))
_MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def test_it_is_valid_and_the_one_stack_is_blocked_for_its_missing_grant() -> None:
    [found] = validate(load_folder(EXAMPLE), Context(now=NOW))
    assert (found.code, found.effect, found.name) == ("KR307", "block", "payments-incidents")
    assert found.path == "orgs/acme/agents/payments-incidents.yaml"


def test_the_organizations_own_folder_is_valid_as_its_own_source() -> None:
    found = validate(load_folder(EXAMPLE / "orgs" / "acme"), Context(organization="acme", now=NOW))
    assert [one.code for one in found] == ["KR307"]


def test_the_platforms_folder_is_not_for_an_organization() -> None:
    found = validate(load_folder(EXAMPLE / "platform"), Context(organization="acme", now=NOW))
    assert {one.code for one in found if one.effect == "reject"} == {"KR110"}


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_each_file_names_the_schema_that_it_fits(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    modeline = _MODELINE.match(text)
    assert modeline
    named = (file.parent / modeline[1]).resolve()
    assert named.parent == EXAMPLE / ".schemas"
    schema = schema_files()[named.name]
    for document in yaml.safe_load_all(text):
        jsonschema.Draft7Validator(schema).validate(document)


@pytest.mark.parametrize("kind", MODELS.values(), ids=list(MODELS))
def test_schemas_for_editors_are_well_formed(kind: Any) -> None:
    jsonschema.Draft7Validator.check_schema(editor_schema(kind))


def test_the_schema_for_any_kind_tells_kinds_apart() -> None:
    schema = combined_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    soul = {
        "apiVersion": "krate.a5c.ai/v1alpha1",
        "kind": "AgentSoul",
        "metadata": {"name": "calm"},
        "spec": {"organizationRef": "acme", "content": "Calm."},
    }
    assert validator.is_valid(soul)
    assert not validator.is_valid({**soul, "kind": "AgentStack"})
    assert not validator.is_valid({**soul, "kind": "AgentSole"})
    assert not validator.is_valid({**soul, "status": {}})
    assert json.loads(json.dumps(schema)) == schema
