"""Words to search for, drawn from the texts that are searched."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(rb"[a-z]{3,24}")
_CLASSES = (1, 10, 100, 1_000)
"""Upper bounds of classes of frequency: documents that hold the word; the last class has none."""


def draw_words(texts: Iterable[bytes], count: int, *, seed: int = 1) -> list[tuple[str, int]]:
    """``count`` words with the documents that hold each, about as many from each class of frequency, shuffled.

    The same texts give the same words.
    """
    frequency: Counter[bytes] = Counter()
    for text in texts:
        frequency.update(set(_WORD.findall(text.lower())))
    classes: list[list[bytes]] = [[] for _ in range(len(_CLASSES) + 1)]
    for word in sorted(frequency):
        classes[sum(frequency[word] > bound for bound in _CLASSES)].append(word)
    rng = random.Random(f"words:{seed}")
    for words in classes:
        rng.shuffle(words)
    # In turns, so that a class that runs out leaves its share to the others.
    turns = [word for turn in range(count) for words in classes for word in words[turn : turn + 1]]
    drawn = turns[:count]
    rng.shuffle(drawn)
    return [(word.decode(), frequency[word]) for word in drawn]
