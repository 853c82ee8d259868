"""Nothing like a secret gets through, and none is repeated by the report that refuses it."""

from __future__ import annotations

import random
import string

import pytest

from tests.unit.resources.sample import check, document, stack, whole

_RANDOM = random.Random(7)
TOKEN = "gh" + "p_" + "".join(_RANDOM.choice(string.ascii_letters + string.digits) for _ in range(36))
_SERVER = ("transport: stdio", "command: x", "scope: org")
PLACES = {
    "a prompt": whole(stack(f"prompt: {{system: Use {TOKEN}}}")),
    "a comment": whole(stack(f"adapterNote: x # {TOKEN}").replace("  adapterNote: x ", "  ")),
    "an argument": document("AgentMcpServer", *_SERVER, f"args: [--key, {TOKEN}]"),
    "an escape": whole(stack(f'prompt: {{system: "Use \\x67{TOKEN[1:]}"}}')),
    "an unknown field": whole(stack(f"note: {TOKEN}")),
    "a key": whole(stack(f"{TOKEN}: x")),
    "an enum": whole(stack().replace("baseAgent: codex", f"baseAgent: {TOKEN}")),
    "a label": stack(metadata=f"annotations: {{note: {TOKEN}}}"),
    "a block": whole(stack("prompt:", "  system: |", f"    Use {TOKEN}", "    today.")),
    "a Secret": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{x: {TOKEN}}}\n",
    "a kind": document(TOKEN),
    "a name": stack(name=TOKEN),
}


@pytest.mark.parametrize("text", PLACES.values(), ids=list(PLACES))
def test_a_credential_is_found_wherever_it_stands_and_never_repeated(text: str) -> None:
    found = check(text)
    assert "KR302" in [one.code for one in found]
    assert TOKEN not in repr(found)
    assert TOKEN[1:] not in repr(found)


def test_a_credential_is_found_once_and_at_its_place() -> None:
    text = PLACES["a block"]
    lines = text.split("\n")
    [line] = [number for number, one in enumerate(lines, 1) if TOKEN in one]
    [found] = [one for one in check(text) if one.code == "KR302"]
    assert (found.line, found.column) == (line, lines[line - 1].index(TOKEN) + 1)


def test_an_escaped_credential_is_found_once_and_where_its_escape_begins() -> None:
    text = PLACES["an escape"]
    lines = text.split("\n")
    [line] = [number for number, one in enumerate(lines, 1) if TOKEN[1:] in one]
    [found] = [one for one in check(text) if one.code == "KR302"]
    assert (found.line, found.column) == (line, lines[line - 1].index("\\x67") + 1)


def test_json_is_looked_through_too() -> None:
    text = f'{{"kind": "x", "a": ["{TOKEN}"]}}'
    [found] = [one for one in check({"a.json": text}) if one.code == "KR302"]
    assert (found.line, found.column) == (1, text.index(TOKEN) + 1)


def test_references_to_secrets_are_no_secrets() -> None:
    text = document(
        "AgentSecretGrant",
        "subject: {kind: agent-stack, name: triage}",
        "secretRef: {name: model-provider-token, keys: [api-key, ANTHROPIC_API_KEY, password]}",
        "purpose: model-provider-token",
        "allowedRepositories: [payments]",
    )
    assert check(text) == []


def test_a_file_full_of_credentials_is_refused_and_not_recited() -> None:
    found = [one for one in check("a:\n" + f"- {TOKEN}\n" * 2000) if one.code == "KR302"]
    assert len(found) == 100
    assert sum(one.message.endswith("(1900 more like it here)") for one in found) == 1
