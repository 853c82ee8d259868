"""Title and body of an update's request, as its reviewers read them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from krate_gitops.updates.forges.text import body_text, title_text
from krate_gitops.updates.model import (
    Action,
    AgentMemoryUpdate,
    ChangeItem,
    Evidence,
    Metadata,
    NearRecord,
    Proposer,
    UpdateSpec,
    UpdateStatus,
)
from krate_gitops.updates.pull_request import body_of, cell, code, title_of
from krate_gitops.updates.report import FileReport, Injections, Redactions, UpdateReport
from krate_gitops.updates.requirements import Requirement

NAME, DIGEST = "amu-0123456789ab", f"sha256:{'1' * 64}"
HOSTILE = (
    "| x | <img src=x onerror=alert(1)> <!-- hidden --> @all &#64;all &lt;b&gt; [click](javascript:x) ![i](http://x/y) "
    "https://evil.example www.evil.example `code` **bold** #12 GH-12 \x1b[31m \u202e \x00 </details>\n\n# Heading\n"
    "Krate-Diff-Digest: sha256:0\n/approve"
)


def update(
    *reasons: str, rationale: str = "", proposer: str = "ci", run: str | None = "adr-1", **labels: str
) -> AgentMemoryUpdate:
    changes = tuple(
        ChangeItem(path=f"runbooks/{at}.md", action=Action.UPDATE, reason=reason) for at, reason in enumerate(reasons)
    )
    spec = UpdateSpec(
        organization_ref="acme", memory_repository="brain", proposer=Proposer("Agent", proposer), changes=changes,
        source_run=run, target_branch="main", base_commit="b" * 40, observed_commit="c" * 40,
        branch_name="krate/agent-memory/adr-1", rationale=rationale, evidence=(Evidence("issue", "acme/x#1", DIGEST),),
    )  # fmt: skip
    told = {f"krate.a5c.ai/{key}": value for key, value in labels.items()}
    return AgentMemoryUpdate(
        metadata=Metadata(name=NAME, namespace="n", labels=told), spec=spec, status=UpdateStatus(diff_digest=DIGEST)
    )


def report(*ids: str | None, **how: Any) -> UpdateReport:
    files = tuple(
        FileReport(
            path=f"runbooks/{at}.md", action="update", record_id=id, kind="Runbook" if id else None, reason="why"
        )
        for at, id in enumerate(ids)
    )
    return UpdateReport(**({"files": files, "counts": {"error": 0, "warning": 0, "info": 0}} | how))


def body(of: AgentMemoryUpdate | None = None, found: UpdateReport | None = None, **how: Any) -> str:
    return body_of(of or update("why"), found or report("runbook:a"), **({"tip": "d" * 40} | how))


def shown(text: str) -> str:
    """What a reader of the rendered text sees, tags and all."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_the_title_has_the_first_reason_and_what_it_is_about() -> None:
    assert title_of(update("Correct the order", "other"), report("runbook:a", "runbook:a")) == (
        "[memory] Correct the order (runbook:a)"
    )
    assert title_of(update("Correct", "other"), report("runbook:a", "runbook:b")) == "[memory] Correct (2 changes)"
    assert title_of(update("Correct"), report(None)) == "[memory] Correct (1 changes)"


def test_a_long_reason_is_cut_at_sixty_characters() -> None:
    for length, cut in ((60, "x" * 60), (61, "x" * 59 + "…"), (500, "x" * 59 + "…")):
        assert title_of(update("x" * length), report("runbook:a")) == f"[memory] {cut} (runbook:a)"


def test_a_title_is_one_printable_line() -> None:
    title = title_of(update(HOSTILE), report("runbook:\n\x1bx"))
    assert title_text(title).isprintable()
    assert "\n" not in title
    assert "\x1b" not in title


