"""Messages of the commits that updates make: a subject for people, and trailers that programs read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from krate_gitops.updates.model import AgentMemoryUpdate, Proposer

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_SIGNATURE = re.compile(r"(.*)<([^<>]*)>\s*", re.DOTALL)
_TRAILER = re.compile(r"^Krate-Update: (amu-[0-9a-f]{12})$", re.MULTILINE)


def commit_message(title: str, update: AgentMemoryUpdate, approvers: Sequence[str] = ()) -> str:
    """The title, the rationale and the trailers of an update; those of approval only in the commit that merges it."""
    spec = update.spec
    trailers = [
        ("Krate-Update", update.name),
        ("Krate-Source-Run", spec.source_run or ""),
        ("Krate-Diff-Digest", update.status.diff_digest),
        *(("Krate-Approved-By", one) for one in dict.fromkeys(approvers)),
        ("Krate-Organization", spec.organization_ref),
    ]
    lines = "".join(f"{name}: {_line(value)}\n" for name, value in trailers if value)
    why = "\n".join(map(_paragraph, spec.rationale.strip().splitlines()))
    return "\n\n".join(part for part in (_line(title), why, lines) if part)


def author_of(proposer: Proposer, signature: str = "") -> str:
    """Who a commit says wrote it; agents have no address of their own."""
    match = _SIGNATURE.fullmatch(signature) if proposer.kind == "User" else None
    if match is not None:
        # What a commit object takes for the end of a name or of the line has no place in either.
        name, address = (_line(re.sub(r"[<>]", " ", part)) for part in match.groups())
        if name:
            return f"{name} <{address.replace(' ', '')}>"
    name = _ODD.sub("-", proposer.name).strip("-") or "unknown"
    return f"{name} <{name.lower()}@{proposer.kind.lower()}s.krate.invalid>"


def update_named_in(message: str) -> str | None:
    """The update whose commit a message is of."""
    match = _TRAILER.search(message)
    return match[1] if match else None


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _paragraph(line: str) -> str:
    """A line of somebody's text that no program takes for a trailer of ours."""
    plain = _line(line)
    return f" {plain}" if plain.lower().startswith("krate-") else plain
