"""The difference of two answers to one question, item by item."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from krate_gitops.memory.response import DocumentItem, ExcerptItem, RecordItem
from krate_gitops.updates.impact.model import ItemShift, Shift

Item = RecordItem | ExcerptItem | DocumentItem


class _Pair(NamedTuple):
    """The same item in both answers; None where it is in one only."""

    before: Item | None
    after: Item | None


def shifts_between(before: Sequence[Item], after: Sequence[Item]) -> tuple[ItemShift, ...]:
    """How the items of an answer, in ranking order, shift: those that stay as they are left out.

    Records are the same by id, documents by path. Excerpts are the same where their file and text are, then, in order,
    those of one file that are left.
    """
    pairs = _pairs(before, after)
    stay = [pair for pair in pairs if pair.before and pair.after]
    moved = _out_of_order([pair.before.rank for pair in stay if pair.before])
    moving = {id(pair) for pair, moves in zip(stay, moved, strict=True) if moves}
    shifts = [shift for pair in pairs if (shift := _shift(pair, id(pair) in moving)) is not None]
    return tuple(sorted(shifts, key=lambda one: (one.after or one.before or 0, one.after is None)))


def _pairs(before: Sequence[Item], after: Sequence[Item]) -> list[_Pair]:
    """In the order of the answer afterwards, then what is gone."""
    olds, news = _by_name(before), _by_name(after)
    found: list[_Pair] = []
    for name, new in news.items():
        found += _matched(olds.pop(name, []), new)
    found += [_Pair(item, None) for group in olds.values() for item in group]
    return sorted(found, key=lambda pair: (pair.after is None, (pair.after or pair.before or _NONE).rank))


class _Nothing(NamedTuple):
    rank: int = 0


_NONE = _Nothing()


def _by_name(items: Sequence[Item]) -> dict[tuple[str, str], list[Item]]:
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        name = item.id if isinstance(item, RecordItem) else item.path
        groups.setdefault((kind_of(item), name), []).append(item)
    return groups


def _matched(olds: list[Item], news: list[Item]) -> Iterator[_Pair]:
    """Items of one name, of which only excerpts can be several."""
    alike: dict[str, list[Item]] = {}
    for old in olds:
        alike.setdefault(old.digest, []).append(old)
    rest: list[Item] = []
    taken: set[int] = set()
    for new in sorted(news, key=_line):
        same = alike.get(new.digest)
        if same:
            old = same.pop(0)
            taken.add(old.rank)
            yield _Pair(old, new)
        else:
            rest.append(new)
    left = sorted((old for old in olds if old.rank not in taken), key=_line)
    yield from (_Pair(old, new) for old, new in zip(left, rest, strict=False))
    yield from (_Pair(old, None) for old in left[len(rest) :])
    yield from (_Pair(None, new) for new in rest[len(left) :])


def _line(item: Item) -> int:
    return item.line_start if isinstance(item, ExcerptItem) else 0


def kind_of(item: Item) -> str:
    """``record``, ``excerpt`` or ``document``."""
    if isinstance(item, RecordItem):
        return "record"
    return "excerpt" if isinstance(item, ExcerptItem) else "document"


def _out_of_order(ranks: Sequence[int]) -> list[bool]:
    """Of distinct numbers, those that a longest rising row of them leaves out: the fewest that must have moved."""
    tails: list[int] = []
    places: list[int] = []
    above: list[int] = []
    for at, rank in enumerate(ranks):
        place = bisect_left(tails, rank)
        above.append(places[place - 1] if place else -1)
        if place == len(tails):
            tails.append(rank)
            places.append(at)
        else:
            tails[place], places[place] = rank, at
    moved = [True] * len(ranks)
    at = places[-1] if places else -1
    while at >= 0:
        moved[at] = False
        at = above[at]
    return moved


def _shift(pair: _Pair, moves: bool) -> ItemShift | None:
    old, new = pair
    item = new or old
    if item is None:
        return None
    changed = bool(old and new and (old.digest != new.digest or old.path != new.path))
    if old is None:
        shift = Shift.ENTERS
    elif new is None:
        shift = Shift.LEAVES
    elif moves:
        shift = Shift.MOVES
    elif changed:
        shift = Shift.CHANGES
    elif old.rank != new.rank:
        shift = Shift.PUSHED
    else:
        return None
    return ItemShift(
        shift=shift,
        item=kind_of(item),
        id=item.record_id if isinstance(item, ExcerptItem) else item.id,
        path=item.path,
        lines=f"{item.line_start}-{item.line_end}" if isinstance(item, ExcerptItem) else None,
        before=old.rank if old else None,
        after=new.rank if new else None,
        changed=changed,
        why=item.why,
    )
