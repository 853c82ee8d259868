"""Known-item queries: words taken from a unit, which is then the one right answer.

Cheap and many, and biased to literal overlap: they guard against regressions, they crown no winner.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

SEED = 20_260_813
_WORD = re.compile(r"[^\W_]{2,}")

FUNCTION_WORDS = frozenset(
    _WORD.findall(
        """
        an and are as at be been but by can for from has have if in into is it its no not of off on or our out over
        per so such than that the their them then there these they this those to under up via was were when where
        which while who will with within without you your
        """
    )
)
"""Never drawn: who looks for a known item types the words that tell it from others."""


class Item(NamedTuple):
    """Indexed text of one unit."""

    id: str
    title: str
    summary: str
    body_text: str


class Query(NamedTuple):
    """A query made from the unit ``target`` by the named generator."""

    id: str
    generator: str
    text: str
    target: str


def _distinct(*texts: str) -> list[str]:
    words = {word.casefold(): word for text in texts for word in _WORD.findall(text)}
    return [word for folded, word in words.items() if folded not in FUNCTION_WORDS]


def _pick(draw: random.Random, words: Sequence[str], count: int) -> list[str]:
    return draw.sample(list(words), count) if len(words) >= count else []


def _title(draw: random.Random, item: Item) -> list[str]:
    return _pick(draw, _distinct(item.title), 2)


def _title_and_summary(draw: random.Random, item: Item) -> list[str]:
    return _pick(draw, _distinct(item.title, item.summary), 3)


def _summary(draw: random.Random, item: Item) -> list[str]:
    return _pick(draw, _distinct(item.summary), 5)


def _id(draw: random.Random, item: Item) -> list[str]:
    return _pick(draw, _distinct(item.id.partition(":")[2]), 2)


def _body_and_title(draw: random.Random, item: Item) -> list[str]:
    body, title = _pick(draw, _distinct(item.body_text), 3), _pick(draw, _distinct(item.title), 1)
    return body + title if body and title else []


def _mixed(draw: random.Random, item: Item) -> list[str]:
    return draw.choice((_title, _title_and_summary, _summary, _id, _body_and_title))(draw, item)


GENERATORS: dict[str, Callable[[random.Random, Item], list[str]]] = {
    "title-2": _title,
    "title-summary-3": _title_and_summary,
    "summary-5": _summary,
    "id-2": _id,
    "body-title-4": _body_and_title,
    "mixed": _mixed,
}


def known_items(items: Sequence[Item], each: int = 200, seed: int = SEED) -> list[Query]:
    """``each`` queries of every generator, the same for the same items in any order.

    Units whose id occurs more than once are left out: the right answer would be ambiguous. A generator that finds too
    few units with enough words yields fewer.
    """
    counts: dict[str, int] = {}
    for item in items:
        counts[item.id] = counts.get(item.id, 0) + 1
    pool = sorted((item for item in items if counts[item.id] == 1), key=lambda item: item.id)
    return [query for name in GENERATORS for query in _generate(name, pool, each, seed)]


def _generate(name: str, pool: Sequence[Item], each: int, seed: int) -> Iterator[Query]:
    draw = random.Random(f"{seed}/{name}")
    made = 0
    for item in draw.sample(list(pool), len(pool)):
        if made == each:
            return
        words = GENERATORS[name](draw, item)
        if words:
            made += 1
            yield Query(f"{name}-{made:03d}", name, " ".join(words), item.id)
