"""One recorded question, asked of the base and of the trial commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.brain.scan.injection import Verdict
from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.index.strength import analyse
from krate_gitops.memory.brain import check_readable
from krate_gitops.memory.items import Assembler
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.query import find
from krate_gitops.memory.question import Question
from krate_gitops.memory.response import Why
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.updates.impact.model import ItemShift, QueryImpact
from krate_gitops.updates.impact.paired import TrialIndex
from krate_gitops.updates.impact.recorded import Recorded
from krate_gitops.updates.impact.sameness import surely_same
from krate_gitops.updates.impact.shifts import Item, shifts_between

TEXT_CHARACTERS = 160
"""Of a question's text that are shown."""
WITHHELD = "[withheld: it reads like an instruction]"


class Selected(NamedTuple):
    """Items of an answer in ranking order, or the code of its refusal."""

    items: tuple[Item, ...]
    refused: str | None = None


class Safe:
    """Strings as they may leave, by the rules of both commits: a change can't make the program say more."""

    def __init__(self, before: OpenIndex, after: OpenIndex) -> None:
        self._before, self._after = before.safe, after.safe
        self._cleaners = (before.cleaner, after.cleaner)

    def __call__(self, string: str) -> str:
        return _twice(string, self._before, self._after)

    def text(self, text: str) -> str:
        """The text of a question, redacted as a whole and then cut."""
        if any(cleaner.verdicts([text]) != [Verdict.CLEAN] for cleaner in self._cleaners):
            return WITHHELD
        safe = " ".join(self(text).split())
        return safe if len(safe) <= TEXT_CHARACTERS else safe[: TEXT_CHARACTERS - 1] + "…"

    def shifts(self, shifts: Sequence[ItemShift], text: str) -> tuple[ItemShift, ...]:
        """Items of one answer to ``text``, by the rules of the other too."""
        words = {word.text for word in analyse(self(text)).words}
        return tuple(
            msgspec.structs.replace(
                shift,
                id=self(shift.id) if shift.id else shift.id,
                path=self(shift.path),
                why=tuple(self._why(why, words) for why in shift.why),
            )
            for shift in shifts
        )

    def _why(self, why: Why, words: set[str]) -> Why:
        """A reason; of a match only words that the redacted question still has: half a secret is not known as one."""
        detail = why.detail
        if why.criterion == "match":
            detail = ", ".join(word for word in detail.split(", ") if word in words or " " in word)
        return msgspec.structs.replace(why, detail=self(detail))


def _twice(string: str, first: SafeStrings, second: SafeStrings) -> str:
    return second(first(string))


def ask_both(
    question: Recorded, before: OpenIndex, after: OpenIndex, viewer: EffectivePolicy, safe: Safe
) -> QueryImpact | None:
    """How the answer to a question differs for a viewer; None where it does not.

    It is asked under the policy of whoever asked it, narrowed to what the viewer may read: nothing else is told, and
    nothing else has a place in the order.
    """
    policy = question.policy.narrowed(viewer)
    asked = _ask(before, question, policy), _ask(after, question, policy)
    if _are_the_same(*asked):
        return None
    old, new = map(_select, asked)
    shifts = shifts_between(old.items, new.items)
    if not shifts and old.refused == new.refused:
        return None
    return QueryImpact(
        text=safe.text(question.request.text),
        mode=question.request.mode or policy.query_mode,
        times=question.times,
        snapshot=question.snapshot,
        items_before=len(old.items),
        items_after=len(new.items),
        refused_before=old.refused,
        refused_after=new.refused,
        shifts=safe.shifts(shifts, question.request.text),
    )


def _ask(opened: OpenIndex, question: Recorded, policy: EffectivePolicy) -> Question | str:
    """The question to an open index, or the code of its refusal."""
    try:
        check_readable(opened, policy)
        return Question(opened, question.request, policy)
    except UnavailableError:
        raise  # no answer, and no refusal: whoever asks again may get one
    except KrateError as error:
        return error.code


def _are_the_same(before: Question | str, after: Question | str) -> bool:
    """Whether both answers are proven to be the same."""
    if isinstance(before, str) or isinstance(after, str):
        return before == after
    if not isinstance(after.opened, TrialIndex):
        return False
    try:
        return surely_same(before, after, after.opened.shared)
    except UnavailableError:
        raise
    except KrateError:
        return False  # one of the two is refused: which one shows when both are answered


def _select(asked: Question | str) -> Selected:
    """What a question selects: the items of ``run_query``'s answer."""
    if isinstance(asked, str):
        return Selected((), asked)
    try:
        chosen = Assembler(asked).select(find(asked).candidates, asked.request.limits.max_bytes)
    except UnavailableError:
        raise
    except KrateError as error:
        return Selected((), error.code)
    items: tuple[Item, ...] = (*chosen.records, *chosen.excerpts, *chosen.documents)
    return Selected(tuple(sorted(items, key=lambda item: item.rank)))
