"""Generated YAML: records in many spellings, and the same with something hostile in the middle."""

from __future__ import annotations

from hypothesis import strategies as st

ODD_SCALARS = (
    "on", "yes", "no", "y", "n", "Yes", "TRUE", "True", "true", "tRue", "off", "~", "null", "NULL", "nUll", "Null",
    "0777", "-0777", "+0777", "0o17", "-0o17", "0O17", "0x1F", "-0x1F", "+0x1f", "0X1F", "0b11", "-0b11", "0B1", "00",
    "0", "-0", "+0", "+12", "-12", "08", "1_000", "0_7", "1:30", "190:20:30", "2026-05-10", "2026-05-10T10:00:00Z",
    "2026-05-10 10:00:00", "1e3", "1E3", "1e+3", "1e-3", "1.5e3", "12345e67", "1e400", "-1e400", "1e-400", "1.10",
    "1.0", "-1.50", "+1.5", "0.0", "-0.0", ".5", "-.5", "5.", "5.e3", "1e16", "1e22", "0.1", "123456789.123456789",
    ".nan", ".NaN", "nan", ".inf", "-.inf", "+.inf", ".Inf", "inf", "9007199254740991", "9007199254740992",
    "-9007199254740993", "18446744073709551616", "123456789012345678901234567890", "9" * 320, "=", "+", ".", "..",
    "1.2.3", "v1.10", "٣", "3 apples", "a:b", "team:core", "https://example.com/a#b", "C#", "a # comment", "a#b",
)  # fmt: skip

HOSTILE = (
    "!", " ! ", " !x ", " !!str ", "&a ", " *a", "<<: ", "<< : ", "%YAML 1.2\n", "\n%TAG ! x\n", "\u2028", "\u2029",
    "\x85", "\ufeff", "? ", "?\n", "\t", "\n---\n", "\n--- \n", "\n--- x", "\n...\n", "\n... x\n", "\\0", '"\\0"',
    '"\\x00"', '"\\u0000"', '"\\ud800"', '"\\L"', '"', "'", "{", "}", "[", "]", ": ", ":", "- ", "-", "#", " #", "|\n",
    ">-\n", "\n", "\n\n", "  ", ",", "e\u0301", "\u00e9", "\u200b", "\U0001f600", "\x07", "\x0c", "\x7f", "`", "@", "%",
    "'a': 1\n", "1: a\n", "true: b\n", "~: c\n", "? a : b\n", "[[[[[[[[[[[[[[[[[[[[[[[[",
)  # fmt: skip

_words = st.sampled_from(("title", "id", "owners", "tags", "note", "x", "y", "été", "a b", "updatedAt", "kind"))
_numbers = st.from_regex(r"[-+]?[0-9]{0,3}[0-9._eExXob:-][0-9.eE+-]{0,5}", fullmatch=True)
_texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=12)


@st.composite
def scalars(draw: st.DrawFn, *, flow: bool) -> str:
    """The source of one scalar."""
    style = draw(st.sampled_from(("odd", "odd", "number", "plain", "single", "double", "block")))
    if style == "odd":
        return draw(st.sampled_from(ODD_SCALARS))
    if style == "number":
        return draw(_numbers)
    text = draw(_texts)
    if style == "single":
        return "'" + text.replace("'", "''") + "'"
    if style == "double" or flow:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if style == "block":
        header = draw(st.sampled_from(("|", ">", "|-", ">-", "|+")))
        return header + "".join(f"\n        {line}" for line in text.split("\n"))
    return draw(st.sampled_from(("plain words", "two\n   lines", "payments", "a: b", "x y", "-", "- a", "é", "№ 1")))


@st.composite
def keys(draw: st.DrawFn) -> str:
    """The source of one mapping key."""
    word = draw(st.one_of(_words, _words, _words, st.sampled_from(ODD_SCALARS[:60])))
    return draw(st.sampled_from((word, word, f'"{word}"', f"'{word}'")))


@st.composite
def _flow(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.sampled_from(("scalar", "list", "map"))) if depth else "scalar"
    if kind == "scalar":
        return draw(scalars(flow=True))
    comma = draw(st.sampled_from((", ", ",", ",\n", " ,\n  ")))
    if kind == "list":
        return "[" + comma.join(draw(st.lists(_flow(depth - 1), max_size=3))) + "]"
    colon = draw(st.sampled_from((": ", ":")))
    items = draw(st.lists(st.tuples(keys(), _flow(depth - 1)), max_size=3))
    return "{" + comma.join(key + colon + value for key, value in items) + "}"


@st.composite
def _block(draw: st.DrawFn, indent: int, depth: int) -> str:
    kind = draw(st.sampled_from(("scalar", "scalar", "flow", "list", "map"))) if depth else "scalar"
    if kind == "scalar":
        return " " + draw(scalars(flow=False))
    if kind == "flow":
        return " " + draw(_flow(2))
    pad = "\n" + " " * indent
    more = indent + draw(st.sampled_from((1, 2, 4)))
    if kind == "list":
        items = draw(st.lists(_block(more + 2, depth - 1), min_size=1, max_size=3))
        return "".join(f"{pad}-{item}" for item in items)
    pairs = draw(st.lists(st.tuples(keys(), _block(more, depth - 1)), min_size=1, max_size=3))
    return "".join(f"{pad}{key}:{value}" for key, value in pairs)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A text that is YAML most of the time."""
    if draw(st.integers(0, 5)) == 0:
        return draw(_flow(3)) + "\n"
    head = draw(st.sampled_from(("", "", "# comment\n", "---\n", "--- ", "\n", "--- # start\n", "---\n---\n")))
    pairs = draw(st.lists(st.tuples(keys(), _block(2, 2)), min_size=1, max_size=5))
    lines = [f"{key}:{value}" for key, value in pairs]
    gap = draw(st.sampled_from(("\n", "\n", "\n\n", " # why\n", "\n# why\n")))
    return head + gap.join(lines) + draw(st.sampled_from(("\n", "", "\n...\n", "\n# end", "\n---\n")))


@st.composite
def hostile_documents(draw: st.DrawFn) -> str:
    """A document with pieces put in anywhere."""
    text = draw(documents())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(HOSTILE)) + text[at:]
    return text
