"""Credentials in proposals: in contents, reasons, rationales, evidence and comments. None of them gets anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from krate_gitops.updates.approvals import INJECTION_SEEN
from krate_gitops.updates.model import Phase
from tests.leaks import Needles, leaks
from tests.planted import Planted, blank, planted
from tests.planted_kinds import POLICY_KIND, POLICY_REGEX
from tests.unit.memory.world import RULES
from tests.updates import FILES, OWNER, Board, create

_FILES = 25
_COMMENT = 400


def _krate(board: Board, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KRATE_", "GIT_"))}
    command = [sys.executable, "-m", "krate_gitops", *map(str, arguments)]
    options = ["--home", str(board.settings.home), "-vv", "--log-format", "json"]
    return subprocess.run([*command, *options], capture_output=True, check=False, env=kept)


def _document(folder: Path, secrets: Sequence[Planted], number: int) -> Path:
    """A proposal with a credential in every file, in every reason, and in all that is said about it."""
    first, *_ = secrets
    changes = []
    for at, one in enumerate(secrets):
        path, text = (
            (f"notes/n{number}-{at}.md", one.markdown()) if at % 2 else (f"graph/g{number}-{at}.yaml", one.yaml())
        )
        changes.append({"path": path, "action": "create", "content": text, "reason": f"As {one.fragment}"[:_COMMENT]})
    proposal = {
        "changes": changes,
        "rationale": f"Seen: {first.fragment}",
        "evidence": [{"kind": "artifact", "ref": f"https://ci:{quote(first.value, safe='')}@ci.acme.example/log"}],
        "sourceRun": f"adr-{number:012x}",
        "proposer": {"kind": "Agent", "name": "ci-agent"},
    }
    file = folder / f"proposal-{number}.json"
    file.write_text(json.dumps(proposal))
    return file


def _propose_all(board: Board, folder: Path, secrets: Sequence[Planted]) -> bytes:
    """Everything the commands print."""
    printed = b""
    for number, start in enumerate(range(0, len(secrets), _FILES)):
        some = secrets[start : start + _FILES]
        proposed = _krate(
            board, "update", "propose", board.spec, "--from", _document(folder, some, number), "-o", "json"
        )
        assert proposed.returncode == 1, proposed.stderr[-2000:]
        name = json.loads(proposed.stdout)["update"]
        shown = _krate(board, "update", "show", board.spec, name)
        comment = some[0].fragment[:_COMMENT]
        refused = _krate(
            board, "update", "reject", board.spec, name, "--comment", comment, "--actor", "zoe <z@acme.example>"
        )
        assert (shown.returncode, refused.returncode) == (0, 0), shown.stderr + refused.stderr
        printed += b"".join(done.stdout + done.stderr for done in (proposed, shown, refused))
    return printed + _krate(board, "audit", "query", "--limit", "500", "-o", "json").stdout


@pytest.fixture
def board(make_board: Callable[..., Board]) -> Board:
    """One whose brain has a pattern of its own."""
    rules = f"{RULES}secretScan: {{extraPatterns: [{{kind: {POLICY_KIND}, regex: '{POLICY_REGEX}'}}]}}\n"
    return make_board(files={**FILES, "ontology/validation-rules.yaml": rules})


def _check(board: Board, tmp_path: Path, count: int) -> None:
    secrets = planted(7, count)
    # The brain's own pattern stands in its rules, and the part of a folded key that is only its prefix in that.
    needles = {needle for one in secrets for needle in one.needles if needle not in POLICY_REGEX}
    folder = tmp_path / "proposals"
    folder.mkdir()
    printed = _propose_all(board, folder, secrets)
    assert Needles(needles).within(printed) == []
    for place in (board.settings.home, Path(board.spec)):
        assert leaks(place, needles) == []


def test_no_planted_credential_reaches_git_the_records_the_index_or_the_terminal(board: Board, tmp_path: Path) -> None:
    _check(board, tmp_path, 75)


@pytest.mark.slow
def test_none_of_a_thousand_planted_credentials_reaches_anything(board: Board, tmp_path: Path) -> None:
    _check(board, tmp_path, 1000)


def test_the_same_texts_without_credentials_are_let_through(board: Board) -> None:
    texts = [one.markdown() for one in blank(7, 40)]
    held = board.propose(*(create(f"notes/n{at}.md", text) for at, text in enumerate(texts)))
    assert (held.update.phase, held.update.status.withheld) == (Phase.AWAITING_APPROVAL, ())
    assert board.say(held, who=OWNER, acknowledge=(INJECTION_SEEN,)).update.phase is Phase.APPROVED
