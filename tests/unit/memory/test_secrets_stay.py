"""Secrets stay in the repository, wherever they stand in it."""

from __future__ import annotations

import base64
import random

import msgspec
import pytest

from krate_gitops.errors import KrateError
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.render import render_prompt
from krate_gitops.memory.response import Response
from krate_gitops.memory.single import show_one
from tests.unit.memory.conftest import Make
from tests.unit.memory.hostile import BLOCKED, FILLING, PASSWORD, TOKEN, URL
from tests.unit.memory.world import World, markdown, record
from tests.unit.scan.planted import VARIANTS, planted


def everything(world: World, response: Response) -> str:
    """All that leaves: the answer as JSON and as a prompt, and each record and document shown."""
    texts = [msgspec.json.encode(response).decode(), render_prompt(response)]
    for item in (*response.records, *response.documents):
        name = next((record.id for record in response.records if record is item), item.path)
        texts.append(msgspec.json.encode(show_one(world.opened, name, owner_policy())).decode())
    return "\n".join(texts)


@pytest.mark.parametrize("variant", VARIANTS)
def test_secrets_in_titles_bodies_and_attributes_stay_inside(make: Make, variant: str) -> None:
    text, value = planted(variant, random.Random(variant))
    text = text.replace("'", "")  # how quotes look inside of quotes is a matter of the scan
    world = make(
        {
            "runbooks/a.md": markdown(
                "Runbook", "runbook:a", f"needle before\n\n{text}\n\nneedle after\n", title=f"Needle {text}"
            ),
            "graph/b.yaml": record(
                "Service", "service:b", title="needle", summary=f"Uses {text}", note={"deep": [text]}
            ),
            "notes/c.md": f"# {text}\n\nneedle {text}\n{FILLING}",
        }
    )
    found = world.ask("needle", include=("notes/c.md",), context_lines=5, paths=("**",))
    assert found.redaction.total
    assert found.documents
    assert value not in everything(world, found)


@pytest.mark.parametrize("name", ["password", "api_key", "clientSecret", "aws_secret_access_key"])
def test_a_value_whose_name_alone_makes_it_a_secret_is_not_shown_without_the_name(make: Make, name: str) -> None:
    world = make(
        {"graph/b.yaml": record("Service", "service:b", title="needle", **{name: PASSWORD}, nested={name: PASSWORD})}
    )
    assert PASSWORD not in everything(world, world.ask("needle", paths=("**",)))


def test_secrets_in_paths_ids_owners_targets_and_sources_stay_inside(make: Make) -> None:
    world = make(
        {
            f"notes/{TOKEN}.md": "# N\n\nneedle\n",
            f"graph/{TOKEN}/b.yaml": record(
                "Service", f"service:{TOKEN.lower()}x", title="needle", owners=[f"team:{TOKEN}"]
            ),
            "graph/c.yaml": record(
                "Service",
                "service:c",
                title="needle",
                sourceRefs=[URL],
                repoRefs=[f"repository:{TOKEN}"],
                aliases=[TOKEN],
                tags=[TOKEN],
                edges={"depends_on": [f"service:{TOKEN}"]},
            ),
        }
    )
    found = world.ask("needle", paths=("**",), include=(f"notes/{TOKEN}.md",))
    texts = [
        msgspec.json.encode(found).decode(),
        render_prompt(found),
        msgspec.json.encode(show_one(world.opened, "service:c", owner_policy())).decode(),
    ]
    for text in texts:
        assert TOKEN not in text
        assert PASSWORD not in text
    assert {item.path for item in found.documents} == {"notes/[REDACTED:provider-token].md"}


def test_a_secret_at_the_cut_of_a_first_paragraph_is_gone_as_a_whole(make: Make) -> None:
    world = make(
        {
            f"runbooks/{at:03}.md": markdown(
                "Runbook", f"runbook:r{at:03}", f"{'needle ' * 60}{'x' * at} {TOKEN} tail\n"
            )
            for at in range(30, 80, 3)
        }
    )
    text = everything(world, world.ask("needle", mode="graph-only"))
    assert not [at for at in range(len(TOKEN) - 9) if TOKEN[at : at + 10] in text]
    assert "[REDACTED:p" not in text.replace("[REDACTED:provider-token]", "")


