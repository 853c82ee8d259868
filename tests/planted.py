"""A corpus of planted credentials: every kind in every form, and the same texts with harmless words in their place.

Deterministic: the same seed and count give the same texts on every machine.
"""

from __future__ import annotations

import base64
import json
import random
import re
from typing import NamedTuple
from urllib.parse import quote

from krate_gitops.brain.model import SecretPattern, SecretScan
from tests.planted_forms import FORMS, Written, suits
from tests.planted_kinds import KINDS, POLICY_KIND, POLICY_REGEX, Credential

SCAN = SecretScan(extra_patterns=(SecretPattern(POLICY_KIND, POLICY_REGEX),))
"""The scan's settings under which every kind of the corpus can be found."""

_PIECE = 12
_WORD = re.compile(r"[A-Za-z0-9+/=_.~!@#?%&;-]+")


class Planted(NamedTuple):
    """A credential written in some form. ``needles`` are texts none of which may be left anywhere."""

    kind: str
    form: str
    value: str
    fragment: str
    needles: tuple[str, ...]

    def text(self) -> str:
        """Lines of prose around it."""
        return f"The migration ran on Monday.\n{self.fragment}\nRotation is planned by the platform team.\n"

    def markdown(self) -> str:
        """A note."""
        return f"# Ledger migration\n\nWhat was found in the log:\n\n{self.fragment}\n\nNothing else changed.\n"

    def yaml(self) -> str:
        """A record whose description holds it."""
        inner = "\n".join(f"    {line}" for line in self.fragment.split("\n"))
        return (
            "nodeKind: Incident\nid: incident:ledger\nattributes:\n  title: Ledger migration\n"
            f"  description: |\n{inner}\n  status: approved\n"
        )

    def json_event(self) -> str:
        """A run's journal event whose message holds it."""
        data = {"iteration": 3, "message": self.fragment, "ok": True}
        return json.dumps({"type": "EFFECT_RESOLVED", "recordedAt": "2026-05-01T00:00:00.000Z", "data": data}, indent=2)

    def documents(self) -> tuple[str, str, str, str]:
        """All four."""
        return self.text(), self.markdown(), self.yaml(), self.json_event()


def planted(seed: int, count: int) -> tuple[Planted, ...]:
    """So many credentials, kinds and forms in turn."""
    return tuple(_planted(one, form, written) for one, form, written in _corpus(seed, count, harmless=False))


def blank(seed: int, count: int) -> tuple[Planted, ...]:
    """The texts of ``planted(seed, count)`` with harmless words where the credentials stood. No needles."""
    return tuple(
        Planted(one.kind, form, one.value, written.fragment, ())
        for one, form, written in _corpus(seed, count, harmless=True)
    )


def _corpus(seed: int, count: int, *, harmless: bool) -> list[tuple[Credential, str, Written]]:
    forms = list(FORMS.items())
    made: list[tuple[Credential, str, Written]] = []
    turn = 0
    while len(made) < count:
        rng = random.Random(f"planted/{seed}/{turn}")
        # The two wheels turn against each other, so that every kind meets every form.
        kind = turn % len(KINDS)
        form, write = forms[(turn + turn // (len(KINDS) * len(forms)) + turn // len(KINDS)) % len(forms)]
        one = KINDS[kind](rng, turn // len(KINDS) + rng.randrange(1000))
        turn += 1
        if not suits(form, one.kind, one):
            continue
        made.append((one, form, write(rng, one._replace(value=one.harmless) if harmless else one)))
    return made


def _planted(one: Credential, form: str, written: Written) -> Planted:
    needles = {one.value, quote(one.value, safe=""), json.dumps(one.value)[1:-1]}
    for text in (one.value, *one.value.split("\n")):
        needles |= _in_base64(text)
    for trace in (one.value, *written.traces):
        needles |= {trace, *_pieces(trace)}
    return Planted(one.kind, form, one.value, written.fragment, tuple(sorted(one for one in needles if len(one) > 5)))


def _pieces(trace: str) -> set[str]:
    """Parts of a trace that are long enough to be worth something."""
    words = _WORD.findall(trace)
    return {word[at : at + _PIECE] for word in words for at in range(0, len(word) - _PIECE + 1, _PIECE)}


def _in_base64(text: str) -> set[str]:
    """What the text looks like in base64, at each of the three places it can begin at."""
    found = set()
    for shift in range(3):
        data = b"\0" * shift + text.encode()
        whole = base64.b64encode(data[: len(data) // 3 * 3]).decode()
        found.add(whole[4 if shift else 0 :])
    return {one for one in found if len(one) >= _PIECE}
