"""The ``foreign`` block of a draft: only what the brain needs to be read at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from posixpath import dirname

from krate_gitops.brain.infer.observe import TITLE_LIKE, Observation
from krate_gitops.brain.layout import classify
from krate_gitops.brain.model import FileClass
from krate_gitops.brain.ontology.lookup import BASE_REQUIRED

_STATUS_WORDS = {
    "approved": "accepted active adopted canonical current enabled final live published ready stable standard valid",
    "draft": "experimental new open pending planned proposed todo unverified wip",
    "deprecated": "discouraged legacy obsolete replaced superseded sunset",
    "archived": "abandoned cancelled closed completed done dropped rejected removed retired withdrawn",
}
_STATUS_OF_WORD = {word: status for status, words in _STATUS_WORDS.items() for word in words.split()}


def foreign_lines(seen: Observation) -> list[str]:
    """Lines of the block, none when the records follow the layout."""
    full = seen.records - seen.edge_only
    shared = len({prefix for kind in seen.kinds.values() for prefix in kind.ids})
    used = sum(len(kind.ids) for kind in seen.kinds.values())
    several = any(len(kind.ids) > 1 for kind in seen.kinds.values())
    lines = [
        *_multi_document(seen),
        *_required(seen, full),
        *_titles(seen, full),
        *_statuses(seen),
        *([f"  idPattern: relaxed  # {seen.loose_ids} ids are not of the strict form"] if seen.loose_ids else []),
        *(["  prefixes: many"] if several or used > shared else []),
        *([f"  duplicateIds: merge-edges  # {seen.edge_only} records only add edges"] if seen.merges else []),
        *_sidecars(seen),
        *_ignored(seen),
        *_classes(seen),
    ]
    return ["foreign:", *lines] if lines else []


def _multi_document(seen: Observation) -> list[str]:
    files = sum(count > 1 for count in seen.record_paths.values())
    return [f"  multiDocument: true  # {files} of {len(seen.record_paths)} files"] if files else []


def _required(seen: Observation, full: int) -> list[str]:
    present = [field for field in BASE_REQUIRED if seen.base_fields[field] >= full]
    if len(present) == len(BASE_REQUIRED):
        return []
    counts = ", ".join(f"{field} {seen.base_fields[field]}" for field in BASE_REQUIRED)
    return [f"  required: [{', '.join(present)}]  # of {full} records: {counts}"]


def _titles(seen: Observation, full: int) -> list[str]:
    names = [name for name in TITLE_LIKE[1:] if seen.titles[name] > 100 * seen.bad_titles[name]]
    if not names or seen.titles["title"] >= full:
        return []
    counts = ", ".join(f"{name} {seen.titles[name]}" for name in names)
    return [f"  fieldAliases: {{title: [{', '.join(names)}]}}  # {counts}"]


def _statuses(seen: Observation) -> list[str]:
    if not seen.statuses:
        return []
    lines = ["  statusMap:"]
    for status, count in sorted(seen.statuses.items()):
        mapped = _STATUS_OF_WORD.get(status.lower())
        guess = "" if mapped else ", a guess"
        lines.append(f"    {_text(status)}: {mapped or 'draft'}  # {count}{guess}")
    return lines


def _sidecars(seen: Observation) -> list[str]:
    if not seen.sidecar_keys:
        return []
    key, count = min(seen.sidecar_keys.items(), key=lambda item: (-item[1], item[0]))
    return [f"  sidecars: {{key: {_text(key)}}}  # {count} documents"]


def _ignored(seen: Observation) -> list[str]:
    """YAML files without a record; a folder of nothing else is named as a whole."""
    strays = {path for path in seen.other_paths if path not in seen.record_paths}
    strays = {path for path in strays if classify(path) is FileClass.GRAPH}
    occupied = {folder for path in seen.record_paths for folder in _folders(path)}
    patterns = sorted({_widest(path, occupied) for path in strays})
    return ["  ignore:", *(f"    - {_text(pattern)}" for pattern in patterns)] if patterns else []


def _folders(path: str) -> Iterator[str]:
    while path := dirname(path):
        yield path


def _widest(path: str, occupied: set[str]) -> str:
    free = [folder for folder in _folders(path) if "/" in folder and folder not in occupied]
    return f"{free[-1]}/**" if free else path


def _classes(seen: Observation) -> list[str]:
    """Folders where records stand outside the layout's places, each by its top two levels."""
    patterns: dict[str, FileClass] = {}
    for path in seen.record_paths:
        markdown = path.endswith(".md")
        wanted = FileClass.MARKDOWN_RECORD if markdown else FileClass.GRAPH
        if classify(path) not in (wanted, FileClass.NOTE):
            top = "/".join(dirname(path).split("/")[:2])
            ending = path.rpartition(".")[2]
            patterns[f"{top}/**/*.{ending}" if top else f"*.{ending}"] = wanted
    lines = [f"    {_text(pattern)}: {file_class.value}" for pattern, file_class in sorted(patterns.items())]
    return ["  classes:", *lines] if lines else []


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=True)
