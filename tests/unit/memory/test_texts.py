"""Texts that are kept in memory."""

from __future__ import annotations

import random
import sys

import msgspec
import pytest

from krate_gitops.brain.scan.clean import MARKER
from krate_gitops.git.objects import ObjectReader
from krate_gitops.memory import texts
from krate_gitops.memory.redact import RedactionConfig, redact
from tests.repos import Content
from tests.unit.memory.conftest import Make
from tests.unit.memory.world import World, markdown
from tests.unit.scan.planted import VARIANTS, planted


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the blobs that are read from Git."""
    found: list[str] = []
    stream = ObjectReader.stream

    def noted(reader: ObjectReader, oids: list[str], **options: object) -> object:
        found.extend(oids)
        return stream(reader, oids, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ObjectReader, "stream", noted)
    return found


def _all(world: World) -> list[str]:
    return [text.safe for text in world.opened.texts(range(len(world.opened.columns.paths)))]


def test_a_text_is_read_once(make: Make, read: list[str]) -> None:
    world = make({f"notes/{number}.md": f"# Note\n\nneedle {number}\n" for number in range(40)})
    read.clear()
    first = _all(world)
    assert read
    assert len(set(read)) == len(read)
    read.clear()
    assert _all(world) == first
    assert not read


def test_the_oldest_texts_go_where_there_is_no_room(
    make: Make, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "MOST_BYTES", 10_000)
    files: dict[str, Content] = {f"notes/{number}.md": f"# Note\n\n{'x' * 2000} {number}\n" for number in range(5)}
    world = make(files | {"notes/large.md": "# Note\n\n" + "y" * 20_000})
    columns = world.opened.columns
    large, one, two, three = (columns.file_number[f"notes/{name}.md"] for name in ("large", "1", "2", "3"))
    read.clear()
    for file in (one, two, one, three, one, two, large, three):
        assert len(list(world.opened.texts([file]))) == 1
    assert read == [columns.blobs[file] for file in (one, two, three, two, large, three)]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_whatever_the_index_says_of_a_text_it_leaves_as_redaction_leaves_it(
    make: Make, variant: str, ends: str
) -> None:
    secret, _ = planted(variant, random.Random(variant))
    pages = ["plain", secret, f"{MARKER}user] stands here", f"see {secret}"]
    more = {f"notes/{number}.md": f"# Note\n\n{page}\n".replace("\n", ends) for number, page in enumerate(pages)}
    world = make({"runbooks/a.md": markdown("Runbook", "runbook:a", f"needle\n\n{secret}\n"), **more})
    config = RedactionConfig(world.opened.source.ontology.rules.secret_scan)
    for text in world.opened.texts(range(len(world.opened.columns.paths))):
        assert text.safe == redact(text.raw, config=config).text
        assert text.changed == (text.safe != text.raw)
    assert world.opened.columns.file_clean[world.opened.columns.file_number["notes/0.md"]] == (ends == "\n")


def test_the_size_of_a_text_is_what_it_was_when_it_was_read(make: Make) -> None:
    world = make({"notes/a.md": "# A\n\n" + "é" * 5000 + "\n"})
    [text] = world.opened.texts([world.opened.columns.file_number["notes/a.md"]])
    size = text.size
    msgspec.json.encode(text.safe)
    assert text.size == size >= sys.getsizeof(text.safe) + sys.getsizeof(text.lowered)
