"""Known-item queries come from their unit, and from the seed alone."""

from __future__ import annotations

import random

from tests.eval.known_items import GENERATORS, Item, known_items

ITEMS = [
    Item(
        f"topic:word{n}-name{n}",
        f"Title{n} of Thing{n}",
        f"one{n} two{n} three{n} four{n} five{n} six{n}",
        f"b{n}a b{n}b b{n}c",
    )
    for n in range(40)
]
WORDS = {"title-2": 2, "title-summary-3": 3, "summary-5": 5, "id-2": 2, "body-title-4": 4}


def test_each_of_six_generators_makes_the_number_asked_for() -> None:
    queries = known_items(ITEMS, each=7)
    assert len(GENERATORS) == 6
    assert [query.generator for query in queries] == [name for name in GENERATORS for _ in range(7)]
    assert len({query.id for query in queries}) == len(queries)


def test_the_words_of_a_query_stand_in_its_unit() -> None:
    by_id = {item.id: item for item in ITEMS}
    for query in known_items(ITEMS, each=10):
        words = query.text.split()
        text = " ".join(by_id[query.target]).replace("-", " ").replace(":", " ").split()
        assert set(words) <= set(text)
        assert len(words) == WORDS.get(query.generator, len(words))


def test_the_order_of_the_units_does_not_matter_but_the_seed_does() -> None:
    shuffled = random.Random(3).sample(ITEMS, len(ITEMS))
    assert known_items(shuffled, each=5) == known_items(ITEMS, each=5)
    assert known_items(ITEMS, each=5, seed=1) != known_items(ITEMS, each=5, seed=2)


def test_an_id_that_occurs_twice_is_never_the_answer() -> None:
    twice = [*ITEMS, ITEMS[0]]
    assert ITEMS[0].id not in {query.target for query in known_items(twice, each=40)}


def test_units_with_too_few_words_are_passed_over() -> None:
    assert known_items([Item("a:b", "One", "", "")], each=3) == []
