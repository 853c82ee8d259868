"""Files of a commit or folder as manifests: what is read, what is refused, and that hostile input costs nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from krate_gitops.git.local import repository_at
from krate_gitops.resources import load as loading
from krate_gitops.resources.context import Context
from krate_gitops.resources.load import Loaded, load_commit, load_folder
from krate_gitops.resources.validate import Diagnostic, validate
from tests.repos import SYMLINK, Content, RepoBuilder
from tests.unit.resources.sample import NOW, check, codes, document, load, stack, stream, whole

SOUL = document("AgentSoul", "content: Calm.", name="calm")


def placed(found: list[Diagnostic]) -> list[tuple[str, str, int, int]]:
    return [(one.code, one.path, one.line, one.column) for one in found]


def judged(loaded: Loaded) -> list[tuple[str, str, int, int]]:
    return placed(validate(loaded, Context(now=NOW)))


def committed(tmp_path: Path, files: Mapping[str, Content], path: str = "") -> Loaded:
    repo = RepoBuilder(tmp_path / "config.git")
    commit = repo.commit(files)
    return load_commit(repository_at(repo.git_dir, name="config"), commit, path)


def test_documents_of_all_files_come_in_byte_order_of_their_paths(tmp_path: Path) -> None:
    files = {"b.yml": SOUL, "a/z.yaml": stream(stack(), SOUL), "B.json": '{"kind": "x"}', "README.md": "# no"}
    loaded = committed(tmp_path, files)
    assert [(one.path, one.document, one.kind) for one in loaded.manifests] == [
        ("B.json", 0, "x"),
        ("a/z.yaml", 0, "AgentStack"),
        ("a/z.yaml", 1, "AgentSoul"),
        ("b.yml", 0, "AgentSoul"),
    ]
    assert all(one.oid for one in loaded.manifests)


def test_a_folder_outside_git_gives_the_same_as_a_commit(tmp_path: Path) -> None:
    files = {"b.yml": SOUL, "a/z.yaml": stream(stack(), SOUL), ".hidden/a.yaml": "x", "c.txt": "x"}
    for path, text in files.items():
        (tmp_path / "folder" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / path).write_text(text, encoding="utf-8")
    on_disk, in_git = load_folder(tmp_path / "folder"), committed(tmp_path, files)
    assert [(one.path, one.document, one.value) for one in on_disk.manifests] == [
        (one.path, one.document, one.value) for one in in_git.manifests
    ]
    assert list(on_disk.files) == ["a/z.yaml", "b.yml"]


def test_only_the_folder_of_the_source_is_read(tmp_path: Path) -> None:
    loaded = committed(tmp_path, {"other/a.yaml": "broken: [", "acme/b.yaml": SOUL}, "acme")
    assert list(loaded.files) == ["b.yaml"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert judged(committed(tmp_path, {"a.yaml": SOUL}, "nowhere")) == [("KR710", "", 0, 0)]


def test_links_are_refused_and_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text(SOUL, encoding="utf-8")
    in_git = committed(tmp_path, {"a.yaml": (SYMLINK, str(secret)), "b.md": (SYMLINK, "a.yaml")})
    assert (in_git.manifests, judged(in_git)) == ([], [("KR709", "a.yaml", 0, 0)])
    (tmp_path / "folder").mkdir()
    os.symlink(secret, tmp_path / "folder" / "a.yaml")
    os.symlink(tmp_path, tmp_path / "folder" / "around")
    on_disk = load_folder(tmp_path / "folder")
    assert (on_disk.manifests, judged(on_disk)) == ([], [("KR709", "a.yaml", 0, 0)])


def test_names_that_mean_another_place_are_refused(tmp_path: Path) -> None:
    loaded = committed(tmp_path, {"ok.yaml": SOUL, "a\\b.yaml": SOUL})
    assert ([one.path for one in loaded.manifests], [one[0] for one in judged(loaded)]) == (["ok.yaml"], ["KR709"])


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    loaded = committed(tmp_path, {"a.yaml": "#" * (loading.MAX_FILE_BYTES + 1), "b.yaml": SOUL})
    assert ([one.path for one in loaded.manifests], judged(loaded)) == (["b.yaml"], [("KR706", "a.yaml", 0, 0)])


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_TOTAL_BYTES", "MAX_OBJECTS"])
def test_a_source_over_a_limit_gives_nothing_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(loading, limit, 1)
    loaded = committed(tmp_path, {"a.yaml": SOUL, "b.yaml": SOUL})
    assert (loaded.manifests, judged(loaded)) == ([], [("KR706", "", 0, 0)])


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{below}: &{below} [{','.join([f'*{above}'] * 9)}]\n" for above, below in pairwise("abcdefghi")
)
HOSTILE = {
    "an alias bomb": BOMB,
    "too many aliases": "a: &a 1\nb: [" + "*a, " * 200 + "*a]\n",
    "deep nesting": "a: " + "[" * 10_000 + "]" * 10_000,
    "a custom tag": "a: !!python/object/apply:os.system [id]\n",
    "a merge key": "a: &a {x: 1}\nb:\n  <<: *a\n",
    "a directive": "%YAML 1.1\n---\na: 1\n",
    "a key that is a list": "? [a]\n: b\n",
    "a number for a key": "1: a\n",
    "a tab": "a:\n\tb: 1\n",
    "NUL": "a: 1\0\n",
    "a hidden second key": "a: x\u2028status: y\n",
    "NUL in an escape": 'a: "\\0"\n',
    "half a surrogate pair": 'a: "\\ud800"\n',
    "an open quote": 'a: "x\n',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_yaml_is_refused_at_once(text: str) -> None:
    started = time.perf_counter()
    found = check(text)
    assert time.perf_counter() - started < 1
    assert "KR001" in codes(found)
    assert all(one.line >= 1 and one.column >= 1 for one in found)


@pytest.mark.parametrize("data", [b"\xff\xfea\0", b"a: \xe9\n"], ids=["UTF-16", "Latin-1"])
def test_what_is_no_utf8_is_refused(data: bytes) -> None:
    assert placed(check({"a.yaml": data})) == [("KR001", "a.yaml", 1, 1)]


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    found = check({"a.yaml": "a: [", "b.yaml": stack(name="Bad")})
    assert {one.path: one.code for one in found if one.code in ("KR001", "KR006")} == {
        "a.yaml": "KR001",
        "b.yaml": "KR006",
    }


def test_byte_order_mark_and_line_ends_of_windows_keep_places() -> None:
    text = "\ufeff" + stack("colour: red").replace("\n", "\r\n")
    [found] = [one for one in check(text) if one.code == "KR012"]
    assert (found.line, found.column) == (9, 3)


def test_words_that_are_booleans_elsewhere_stay_text() -> None:
    [one] = load({"a.yaml": "a: yes\nb: on\nc: True\nd: true\ne: 2026-05-10\nf: 010\ng: 1.10\nh: ~\n"}).manifests
    assert one.value == {"a": "yes", "b": "on", "c": "True", "d": True, "e": "2026-05-10", "f": 10, "g": 1.1}


@pytest.mark.parametrize("number", [".inf", "-.INF", ".nan", "1e999", "9" * 400, "0x" + "f" * 400])
def test_numbers_beyond_reason_are_no_numbers(number: str) -> None:
    found = check(whole(stack(f"budget: {{maxTokens: {number}}}")))
    assert set(codes(found)) <= {"KR009", "KR011"}
    assert found


def test_empty_documents_are_left_out_and_do_not_count() -> None:
    loaded = load({"a.yaml": f"---\n# nothing\n---\n{SOUL}---\n---\n{SOUL}", "b.json": " \n"})
    assert [(one.path, one.document) for one in loaded.manifests] == [("a.yaml", 0), ("a.yaml", 1)]


def test_the_items_of_a_list_are_objects_of_their_own() -> None:
    items = [line for one in (stack(), stack("colour: red")) for line in _item(one)]
    text = "apiVersion: v1\nkind: List\nitems:\n" + "\n".join(items) + "\n"
    found = [one for one in check(text) if one.code == "KR012"]
    assert [(one.document, one.field, one.line, one.column) for one in found] == [(0, "items[1].spec.colour", 20, 7)]


def _item(text: str) -> list[str]:
    first, *rest = text.rstrip("\n").split("\n")
    return [f"  - {first}", *(f"    {line}" for line in rest)]


def test_an_object_over_a_mebibyte_is_refused() -> None:
    text = stack(f"prompt: {{system: {'word ' * 210_000}}}")
    assert [one.code for one in check(text)] == ["KR018"]


JSON = '{\n\t"apiVersion": "krate.a5c.ai/v1alpha1", "kind": "AgentSoul",\n\t"metadata": {"name": "calm"},\n\t"spec": '


def test_json_is_read_as_json() -> None:
    [one] = load({"a.json": JSON + '{"organizationRef": "acme", "content": "\\ud83d\\ude00 \\/ on"}}'}).manifests
    assert one.spec["content"] == "\U0001f600 / on"


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        (JSON + '{"organizationRef": "acme", "content": 7}}', "KR009", 4, 49),
        (JSON + '{"organizationRef": "acme", "content": "a", "content": "b"}}', "KR002", 4, 54),
        (JSON + "{,}}", "KR001", 4, 11),
        (JSON + "{} ", "KR001", 1, 1),
        (JSON + "{}} x", "KR001", 4, 14),
        ('{"a": 01}', "KR001", 1, 8),
        ('{"a": NaN}', "KR001", 1, 7),
        ('{"a": "\\ud800"}', "KR001", 1, 7),
        ('{"a": ' + "[" * 100_000, "KR001", 1, 26),
        ("[]", "KR001", 1, 1),
        ('{"a": "x', "KR001", 1, 7),
    ],
)
def test_faults_of_json_are_found_at_their_places(text: str, code: str, line: int, column: int) -> None:
    assert (code, "a.json", line, column) in placed(check({"a.json": text}))
