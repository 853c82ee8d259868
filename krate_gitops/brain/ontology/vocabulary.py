"""``controlled-vocabulary.yaml``: the terms of fields."""

from __future__ import annotations

from krate_gitops.brain.base_fields import SENSITIVITIES, STATUSES
from krate_gitops.brain.model import Vocabulary
from krate_gitops.brain.ontology.reader import Section, scalar_text

_FIXED = {"status": STATUSES, "sensitivity": SENSITIVITIES}

DEFAULT_VOCABULARIES = {
    **{name: Vocabulary(closed=True, values=values) for name, values in _FIXED.items()},
    "runStatus": Vocabulary(closed=True, values=("running", "completed", "failed", "partial", "cancelled")),
    "redactionStatus": Vocabulary(closed=True, values=("clean", "redacted", "partial")),
}
"""What applies where a brain says nothing."""


def read_vocabularies(root: Section) -> dict[str, Vocabulary]:
    """Vocabularies by name, the built-in ones included."""
    found = dict(DEFAULT_VOCABULARIES)
    declared = root.section("vocabularies")
    if declared is None:
        if root.get("vocabularies") is None:
            root.report.add("KB081", '"vocabularies" is missing', root.pointer, hint="vocabularies must be a map")
        return found
    for name in declared.names():
        section = declared.section(name)
        if section is None:
            if declared.get(name) is None:
                declared.wrong(name, "a map such as {closed: false, values: [...]}")
            continue
        vocabulary = _vocabulary(section)
        if name in _FIXED:
            _check_fixed(section, vocabulary, _FIXED[name], name)
        else:
            found[name] = vocabulary
    return found


def _vocabulary(section: Section) -> Vocabulary:
    closed = section.flag("closed", False)
    values = _terms(section)
    aliases = _aliases(section, values)
    section.close()
    return Vocabulary(closed=closed, values=values, aliases=aliases)


def _terms(section: Section) -> tuple[str, ...]:
    listed = section.get("values")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        section.wrong("values", "a list")
        return ()
    terms: dict[str, None] = {}
    for at, item in enumerate(listed):
        term = scalar_text(item)
        if not term:
            section.report.add("KB081", "every term must be text", f"{section.at('values')}[{at}]")
        else:
            terms[term] = None
    return tuple(terms)


def _aliases(section: Section, values: tuple[str, ...]) -> dict[str, str]:
    declared = section.section("aliases")
    if declared is None:
        return {}
    aliases: dict[str, str] = {}
    for alias in declared.names():
        term = scalar_text(declared.get(alias))
        if term in values and term is not None:
            aliases[alias] = term
        else:
            declared.wrong(alias, "the alias of a term that is listed in values")
    return aliases


def _check_fixed(section: Section, vocabulary: Vocabulary, values: tuple[str, ...], name: str) -> None:
    if sorted(vocabulary.values) == sorted(values) and vocabulary.closed and not vocabulary.aliases:
        return
    message = f"the vocabulary {name} must be closed and hold exactly its built-in terms"
    section.report.add("KB081", message, section.pointer, hint=f"closed: true, values: [{', '.join(values)}]")
