"""What is kept of the places where a proposal and the target can't both be had."""

from __future__ import annotations

from tests.updates import Board, edit, runbook


def _secret() -> str:
    return "ghp_" + "w9Kx2Lm7Qz4Rb8Vn3Tc6Yd1Fh5Gj0Ps9UeAa"


def test_a_conflict_shows_all_three_texts(board: Board) -> None:
    held = board.propose(edit(new="Ours"), observed_commit=board.seed)
    board.outside({"runbooks/a.md": runbook("a").replace("Second line", "Theirs")})
    [conflict] = board.look(held).update.status.conflicts
    texts = [str(text) for text in (conflict.observed, conflict.current, conflict.proposed)]
    assert [word in text for word, text in zip(("Second line", "Theirs", "Ours"), texts, strict=True)] == [True] * 3


def test_of_a_file_with_a_secret_in_any_version_no_text_is_kept(board: Board) -> None:
    held = board.propose(edit(new="Ours"), observed_commit=board.seed)
    board.outside({"runbooks/a.md": runbook("a").replace("Second line", f"Theirs {_secret()}")})
    looked = board.look(held)
    [conflict] = looked.update.status.conflicts
    assert (conflict.observed, conflict.current, conflict.proposed) == (None, None, None)
    assert _secret() not in looked.stored.body
