"""Text that is shown to an agent: readable, and unable to step out of its frame."""

from __future__ import annotations

import re

from krate_gitops.brain.scan.normal import INVISIBLE, normalise

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?)?")
_REMOVED = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f{INVISIBLE}]")
_LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")
_FENCES = re.compile("[`\uff40\u02cb\u2035]{3,}|[~\uff5e\u223c]{3,}")
_HEADING = re.compile(r"^([ \t>]*)([#\uff03\ufe5f].*)$", re.MULTILINE)
_PROMPT_HEADING = re.compile(r"#{1,6}\s*(?:company\s+brain\s+memory|records|excerpts)\b")
_TEMPLATE_TOKEN = re.compile(r"<\|([A-Za-z0-9_]+)\|>|\[(/?INST)\]|<<(/?SYS)>>|<((?:start|end)_of_turn)>")


def make_inert(text: str) -> str:
    """The text without control (but line feed and tab), zero-width and bidirectional characters, with fences broken.

    Runs of three or more backticks or tildes get spaces, so that neither a ``memory`` fence nor its end can stand in
    the text; headings of the memory section are escaped; tokens of chat templates are spaced out. Applying it again
    changes nothing.
    """
    text = _ESCAPE.sub("", text)
    text = _LINE_SEPARATORS.sub(" ", _REMOVED.sub("", text))
    text = _FENCES.sub(lambda fence: _spaced(fence.group()), text)
    text = _HEADING.sub(_escaped, text)
    return _TEMPLATE_TOKEN.sub(lambda token: _spaced_token(token.group()), text)


def _spaced(fence: str) -> str:
    return " ".join(fence[at : at + 2] for at in range(0, len(fence), 2))


def _escaped(heading: re.Match[str]) -> str:
    imitation = _PROMPT_HEADING.match(normalise(heading[2]).text)
    return f"{heading[1]}\\{heading[2]}" if imitation else heading[0]


def _spaced_token(token: str) -> str:
    return f"{token[0]} {token[1:-1]} {token[-1]}"
