"""The store: versions, and what outlives a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.cluster.dev.store.collection import TooOldError
from krate_gitops.cluster.dev.store.store import FIRST_VERSION, Reader, Store, place_of
from krate_gitops.errors import UnavailableError

MAPS = ("", "configmaps")


def value(name: str) -> dict[str, object]:
    return {"kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}}


def test_one_counter_counts_every_write_and_every_deletion(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.put(*MAPS, "n/a", value("a"))
    second = store.put("", "secrets", "n/a", value("a"))
    gone = store.remove(*MAPS, "n/a", first.value)
    assert [first.version, second.version, gone.version] == [FIRST_VERSION + 1, FIRST_VERSION + 2, FIRST_VERSION + 3]
    assert gone.value["metadata"]["resourceVersion"] == str(gone.version)
    assert first.value["metadata"]["resourceVersion"] == str(first.version)
    store.close()


def test_objects_and_the_counter_outlive_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(*MAPS, "n/b", value("b"))
    kept = store.put(*MAPS, "n/a", value("a"))
    store.remove(*MAPS, "n/b", value("b"))
    last = store.version
    store.close()

    again = Store(tmp_path)
    assert again.version == last
    entries = again.collection(*MAPS).entries()
    assert [(each.place, each.version, each.value) for each in entries] == [("n/a", kept.version, kept.value)]
    with pytest.raises(TooOldError):
        again.entries_at(*MAPS, kept.version - 1, None, "")
    again.close()


def test_a_directory_has_one_server(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(UnavailableError, match="another development cluster"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "objects.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(UnavailableError) as error:
        Store(tmp_path)
    assert error.value.location.endswith("objects.db")


def test_what_is_compacted_can_not_be_listed_exactly(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.put(*MAPS, "n/a", value("a"))
    store.put(*MAPS, "n/a", value("a"))
    store.exact_from = store.version
    with pytest.raises(TooOldError):
        store.entries_at(*MAPS, first.version, None, "")
    assert len(list(store.collection(*MAPS).changes_after(first.version))) == 1
    store.close()


def test_a_reader_sees_one_object_and_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    reader = Reader(store)
    before = reader.version(MAPS)
    store.put(*MAPS, place_of("n", "a"), value("a"))
    assert [each["metadata"]["name"] for each in reader.list(MAPS)] == ["a"]
    assert reader.get(MAPS, "n", "a") is not None
    assert reader.get(MAPS, "n", "b") is None
    assert reader.version(MAPS) > before
    store.close()