@pytest.mark.parametrize("room", range(560, 760, 13))
def test_a_secret_at_the_border_of_an_excerpt_is_gone_as_a_whole(make: Make, room: int) -> None:
    key, value = planted("openssh-key", random.Random(room))
    lines = "needle line of the same length always\n" * 14
    world = make({"notes/a.md": f"{lines}{key}\nneedle end\n{lines}"})
    for asked in ({"max_bytes": room}, {"context_lines": 0}, {"include": ("notes/a.md:9-16",)}):
        found = world.ask("needle", mode="grep-only", **asked)
        assert value not in msgspec.json.encode(found).decode()


def test_a_secret_across_a_yaml_fold_and_one_in_base64_are_seen(make: Make) -> None:
    encoded = base64.b64encode(f"token={TOKEN}".encode()).decode()
    folded = f"  summary: >-\n    the pass{''}word:\n    {PASSWORD}\n"
    yaml = f"nodeKind: Service\nid: service:a\nattributes:\n  title: needle\n{folded}  blob: '{encoded}'\n"
    world = make({"graph/a.yaml": yaml})
    text = everything(world, world.ask("needle", paths=("**",), context_lines=5))
    for secret in (PASSWORD, encoded[8:40], TOKEN):
        assert secret not in text


def test_a_pattern_cannot_ask_for_the_letters_of_a_secret(make: Make) -> None:
    world = make({"notes/a.md": f"needle {TOKEN} and some words beside it, so that it is shown\n"})
    assert not world.ask(TOKEN, mode="grep-only").excerpts
    assert not world.ask(f"needle {TOKEN[:6]}", mode="grep-only", regex=True).excerpts
    assert world.ask("needle", mode="grep-only", regex=True).excerpts


def test_lines_keep_their_numbers_where_something_was_taken_out(make: Make) -> None:
    key, _ = planted("openssh-key", random.Random(3))
    [found] = (
        make({"notes/a.md": f"# A\n\n{key}\n\nneedle\n"}).ask("needle", mode="grep-only", context_lines=0).excerpts
    )
    assert found.line_start == 3 + key.count("\n") + 2
    assert found.text == "needle"


def test_counts_say_what_was_taken_and_from_how_many_items(make: Make) -> None:
    world = make(
        {
            "runbooks/a.md": markdown(
                "Runbook",
                "runbook:a",
                "Text.\n",
                title=f"needle {TOKEN}",
                summary=f"With {TOKEN} and more words than that, enough for it to be shown in spite of those two.",
            ),
            "notes/b.md": f"needle {URL} and so on and on\n",
        }
    )
    found = world.ask("needle", mode="graph-only").redaction
    assert (found.status, found.total, found.items, found.by_kind) == ("redacted", 2, 1, {"provider-token": 2})
    both = world.ask("needle b", mode="grep-only", paths=("notes/*",)).redaction
    assert (both.total, both.items, both.by_kind) == (1, 1, {"url-credential": 1})


def test_text_about_markers_is_not_counted_as_redacted(make: Make) -> None:
    found = make({"notes/a.md": f"needle [REDACTED:secret-key] is what it looks like\n\n\n\nand {TOKEN}\n"}).ask(
        "needle", mode="grep-only", context_lines=0
    )
    assert found.redaction.total == 0
    assert found.warnings == ()


def test_an_item_that_is_mostly_secret_is_left_out_and_said_to_be(make: Make) -> None:
    world = make({"notes/a.md": f"needle {TOKEN}\n", "notes/b.md": "needle\n"})
    found = world.ask("needle", mode="grep-only")
    assert [item.path for item in found.excerpts] == ["notes/b.md"]
    assert found.limits.omitted.excerpts == 1
    assert found.limits.reason == "redaction-too-broad"
    assert "redaction-too-broad" in found.warnings
    assert found.redaction.status == "blocked"


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("notes/a.md", f"{TOKEN}\n"),
        ("notes/a.md:1", f"{TOKEN}\n"),
        ("notes/a.md", f"# A\n\n{BLOCKED}\n"),
        ("runbook:a", ""),
    ],
)
def test_a_picked_item_is_never_left_out_in_silence(make: Make, item: str, text: str) -> None:
    world = make({"notes/a.md": text or "x\n", "runbooks/a.md": markdown("Runbook", "runbook:a", title=TOKEN)})
    with pytest.raises(KrateError) as error:
        world.ask("needle", include=(item,))
    assert error.value.code == "MEMORY_REDACTION_FAILED"
    assert TOKEN not in f"{error.value.message}{error.value.location}{error.value.hint}"