def test_the_body_has_every_part_in_its_order() -> None:
    found = body(
        update("why", rationale="Because.", session="s1", stack="triage", initiator="Ana"),
        report(
            "runbook:a",
            diagnostics=(
                {"path": "a", "line": 1, "column": 2, "severity": "warning", "code": "KB058", "message": "m"},
            ),
            counts={"error": 0, "warning": 1, "info": 0},
            counts_by_code={"KB058": 1},
            redaction=Redactions(2, {"token": 2}),
            injection=Injections("suspicious", {"agent-targeting": 1}),
        ),
        near=(NearRecord("runbook:new", "runbook:a", "runbooks/a.md", 91, ("refund",)),),
        banner="made from memory at cccc, 3 days old",
        impact="| Query | Change |\n|---|---|\n| x | y |",
        retention="summary-only",
        source_digest="sha256:5",
        requirements=(
            Requirement(kind="approval", count=2),
            Requirement(kind="owner", subject="runbook:a", people=("user:dana",)),
            Requirement(kind="memory-owner"),
            Requirement(kind="extra-reviewer"),
        ),
    )
    parts = [
        "Organization: acme", f"`{NAME}` (proposed-pr), revision 1", "Agent ci", "`adr-1`", "Session: s1",
        "Agent stack: triage", "Started by: Ana",
        "**Pinned:** made from memory at cccc, 3 days old", "b" * 40, "c" * 40, "d" * 40,
        "### Changes", "| Path | Action | Record | Kind | Status | Reason |",
        "| `runbooks/0.md` | update | `runbook:a` |",
        "### Why", "Because.", "`acme/x#1`", DIGEST,
        "### Validation", "Result: **valid** (0 error, 1 warning, 0 info)", "| KB058 | 1 |", "warning KB058 `a:1:2` m",
        "### Safety", "Secrets: 2 (2 token)", "Instructions to agents: suspicious (1 agent-targeting)",
        "### What agents will be told differently", "| x | y |",
        "### Nearly the same", "| `runbook:new` | `runbook:a` | `runbooks/a.md` | 91 % | refund |",
        "### Digests", "diffDigest", "validationReportDigest", "redactionDigest", "sourceDigest",
        "Retention: summary-only",
        "### Before approving", "- [ ] Owners", "- [ ] Sources", "- [ ] No data of customers", "- [ ] The sensitivity",
        "- [ ] Needs 2 approvals", "- [ ] Needs an owner of `runbook:a` (user:dana)", "- [ ] Needs a memory owner",
        "- [ ] Needs one more reviewer",
    ]  # fmt: skip
    at = 0
    for part in parts:
        plain = part.replace("-", r"\-") if part in found.replace(r"\-", "-") and part not in found else part
        assert plain in found[at:], part
        at = found.index(plain, at)


def test_what_there_is_nothing_to_say_about_is_left_out() -> None:
    found = body(update("why", run=None))
    for absent in (
        "Pinned",
        "Source run",
        "Session",
        "told differently",
        "Nearly the same",
        "sourceDigest",
        "Retention",
    ):
        assert absent not in found
    assert "No rationale was given." in found


def test_of_many_diagnostics_the_first_twenty_are_shown() -> None:
    one = {"path": "a", "line": 1, "column": 2, "severity": "error", "code": "KB038", "message": "m"}
    found = body(found=report("r", diagnostics=(one,) * 30, counts={"error": 30}, conflicts=3))
    assert found.count("error KB038") == 20
    assert "- and 10 more" in found
    assert "**3 places can't be merged" in found


def test_the_digest_stands_in_the_body_once_and_last() -> None:
    sent = body_text(body(update("why", rationale=f"Krate-Diff-Digest: {DIGEST[:-1]}0")), DIGEST)
    lines = [
        line for line in sent.splitlines() if "Krate-Diff-Digest:" in line and not line.startswith(("Krate\\", " "))
    ]
    assert [line for line in sent.splitlines() if line.startswith("Krate-Diff-Digest:")] == [
        f"Krate-Diff-Digest: {DIGEST}"
    ]
    assert sent.rstrip().splitlines()[-1] == f"Krate-Diff-Digest: {DIGEST}"
    assert len(lines) <= 2


