"""An impact for people: a short table in a pull request, and lines on a terminal.

What is shown was written by anyone. In Markdown it stands in code spans, in which no forge looks for links, mentions,
HTML or emphasis; the two characters that could end a span or a cell are replaced by others that look like them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from krate_gitops.printable import printable
from krate_gitops.updates.impact.model import EdgeFrom, Impact, ItemShift, QueryImpact, RecordName, Shift, Structure
from krate_gitops.updates.nearness import NearRepeat

MOST_ROWS = 10
"""Questions, and records of each list, that a table shows."""
MOST_ITEMS = 5
"""Items that a cell shows."""
_LONGEST = 100
_COLOURS = {"+": "32", "-": "31", "~": "33", ">": "36"}
_SIGNS = {Shift.ENTERS: "+", Shift.LEAVES: "-", Shift.MOVES: ">", Shift.CHANGES: "~"}


def impact_table(impact: Impact) -> str:
    """Markdown for the body of a pull request; ends with a line feed. At most ``MOST_ROWS`` rows of each kind."""
    parts = [f"{_summary(impact)}\n"]
    if impact.queries:
        parts.append(_questions(impact.queries))
    parts += _graph(impact.structure)
    return "\n".join(parts)


def _summary(impact: Impact) -> str:
    """One sentence about the questions."""
    if not impact.asked:
        text = "No recorded questions to ask again."
    else:
        questions = _count(impact.asked, "recorded question")
        text = f"{questions} asked again: {len(impact.queries) or 'none'} answered differently."
    if impact.unreadable:
        text += f" {_count(impact.unreadable, 'snapshot')} could not be read."
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _questions(queries: Sequence[QueryImpact]) -> str:
    head = "| Question | Asked | Enter | Leave | Move or change |\n|---|---|---|---|---|\n"
    rows = "".join(_row(query) for query in queries[:MOST_ROWS])
    return head + rows + _more(len(queries) - MOST_ROWS, "question")


def _row(query: QueryImpact) -> str:
    text = code(query.text) if query.text else "(documents by name)"
    if query.refused_before != query.refused_after:
        became = f"refused, {code(query.refused_after)}" if query.refused_after else "answered"
        text += f" ({became}; before: {code(query.refused_before) if query.refused_before else 'answered'})"
    cells = (
        text,
        f"{query.times}×",
        _items(query, Shift.ENTERS),
        _items(query, Shift.LEAVES),
        _items(query, Shift.MOVES, Shift.CHANGES),
    )
    return f"| {' | '.join(cells)} |\n"


def _items(query: QueryImpact, *shifts: Shift) -> str:
    found = [item for item in query.shifts if item.shift in shifts]
    shown = [f"{code(_name(item))} {_ranks(item)}" for item in found[:MOST_ITEMS]]
    if len(found) > MOST_ITEMS:
        shown.append(f"and {len(found) - MOST_ITEMS} more")
    return ", ".join(shown) or "–"


def _name(item: ItemShift) -> str:
    if item.item == "record":
        return item.id or item.path
    return f"{item.path}:{item.lines}" if item.lines else item.path


def _ranks(item: ItemShift) -> str:
    if item.before is None or item.after is None:
        return f"({item.after or item.before})"
    ranks = f"{item.before}→{item.after}" if item.before != item.after else f"{item.after}"
    return f"({ranks}, changed)" if item.changed else f"({ranks})"


def _graph(structure: Structure) -> Iterator[str]:
    if structure.inbound_total:
        head = "| Record | Edges to it that come | that go |\n|---|---|---|\n"
        rows = "".join(
            f"| {code(one.id)} | {_edges(one.added, one.added_total)} | {_edges(one.removed, one.removed_total)} |\n"
            for one in structure.inbound[:MOST_ROWS]
        )
        yield head + rows + _more(structure.inbound_total - MOST_ROWS, "record")
    if structure.lost_total:
        yield f"No path from any repository leads any more to {_records(structure.lost, structure.lost_total)}.\n"
    if structure.unreached_total:
        new = _records(structure.unreached, structure.unreached_total)
        yield f"New, and only found by their words, as nothing leads there: {new}.\n"


def _edges(edges: Sequence[EdgeFrom], total: int) -> str:
    shown = [f"{code(edge.kind)} from {code(edge.source)}" for edge in edges[:MOST_ITEMS]]
    if total > len(shown):
        shown.append(f"and {total - len(shown)} more")
    return ", ".join(shown) or "–"


def _records(records: Sequence[RecordName], total: int) -> str:
    shown = [code(record.id) for record in records[:MOST_ROWS]]
    if total > len(shown):
        shown.append(f"{total - len(shown)} more")
    return ", ".join(shown)


def _more(number: int, noun: str) -> str:
    return f"\nand {_count(number, f'more {noun}')}\n" if number > 0 else ""


def code(text: str | None) -> str:
    """A text of any origin as a code span that stays in its table cell; cut to a readable length."""
    shown = " ".join(printable(text or "").split()).replace("`", "ˋ").replace("|", "¦").replace("\\", "∖")
    if len(shown) > _LONGEST:
        shown = f"{shown[: _LONGEST - 1]}…"
    return f"`{shown}`" if shown else "–"


def near_table(near: Sequence[NearRepeat]) -> str:
    """Markdown for a pull request: what the proposed records nearly repeat; empty where they repeat nothing."""
    if not near:
        return ""
    rows = [
        f"| {code(repeat.id)} | {code(one.id)}{' (new too)' if one.proposed else ''} | {one.measure:.2f} "
        f"| {', '.join(code(term) for term in one.shared[:MOST_ITEMS]) or '–'} |\n"
        for repeat in near
        for one in repeat.near
    ]
    head = "| Record | Nearly repeats | Measure | Shared terms |\n|---|---|---|---|\n"
    return head + "".join(rows[:MOST_ROWS]) + _more(len(rows) - MOST_ROWS, "pair")


def near_lines(near: Sequence[NearRepeat]) -> list[str]:
    """Lines for a terminal."""
    return [
        f"{printable(repeat.id)} nearly repeats {printable(one.id)} ({printable(one.path)}): {one.measure:.2f}, "
        f"both have {printable(', '.join(one.shared))}"
        for repeat in near
        for one in repeat.near
    ]


def impact_lines(impact: Impact, colour: bool = False) -> list[str]:
    """Lines for a terminal, complete but for what the impact itself cuts; with ``colour`` they are painted."""
    lines = [_summary(impact)]
    for query in impact.queries:
        lines += _query_lines(query)
    structure = impact.structure
    for change in structure.inbound:
        lines.append(f"edges to {printable(change.id)}:")
        lines += _edge_lines("+", change.added, change.added_total)
        lines += _edge_lines("-", change.removed, change.removed_total)
    lines += _cut(structure.inbound_total - len(structure.inbound), "record", "")
    lines += _record_lines("no path from a repository any more:", "-", structure.lost, structure.lost_total)
    lines += _record_lines("new, and nothing leads there:", "+", structure.unreached, structure.unreached_total)
    return [_painted(line) for line in lines] if colour else lines


def _query_lines(query: QueryImpact) -> Iterator[str]:
    text = printable(query.text) if query.text else "(documents by name)"
    yield f'"{text}"  {query.mode}, asked {query.times}×, {query.items_before} → {query.items_after} items'
    if query.refused_before != query.refused_after:
        yield f"  ! {query.refused_before or 'answered'} → {query.refused_after or 'answered'}"
    for item in query.shifts:
        if sign := _SIGNS.get(item.shift):
            why = "; ".join(f"{reason.criterion} {reason.value}" for reason in item.why)
            yield f"  {sign} {item.item:<8} {printable(_name(item))} {_ranks(item)}{f'  [{why}]' if why else ''}"
    if pushed := query.count(Shift.PUSHED):
        yield f"  {_count(pushed, 'item')} up or down because of these"


def _edge_lines(sign: str, edges: Sequence[EdgeFrom], total: int) -> Iterator[str]:
    for edge in edges:
        yield f"  {sign} {printable(edge.kind)} from {printable(edge.source)}"
    yield from _cut(total - len(edges), "edge", "  ")


def _record_lines(head: str, sign: str, records: Sequence[RecordName], total: int) -> Iterator[str]:
    if records:
        yield head
    for record in records:
        yield f"  {sign} {printable(record.id)}  {printable(record.path)}"
    yield from _cut(total - len(records), "record", "  ")


def _cut(number: int, noun: str, indent: str) -> Iterable[str]:
    return [f"{indent}and {_count(number, f'more {noun}')}"] if number > 0 else []


def _painted(line: str) -> str:
    colour = _COLOURS.get(line.lstrip()[:1]) if line.startswith("  ") else None
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line
