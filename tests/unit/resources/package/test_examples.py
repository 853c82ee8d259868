"""Examples that aren't written in Git are what the program writes and takes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from typing import Any

import click
import msgspec
import pytest
import yaml

from krate_gitops.cli.main import cli
from krate_gitops.memory.snapshot import AgentMemorySnapshot
from tests.unit.resources.package.rendered import TOP

AGENTS = TOP / "examples" / "agents"
RECORDS = AGENTS / "records"


def stack() -> dict[str, Any]:
    text = (AGENTS / "manifests" / "read-only-stack.yaml").read_text(encoding="utf-8")
    [found] = [one for one in yaml.safe_load_all(text) if one["kind"] == "AgentStack"]
    return dict(found)


def test_the_snapshot_is_one_with_commit_and_digests() -> None:
    text = (RECORDS / "memory-snapshot.yaml").read_text(encoding="utf-8")
    snapshot = msgspec.yaml.decode(text, type=AgentMemorySnapshot)
    assert len(snapshot.spec.resolved_commit) == 40
    assert snapshot.spec.selected_records_digest.startswith("sha256:")
    assert snapshot.metadata.labels["krate.a5c.ai/org"] == "acme"


def test_the_dispatch_names_the_read_only_stack() -> None:
    request = yaml.safe_load((RECORDS / "manual-dispatch.yaml").read_text(encoding="utf-8"))
    assert request["agentStack"] == stack()["metadata"]["name"]
    assert request["contextLabels"] == stack()["spec"]["contextLabelRefs"]
    assert request["requestId"]


def test_the_denied_review_is_what_the_program_answers_today() -> None:
    if cli.get_command(click.Context(cli), "permissions") is None:
        pytest.skip("no command permissions yet")
    [command] = re.findall(r"^(krate-gitops --org acme permissions review .*?)\n```", _readme(), re.DOTALL | re.M)
    arguments = shlex.split(command.replace("\\\n", " "))[1:]
    done = subprocess.run(
        [sys.executable, "-m", "krate_gitops", *arguments], capture_output=True, text=True, check=False, cwd=TOP
    )
    assert done.returncode == 1, done.stderr
    recorded = json.loads((RECORDS / "denied-review.json").read_text(encoding="utf-8"))
    answer = json.loads(done.stdout)
    for review in (recorded, answer):
        del review["reviewedAt"]
    assert answer == recorded


def _readme() -> str:
    return (AGENTS / "README.md").read_text(encoding="utf-8")