PLACES = [
    "rationale",
    "reason",
    "proposer",
    "session",
    "evidence",
    "message",
    "banner",
    "transition",
    "people",
    "shared",
]


def hostile_body(place: str, text: str) -> str:
    labels = {"session": text} if place == "session" else {}
    of = update(
        "why",
        rationale=text if place == "rationale" else "",
        proposer=text if place == "proposer" else "ci",
        **labels,
    )
    if place == "evidence":
        import msgspec

        spec = msgspec.structs.replace(of.spec, evidence=(Evidence(text, text, text),))
        of = msgspec.structs.replace(of, spec=spec)
    file = FileReport(
        path=text if place == "reason" else "a.md", action="update", record_id=text if place == "reason" else "r:a",
        kind=text if place == "reason" else "Runbook", reason=text if place == "reason" else "why",
        transition=text if place == "transition" else "",
    )  # fmt: skip
    one = {"path": text, "line": 1, "column": 2, "severity": "error", "code": "KB038", "message": text}
    found = UpdateReport(
        files=(file,),
        diagnostics=(one,) if place == "message" else (),
    )
    near = (NearRecord(text, text, text, 90, (text,)),) if place == "shared" else ()
    people = (Requirement(kind="owner", subject=text, people=(text,)),) if place == "people" else ()
    return body_text(body(of, found, banner=text if place == "banner" else "", requirements=people, near=near), DIGEST)


@pytest.mark.parametrize("place", PLACES)
def test_text_of_others_is_text_and_nothing_else(place: str) -> None:
    sent = hostile_body(place, HOSTILE)
    html = shown(sent)
    for tag in ("<img", "<a ", "<strong>bold", "<details", "<script", "<h1"):
        assert tag not in html, tag
    comments = set(re.findall(r"<!--.*?-->", html))
    assert comments <= {"<!-- -->"}
    # The mark that parts them is no text: what a forge would take for a mention, a link or a reference is none.
    prose = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    visible = [part for text in re.split(r"<[^>]*>", prose) for part in [text]]
    for pattern in (r"@all", r"https?://", r"www\.evil", r"#12\b", r"GH-12"):
        assert not any(re.search(pattern, part) for part in visible), pattern
    assert "\x1b" not in sent
    assert "\u202e" not in sent
    assert "\x00" not in sent
    assert not re.search(r"(?m)^\s*/approve", sent)
    assert sent.count("\nKrate-Diff-Digest:") == 1
    # The table of changes has as many columns as it has headings.
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in body_rows(sent)} == {7}


def body_rows(sent: str) -> list[str]:
    after = sent.partition("| Path | Action | Record | Kind | Status | Reason |\n")[2]
    return [line for line in after.split("\n\n")[0].splitlines() if line]


def test_a_cell_is_short_and_whole_words_stay_readable() -> None:
    assert cell("Correct the order") == "Correct the order"
    assert cell("a  b\n c") == "a b c"
    assert len(cell("x" * 1000)) == 200
    assert cell("a|b") == r"a\|b"
    assert code("a`b|c\nd") == "`a'b¦c\\nd`"
    assert len(code("x" * 1000)) == 202


def test_a_body_of_the_largest_update_fits_into_a_request() -> None:
    reasons = ["r" * 500] * 50
    files = tuple(
        FileReport(path="p" * 1000, action="update", record_id="i" * 200, kind="Runbook", reason=reason)
        for reason in reasons
    )
    sent = body_text(body(update(*reasons, rationale="*" * 4000), UpdateReport(files=files)), DIGEST)
    assert len(sent) <= 60_000
    assert sent.rstrip().endswith(f"Krate-Diff-Digest: {DIGEST}")
