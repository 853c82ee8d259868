"""Changes laid over the files of a commit, in memory: what the files would be, and nothing is written yet."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from krate_gitops.brain.text import decode
from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.names import escape_name, find_fault
from krate_gitops.reconcile.writer.reach import Reach, is_below
from krate_gitops.reconcile.writer.refusals import outside_source
from krate_gitops.reconcile.writer.request import Apply, Assign, Change, Delete, Restore
from krate_gitops.reconcile.writer.target import SourceTarget
from krate_gitops.resources.edit.canonical import canonical_yaml
from krate_gitops.resources.edit.document import append_document, edit_document, remove_document
from krate_gitops.resources.edit.fields import assigned, found, parse_path
from krate_gitops.resources.kinds.common import NAME_PATTERN
from krate_gitops.resources.kinds.inventory import KINDS
from krate_gitops.resources.load import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_OBJECTS,
    MAX_TOTAL_BYTES,
    Loaded,
)
from krate_gitops.resources.manifest import Issue, Manifest, Site, SourceFile
from krate_gitops.resources.parse import parse_file, parse_text, settle
from krate_gitops.resources.world import organization_of

_NAME = re.compile(NAME_PATTERN.rstrip("$") + r"\Z")

Earlier = Callable[[str, str], dict[str, bytes]]
"""The files at or below a path (relative to the source) at a commit."""


class Overlay:
    """The files of a source with changes made one after the other; changes are normal, paths relative to the source."""

    def __init__(self, base: Loaded, target: SourceTarget, earlier: Earlier) -> None:
        self._target = target
        self._earlier = earlier
        self._base = base
        self._files = dict(base.files)
        self._manifests: dict[str, list[Manifest]] = {}
        self._issues: dict[str, list[Issue]] = {}
        for manifest in base.manifests:
            self._manifests.setdefault(manifest.path, []).append(manifest)
        for issue in base.issues:
            self._issues.setdefault(issue.site.path, []).append(issue)
        self._reach = Reach(target)

    def make(self, change: Change) -> Any:
        """Makes a change; what it found in its place, so that a later base can be told from this one.

        Raises ``UsageError(INVALID_REQUEST)``, ``UnavailableError(CONFIG_OBJECT_NOT_FOUND)``, ``KrateError`` with
        ``KR806`` for a path outside the source and ``CONFIG_NOT_EDITABLE`` for a file that can't be edited.
        """
        if isinstance(change, Apply):
            return self._apply(change)
        if isinstance(change, Assign):
            return self._assign(change)
        if isinstance(change, Delete):
            return self._delete(change)
        return self._restore(change)

    @property
    def changed(self) -> dict[str, bytes | None]:
        """Files whose content differs from the base, ``None`` for those that are gone."""
        result: dict[str, bytes | None] = {}
        for path in sorted(self._files.keys() | self._base.files.keys()):
            old, new = self._base.files.get(path), self._files.get(path)
            if new is None or old is None or new.data != old.data:
                result[path] = None if new is None else new.data
        return result

    def loaded(self) -> Loaded:
        """The whole result, as a loader would give it."""
        files = {path: self._files[path] for path in sorted(self._files)}
        manifests = [one for path in files for one in self._manifests.get(path, ())]
        issues = [issue for path in sorted(self._issues) for issue in self._issues[path]]
        for most, count, what in (
            (MAX_FILES, len(files), "files"),
            (MAX_TOTAL_BYTES, sum(len(file.data) for file in files.values()), "bytes in all files"),
            (MAX_OBJECTS, len(manifests), "objects"),
        ):
            if count > most:
                issues.append(Issue("KR706", f"at most {most} {what}, found {count}", Site("")))
        return Loaded(manifests, issues, files)

    # Changes

    def _apply(self, change: Apply) -> Any:
        wanted = change.object
        kind, metadata = wanted.get("kind"), wanted.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(kind, str) or not isinstance(name, str) or not _NAME.match(name):
            raise UsageError(
                "INVALID_REQUEST",
                "an object needs a kind, and a metadata.name of lower case letters, digits and -",
                hint="add them",
            )
        spec = wanted.get("spec")
        organization = spec.get("organizationRef") if isinstance(spec, dict) else None
        there = self._find(kind, name, organization if isinstance(organization, str) else None)
        if there is not None:
            old = self._value(there)
            self._edit(there, wanted)
            return old
        path = self._new_path(change.path, kind, name)
        file = self._files.get(path)
        if file is None:
            self._write(path, canonical_yaml(wanted).encode())
        else:
            self._write(path, append_document(path, file.data, wanted))
        return None

    def _assign(self, change: Assign) -> Any:
        there = self._existing(change.kind, change.name)
        old = value = self._value(there)
        seen = {}
        for field, new in [*change.fields.items(), *((field, None) for field in change.remove)]:
            steps = parse_path(field)
            seen[field] = found(old, steps)
            value = assigned(value, steps, new)
        self._edit(there, value)
        return seen

    def _delete(self, change: Delete) -> Any:
        there = self._existing(change.kind, change.name)
        old = self._value(there)
        file = self._files[there.path]
        if there.pointer:
            self._edit(there, None)
        else:
            self._write(there.path, remove_document(there.path, file.data, there.document))
        return old

    def _restore(self, change: Restore) -> Any:
        path = change.path.strip("/")
        names = [name for name in path.split("/") if name not in ("", ".")]
        if ".." in names:
            raise outside_source(escape_name(path), "it leads out of the source")
        path = "/".join(names)
        then = {name: data for name, data in self._earlier(change.commit, path).items() if name in self._reach}
        now = {name: file.data for name, file in self._files.items() if is_below(name, path)}
        if not then and not now:
            raise UnavailableError(
                "CONFIG_OBJECT_NOT_FOUND",
                f"there is no manifest at {escape_name(path) or 'the top'}, neither then nor now",
                hint="name a file or folder of the source",
                location=escape_name(path),
            )
        for name in sorted(now.keys() | then.keys()):
            if now.get(name) != then.get(name):
                self._write(name, then.get(name))
        return {name: data.decode("latin-1") for name, data in sorted(now.items())}

    # Objects

    def _existing(self, kind: str, name: str) -> Manifest:
        there = self._find(kind, name, self._target.organization)
        if there is None:
            raise UnavailableError(
                "CONFIG_OBJECT_NOT_FOUND",
                f"the source has no {kind} {escape_name(name)[:80]}",
                hint="check the name and the branch; `config apply` makes new objects",
            )
        return there

    def _find(self, kind: str, name: str, organization: str | None) -> Manifest | None:
        alike = [one for found in self._manifests.values() for one in found if one.kind == kind and one.name == name]
        if organization is not None and KINDS.get(kind) is not None:
            alike = [one for one in alike if organization_of(one) in ("", organization)]
        if len(alike) > 1:
            raise UsageError(
                "INVALID_REQUEST",
                f"{kind} {name} is there {len(alike)} times",
                hint="say whose with --org, or remove what is double",
                location=alike[1].path,
            )
        return alike[0] if alike else None

    def _value(self, manifest: Manifest) -> dict[str, Any]:
        """The object as it is written, before aliases of its fields are settled."""
        value = self._document(manifest)
        if manifest.pointer:
            value = value["items"][_position(manifest)]
        result: dict[str, Any] = value
        return result

    def _document(self, manifest: Manifest) -> Any:
        file = self._files[manifest.path]
        return settle(parse_text(file.path, decode(file.data))[manifest.document].value)

    def _edit(self, manifest: Manifest, wanted: dict[str, Any] | None) -> None:
        document: Any = wanted
        if manifest.pointer:
            document = copy.deepcopy(self._document(manifest))
            at = _position(manifest)
            document["items"][at : at + 1] = [] if wanted is None else [wanted]
        file = self._files[manifest.path]
        self._write(manifest.path, edit_document(manifest.path, file.data, manifest.document, document))

    # Files

    def _new_path(self, wanted: str | None, kind: str, name: str) -> str:
        known = KINDS.get(kind)
        path = wanted or f"{known.plural if known else kind.lower() + 's'}/{name}.yaml"
        for part in path.split("/"):
            fault = find_fault(part.encode("utf-8", "surrogatepass"))
            if fault or part.startswith("."):
                raise outside_source(escape_name(path)[:200], fault or "a name begins with a dot")
        if path not in self._reach:
            raise outside_source(escape_name(path)[:200], "the source doesn't read it, or it is read by another one")
        return path

    def _write(self, path: str, data: bytes | None) -> None:
        if path not in self._reach:
            raise outside_source(escape_name(path)[:200], "the source doesn't read it, or it is read by another one")
        self._manifests.pop(path, None)
        self._issues.pop(path, None)
        if data is None:
            self._files.pop(path, None)
            return
        file = SourceFile(path, data)
        self._files[path] = file
        if len(data) > MAX_FILE_BYTES:
            issue = Issue("KR706", f"a file has at most {MAX_FILE_BYTES} bytes, this one {len(data)}", Site(path))
            self._issues[path] = [issue]
            return
        self._manifests[path], self._issues[path] = parse_file(file)


def _position(manifest: Manifest) -> int:
    match = re.fullmatch(r"items\[(\d+)\]", manifest.pointer)
    if match is None:
        raise KrateError("CONFIG_NOT_EDITABLE", "the object is part of another one", location=manifest.path)
    return int(match[1])
