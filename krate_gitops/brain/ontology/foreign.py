"""The ``foreign`` block: how a brain that was not written for this layout is read."""

from __future__ import annotations

from krate_gitops.brain.base_fields import STATUSES
from krate_gitops.brain.model import FileClass, Foreign, Sidecars
from krate_gitops.brain.ontology.reader import Section

REQUIRABLE = ("title", "status", "owners", "updatedAt")
"""Base fields that may be made optional; a record without an id or a kind is none."""

ALIASABLE = (
    "id", "kind", "title", "status", "owners", "updatedAt", "summary", "aliases", "tags", "repoRefs", "sourceRefs",
    "sensitivity",
)  # fmt: skip

_CLASSES = tuple(item.value for item in FileClass if item not in (FileClass.ONTOLOGY, FileClass.INDEX))


def read_foreign(section: Section) -> Foreign:
    required = section.texts("required", accept=(*REQUIRABLE, "id", "kind").__contains__, expected="a base field")
    key = _sidecar_key(section)
    foreign = Foreign(
        multi_document=section.flag("multiDocument", False),
        required=required if section.get("required") is not None else None,
        field_aliases=_field_aliases(section),
        status_map=_choices(section, "statusMap", STATUSES),
        id_pattern=section.choice("idPattern", ("strict", "relaxed"), "strict"),
        prefixes=section.choice("prefixes", ("one", "many"), "one"),
        duplicate_ids=section.choice("duplicateIds", ("reject", "merge-edges"), "reject"),
        sidecars=Sidecars(key) if key else None,
        ignore=section.texts("ignore", expected="a path pattern"),
        classes=_choices(section, "classes", _CLASSES),
    )
    section.close()
    return foreign


def _sidecar_key(section: Section) -> str:
    part = section.section("sidecars")
    if part is None:
        return ""
    key = part.text("key", "", required=True, expected="the key that names the extended record")
    part.close()
    return key


def _field_aliases(section: Section) -> dict[str, tuple[str, ...]]:
    part = section.section("fieldAliases")
    if part is None:
        return {}
    aliases = {name: part.texts(name, expected="a field name") for name in part.names() if name in ALIASABLE}
    part.close()
    return aliases


def _choices(section: Section, key: str, choices: tuple[str, ...]) -> dict[str, str]:
    part = section.section(key)
    if part is None:
        return {}
    found = {name: part.choice(name, choices, "") for name in part.names()}
    return {name: value for name, value in found.items() if value}
