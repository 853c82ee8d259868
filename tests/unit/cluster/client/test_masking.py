from __future__ import annotations

import base64
import json

import pytest

from krate_gitops.cluster.client.masking import masked, masked_all

PASSWORD = "hunter2-and-more"
ENCODED = base64.b64encode(PASSWORD.encode()).decode()
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": ENCODED}}


@pytest.mark.parametrize(
    "text",
    [
        f'Secret "s" is invalid: data[password]: Invalid value: "{PASSWORD}": no',
        f'admission webhook "w" denied the request: the value {ENCODED} is weak',
        f"denied: {json.dumps(SECRET)}",
        f"denied: {json.dumps(json.dumps(SECRET))}",
    ],
)
def test_values_of_a_secret_that_was_sent_are_masked(text: str) -> None:
    shown = masked(text, sent=SECRET)
    assert PASSWORD not in shown
    assert ENCODED not in shown
    assert "***" in shown


def test_values_given_as_text_are_masked_in_every_spelling() -> None:
    sent = {"kind": "Secret", "stringData": {"a": 'two\nlines "quoted"'}}
    encoded = base64.b64encode(b'two\nlines "quoted"').decode()
    shown = masked(f'bad: {encoded} and two\nlines "quoted" and two\\nlines "quoted"', sent=sent)
    assert "lines" not in shown
    assert encoded not in shown


def test_short_values_of_a_secret_are_masked_where_they_are_quoted() -> None:
    shown = masked(
        'data.a: Invalid value: "pw": no; .data.b: expected string, got &v{Value:7}', sent={"kind": "Secret"}
    )
    assert "pw" not in shown
    assert "Value:7" not in shown


@pytest.mark.parametrize(
    "text",
    [
        'object {"kind":"Secret","data":{"password":"%s"},"type":"Opaque"} is refused',
        '{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\\"data\\":{\\"p\\":\\"%s\\"}}"}}}',
        "&Secret{Data:map[], StringData: map[]}, data:map[password:%s other:x]",
        "kubectl.kubernetes.io/last-applied-configuration: spec.password = %s",
    ],
)
def test_objects_that_were_not_sent_are_masked_by_their_shape(text: str) -> None:
    assert PASSWORD not in masked(text % PASSWORD)


def test_credentials_are_found_by_their_looks() -> None:
    token = "ghp_" + "A7bC9dE2fG4hJ6kL8mN0pQ3rS5tU7vW9xY1z"
    assert token not in masked(f"webhook says: {token}")


def test_ordinary_messages_stay_as_they_are() -> None:
    text = 'Widget.example.com "x" is invalid: spec.size: Invalid value: "number": spec.size must be of type integer'
    assert masked(text) == text
    assert masked(text, sent={"kind": "Widget", "spec": {"size": "number"}}) == text


def test_length_is_bounded() -> None:
    assert len(masked("a b " * 100_000)) < 2_100


def test_a_secret_with_very_many_values_shows_nothing_rather_than_take_long() -> None:
    sent = {"kind": "Secret", "stringData": {str(number): f"value-{number:06}" for number in range(40_000)}}
    shown = masked_all([f"denied: value-{number:06} " * 300 for number in range(200)], sent=sent)
    assert not any("denied" in one for one in shown)
