"""``import run``: from a run's folder on this machine to run memory that reviewers see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.import_text import find_import, report
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.options import WORDS
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_options import Work, desk_of, work_options
from krate_gitops.errors import UsageError

if TYPE_CHECKING:
    from krate_gitops.updates.desk import Desk
    from krate_gitops.updates.imports.locate import Places
    from krate_gitops.updates.imports.run_import import ImportRequest

TIERS = (
    "summary-only",
    "curated-journal",
    "full-journal-redacted",
    "artifact-manifest-only",
    "artifact-bytes-retained",
)
ARTIFACTS = ("none", "artifact-manifest-only", "artifact-bytes-retained")
OUTCOMES = ("completed", "failed", "cancelled", "partial")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FLAGS = {"true": True, "false": False, "yes": True, "no": False}


@click.command("run", cls=KrateCommand)
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@work_options
@click.option("--run-id", type=WORDS, metavar="ID", help="The run; by the name of its folder without it.")
@click.option("--code-repository", type=WORDS, metavar="NAME", help="Repository that the run worked for.")
@click.option("--tier", type=click.Choice(TIERS), help="How much is kept; summary-only without it.")
@click.option("--artifacts", type=click.Choice(ARTIFACTS), help="What is kept of artifacts; their manifest without it.")
@click.option("--include", multiple=True, metavar="PART=VALUE", help="A part and how much of it (repeatable).")
@click.option("--curated", type=int, multiple=True, metavar="NUMBER", help="An event to keep as well (repeatable).")
@click.option(
    "--label", "labels", type=WORDS, multiple=True, help="Of the run, such as incident or debug (repeatable)."
)
@click.option("--session", type=_FILE, metavar="FILE", help="Summary or transcript of the run's session.")
@click.option("--session-id", type=WORDS, metavar="ID", help="The session that is meant.")
@click.option("--retrospective", type=_FILE, metavar="FILE", help="Review of the run.")
@click.option("--memory-md", type=_FILE, metavar="FILE", help="The workspace's MEMORY.md.")
@click.option("--dispatch-run", type=WORDS, metavar="NAME", help="The dispatch that the run belongs to.")
@click.option("--baseline", metavar="REF", help="Commit that the run was told memory from; by its snapshot without it.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="How the run ended, where nothing in it says so.")
@click.option("--allow-partial", is_flag=True, help="Import a run that isn't over, where the owner allows it.")
@click.option("--started-by", type=WORDS, metavar="NAME", help="Who started the run; they don't approve its memory.")
@click.option("--large", is_flag=True, help="Read a journal of up to 8 GiB, or up to a million files.")
@click.option("--again", metavar="NAME", help="Do this import anew: one that failed, or with less of it (--tier).")
@pass_invocation
def run(invocation: Invocation, /, path: Path, work: Work, again: str | None, **asked: Any) -> int:
    """Import the run at PATH into the brain REPO: read it, clean it, and propose what is kept of it.

    PATH is the folder of a run (with run.json, journal, tasks), a workspace with .a5c/runs, or the file of a session.
    Nothing in it is changed. The same run again is the same import; another state of it replaces what waits.

    Parts of --include: memoryMd, sessionSummary, retrospectives (true, false); journal (none, curated, full-redacted);
    taskResults (none, summarized, full-redacted); artifactManifests (none, digest-only, full).

    Ends with 1 when the files don't hold to the brain's rules.
    """
    from krate_gitops.updates.imports.run_import import import_again, run_import

    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen, needs_forge=True)
        request = _request(desk, path, asked)
        if again is not None:
            tier = asked["tier"]
            known = find_import(desk, again)
            is_lower = tier is not None and tier != known.document.spec.retention_tier.value
            held, is_new = import_again(desk, known.name, request, tier=tier if is_lower else None), False
        else:
            held, is_new = run_import(desk, request)
    return report(invocation, desk, held, is_new=is_new)


def _request(desk: Desk, path: Path, asked: dict[str, Any]) -> ImportRequest:
    from krate_gitops.git.request import RefMode, RefRequest
    from krate_gitops.updates.imports.limits import LARGE, STANDARD
    from krate_gitops.updates.imports.request import read_spec
    from krate_gitops.updates.imports.run_import import ImportRequest

    places = _places(path, asked)
    spec = read_spec(
        _body(desk, places, asked),
        organization=desk.organization,
        memory_repository=desk.repository_name,
        labels=frozenset(asked["labels"]),
    )
    pinned = None
    if asked["baseline"] is not None:
        pinned = desk.brain.resolve(
            RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=asked["baseline"])
        ).resolved_commit
    return ImportRequest(
        spec=spec,
        places=places,
        limits=LARGE if asked["large"] else STANDARD,
        outcome=asked["outcome"],
        pinned=pinned,
        initiator=asked["started_by"],
    )


def _places(path: Path, asked: dict[str, Any]) -> Places:
    from krate_gitops.updates.imports.locate import locate

    places = locate(path, asked["run_id"])
    given = {
        name: asked[name].absolute() for name in ("session", "retrospective", "memory_md") if asked[name] is not None
    }
    return msgspec.structs.replace(places, **given)


def _body(desk: Desk, places: Places, asked: dict[str, Any]) -> dict[str, Any]:
    from krate_gitops.updates.imports.locate import claims_of, run_id_of

    claims = claims_of(places)
    run_id = asked["run_id"] or claims.get("runId") or run_id_of(places)
    if run_id is None:
        raise UsageError("INVALID_REQUEST", "the run has no name here", hint="give --run-id")
    repository = asked["code_repository"] or claims.get("repository") or _only_repository(desk)
    if repository is None:
        raise UsageError(
            "INVALID_REQUEST", "nothing says which repository the run worked for", hint="give --code-repository"
        )
    source = {
        "runId": run_id,
        "repositoryRef": repository,
        "sessionId": asked["session_id"],
        "dispatchRun": asked["dispatch_run"],
    }
    body: dict[str, Any] = {
        "source": {name: value for name, value in source.items() if value is not None},
        "validationPolicy": {"allowPartial": asked["allow_partial"]},
        "curated": list(asked["curated"]),
        "include": dict(_included(one) for one in asked["include"]),
    }
    for option, field in (("tier", "retentionTier"), ("artifacts", "artifactRetention")):
        if asked[option] is not None:
            body[field] = asked[option]
    return body


def _included(text: str) -> tuple[str, str | bool]:
    part, sign, value = text.partition("=")
    if not sign:
        raise UsageError("INVALID_REQUEST", "a part is written PART=VALUE", hint="such as journal=curated")
    return part.strip(), _FLAGS.get(value.strip().lower(), value.strip())


def _only_repository(desk: Desk) -> str | None:
    """The code repository of the brain, where it knows exactly one."""
    branch = desk.target_branch()
    tip = desk.tip(branch)
    if tip is None:
        return None
    from krate_gitops.updates.imports.surroundings import repositories

    found = repositories(desk, tip)
    return found[0] if len(found) == 1 else None
