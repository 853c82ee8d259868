"""The text of the four files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

from krate_gitops.brain.identifiers import is_external_id, prefix_of
from krate_gitops.brain.infer.foreign import foreign_lines
from krate_gitops.brain.infer.observe import Observation, SeenKind
from krate_gitops.brain.ontology.kinds import EDGE_KIND_NAME, NODE_KIND_NAME, RELAXED_ID_PREFIX
from krate_gitops.brain.ontology.load import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY

_HEADER = "schemaVersion: 1\nontologyVersion: 0.1.0\n"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_KEY_CHARACTERS = 200
_RESERVED = frozenset(("true", "false", "null"))


def quoted(value: str) -> str:
    """A YAML scalar that reads back as exactly this text."""
    if _PLAIN.match(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=True)


def flow(values: Iterable[str]) -> str:
    """A YAML list on one line."""
    return "[" + ", ".join(map(quoted, values)) + "]"


def comment(text: str) -> str:
    """Text that cannot leave its comment, whatever stands in it."""
    return "# " + json.dumps(text, ensure_ascii=True)[1:-1].replace('\\"', '"')


def plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def draft_files(seen: Observation) -> dict[str, bytes]:
    """The files by path, from everything observed."""
    prefixes = {prefix for kind in seen.kinds.values() for prefix in kind.ids}
    externals = _externals(seen, prefixes)
    declared = {name for name, kind in seen.kinds.items() if NODE_KIND_NAME.match(name) and _prefixes(kind)}
    texts = {
        NODE_KINDS: _node_kinds(seen, declared, prefixes, externals),
        EDGE_KINDS: _edge_kinds(seen, declared, externals),
        VOCABULARY: _vocabulary(),
        RULES: "\n".join([_HEADER + "failOn: error", "staleAfterDays: 365", *foreign_lines(seen), ""]),
    }
    return {path: text.encode() for path, text in texts.items()}


def _externals(seen: Observation, prefixes: set[str]) -> Counter[str]:
    """Prefixes that no record has but edges point at, with their edges."""
    found: Counter[str] = Counter()
    for targets in seen.edges.values():
        for (_, target), count in targets.items():
            prefix = prefix_of(target)
            if prefix not in prefixes and target not in seen.kind_of_id and is_external_id(target):
                found[prefix] += count
    return found


def _node_kinds(seen: Observation, declared: set[str], prefixes: set[str], externals: Counter[str]) -> str:
    lines = [f"# Drafted from {plural(seen.records, 'record')}. Counts are comments.", _HEADER + "nodeKinds:"]
    known = prefixes | set(externals)
    for name in sorted(seen.kinds):
        kind = seen.kinds[name]
        if name in declared:
            lines += _node_kind(name, kind, _prefixes(kind), known)
        else:
            what = "its name is not PascalCase" if _prefixes(kind) else "its ids have no prefix"
            lines.append("  " + comment(f"left out, {what}: {name[:80]} ({plural(kind.count, 'record')})"))
    if not declared:
        lines[1] = _HEADER + "nodeKinds: []"
    lines.append("externalPrefixes:" if externals else "externalPrefixes: []")
    for prefix, count in sorted(externals.items()):
        description = quoted(f"Names something outside; describe what {prefix} is.")
        lines.append(f"  - {{prefix: {quoted(prefix)}, description: {description}}}  # {plural(count, 'edge')}")
    return "\n".join(lines) + "\n"


def _prefixes(kind: SeenKind) -> list[str]:
    return [prefix for prefix, _ in _by_count(kind.ids) if RELAXED_ID_PREFIX.match(prefix)]


def _node_kind(name: str, kind: SeenKind, prefixes: list[str], known: set[str]) -> list[str]:
    folders = sorted(kind.folders)
    lines = [
        f"  - name: {name}  # {plural(kind.count, 'record')}",
        f"    idPrefix: {quoted(prefixes[0])}",
    ]
    if len(prefixes) > 1:
        shown = ", ".join(f"{prefix} {kind.ids[prefix]}" for prefix in prefixes)
        lines.append(f"    idPrefixes: {flow(prefixes)}  # {shown}")
    lines += [
        f"    description: {quoted(f'Drafted from data; describe what a {name} is.')}",
        f"    forms: {flow(form for form in ('graph', 'markdown') if kind.forms[form])}",
        f"    paths: {flow(['**'] if '' in folders else [f'{folder}/**' for folder in folders])}",
    ]
    if kind.attributes:
        lines.append("    attributes:")
        lines += (
            _attribute(attribute, kind, known)
            for attribute in sorted(kind.attributes)
            if len(attribute) <= _KEY_CHARACTERS
        )
    lines.append(f"    examples: {flow([kind.example])}")
    return lines


def _attribute(name: str, kind: SeenKind, known: set[str]) -> str:
    values = kind.attributes[name]
    note = str(values.count)
    if len(values.forms) > 1:
        note += ": " + ", ".join(f"{form} {count}" for form, count in _by_count(values.forms))
    return f"      {quoted(name)}: {{type: {values.type(known)}}}  # {note}"


def _edge_kinds(seen: Observation, declared: set[str], externals: Counter[str]) -> str:
    total = sum(sum(targets.values()) for targets in seen.edges.values())
    lines = [f"# Drafted from {plural(total, 'edge')}. Counts are comments.", _HEADER + "edgeKinds:"]
    named = False
    for name in sorted(seen.edges):
        if EDGE_KIND_NAME.match(name):
            named = True
            lines += _edge_kind(name, seen, declared, externals)
        else:
            count = plural(sum(seen.edges[name].values()), "edge")
            lines.append("  " + comment(f"left out, its name is not snake_case: {name[:80]} ({count})"))
    if not named:
        lines[1] = _HEADER + "edgeKinds: []"
    return "\n".join(lines) + "\n"


def _edge_kind(name: str, seen: Observation, declared: set[str], externals: Counter[str]) -> list[str]:
    targets = seen.edges[name]
    domain, reached, outside = Counter[str](), Counter[str](), Counter[str]()
    dangling = 0
    for (kind, target), count in targets.items():
        domain[kind] += count
        kinds = seen.kind_of_id.get(target, ())
        for reached_kind in kinds:
            reached[reached_kind] += count
        if not kinds and prefix_of(target) in externals:
            outside[prefix_of(target)] += count
        elif not kinds:
            dangling += count
    source, target = seen.edge_examples[name]
    return [
        f"  - name: {name}  # {plural(sum(targets.values()), 'edge')}" + (f", {dangling} dangling" if dangling else ""),
        f"    description: {quoted(f'Drafted from data; describe what {name} means.')}",
        _ends("domain", domain, declared),
        _ends("range", reached, declared, nothing="[]" if outside else '["*"]'),
        *([f"    external: {flow(sorted(outside))}  # {_counts(outside)}"] if outside else []),
        f"    examples: {flow([f'{source} {name} {target}'])}",
    ]


def _ends(key: str, kinds: Counter[str], declared: set[str], nothing: str = '["*"]') -> str:
    valid = sorted(declared & kinds.keys())
    counts = _counts(kinds)
    return f"    {key}: {flow(valid) if valid else nothing}" + (f"  # {counts}" if counts else "")


def _counts(counter: Counter[str]) -> str:
    return comment(", ".join(f"{name or '?'} {count}" for name, count in _by_count(counter)))[2:]


def _by_count(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _vocabulary() -> str:
    return (
        _HEADER
        + "vocabularies:\n"
        + "  status: {closed: true, values: [draft, approved, deprecated, archived]}\n"
        + "  sensitivity: {closed: true, values: [public, internal, restricted, secret-metadata]}\n"
    )
