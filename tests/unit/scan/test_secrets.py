"""KB060: what is found, under which name, and what is left alone."""

from __future__ import annotations

import base64
import random

import pytest

from krate_gitops.brain.model import SecretPattern, SecretScan
from krate_gitops.brain.scan.secrets import find_secrets, fingerprint
from krate_gitops.errors import KrateError
from tests.proportion import assert_in_proportion
from tests.unit.scan.planted import KIND_OF, VARIANTS, chars, planted

CONFIG = SecretScan()


def kinds(text: str, config: SecretScan = CONFIG) -> list[str]:
    return [str(hit.kind) for hit in find_secrets(text, config)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_is_found_where_it_stands_and_covered_whole(variant: str) -> None:
    for seed in range(60):
        text, value = planted(variant, random.Random(f"{variant}/{seed}"))
        document = f"Body of a note. The earlier value was {text} until rotation.\n"
        hits = find_secrets(document, CONFIG)
        covered = "".join(document[hit.start : hit.end] for hit in hits)
        assert KIND_OF[variant] in [str(hit.kind) for hit in hits], f"{variant}, seed {seed}"
        assert value in covered, f"{variant}, seed {seed}"


@pytest.mark.parametrize(
    "shape",
    [
        "{name}: ''{value}''",
        '{name}: ""{value}""',
        "{name}: **{value}**",
        "**{name}:** {value}",
        "**{name}**: `{value}`",
        "- `{name}`: **`{value}`**",
        "| {name} | {value} |",
        "> | db | `{name}` | `{value}` | weekly |",
        "{name}:\n  - {value}",
        "{name}: |\n  {value}",
    ],
)
@pytest.mark.parametrize("name", ["api_key", "password", "aws_secret_" + "access_key"])
def test_an_assigned_secret_is_found_through_emphasis_quotes_lists_and_tables(shape: str, name: str) -> None:
    for seed in range(20):
        value = "k9" + chars(random.Random(seed), 24)
        document = shape.format(name=name, value=value)
        (hit,) = find_secrets(document, CONFIG)
        assert (document[hit.start : hit.end], hit.kind) == (value, "secret-key")


@pytest.mark.parametrize(
    "shape",
    [
        "**{name}:** {value}",
        "**{name}**: `{value}`",
        "`{name}`: **{value}**",
        "| {name} | `{value}` |",
        "|{name}| {value}|",
        "Header table\n| {name} | {value} |",
    ],
)
@pytest.mark.parametrize("name", ["X-Vault-Token", "X-Hub-Signature-256", "Stripe-Signature"])
def test_a_signature_header_is_found_through_emphasis_and_tables(shape: str, name: str) -> None:
    for seed in range(20):
        value = "k9" + chars(random.Random(seed), 30)
        document = shape.format(name=name, value=value)
        (hit,) = find_secrets(document, CONFIG)
        assert (document[hit.start : hit.end], hit.kind) == (value, "webhook-signature")


@pytest.mark.parametrize("variant", ["github-token", "sk-token", "gitlab-token", "slack-token", "aws-access-key"])
@pytest.mark.parametrize("fold", ["\\\n    ", "\n    ", "\n  > ", "\\n"])
def test_a_token_cut_by_a_line_break_is_found_wherever_the_cut_is(variant: str, fold: str) -> None:
    text, _ = planted(variant, random.Random(variant))
    for at in range(1, len(text)):
        document = f'summary: "was {text[:at]}{fold}{text[at:]} until rotation"\n'
        hits = find_secrets(document, CONFIG)
        assert [str(hit.kind) for hit in hits][:1] == ["provider-token"], f"cut at {at}"


def test_the_words_after_a_folded_token_are_not_part_of_it() -> None:
    text, value = planted("github-token", random.Random(1))
    document = f"{text}\nrotation happened on Monday\n"
    (hit,) = find_secrets(document, CONFIG)
    assert document[hit.start : hit.end] == value


def test_a_private_key_is_found_in_json_in_one_line_and_cut_at_either_end() -> None:
    rng = random.Random(3)
    begin, end = "-----BEGIN " + "PRIVATE KEY-----", "-----END " + "PRIVATE KEY-----"
    lines = ["".join(rng.choice("ABCDEFGHabcdefgh0123456789+/") for _ in range(64)) for _ in range(4)]
    whole = "\n".join((begin, *lines, end))
    for document in (
        whole,
        whole.replace("\n", "\\n"),
        whole.replace("\n", "\n      "),
        "\n".join((begin, *lines)),
        "\n".join((*lines, end)),
        whole.replace("PRIVATE KEY", "PRIVATE\n  KEY"),
    ):
        hits = find_secrets(f"text\n{document}\n", CONFIG)
        assert [str(hit.kind) for hit in hits] == ["private-key"], document
        assert all(line in f"text\n{document}\n"[hits[0].start : hits[0].end] for line in lines)


def test_a_secret_in_base64_hex_or_percent_encoding_is_found_at_the_encoded_run() -> None:
    text, _ = planted("github-token", random.Random(5))
    secret = f'{{"token": "{text}"}}'
    for encoded in (
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        secret.encode().hex(),
        "".join(f"%{byte:02X}" for byte in secret.encode()),
        "".join(f"\\u{byte:04x}" for byte in secret.encode()),
    ):
        document = f'{{"payload": "{encoded}"}}'
        (hit,) = [one for one in find_secrets(document, CONFIG) if one.kind == "provider-token"]
        assert encoded.rstrip("=")[:-3] in document[hit.start : hit.end]


@pytest.mark.parametrize(
    "text",
    [
        "The client sends a bearer token in the Authorization header.",
        "Authorization: Bearer <token>",
        "Authorization: Bearer ${API_TOKEN}",
        "Authorization: Bearer your-api-key-here-please",
        "Authorization: Bearer authentication-and-authorization",
        "`x-api-key: <ANTHROPIC_API_KEY>`",
        'OPENAI_API_KEY: ""',
        "OPENAI_API_KEY: ollama",
        "api_key: {{ secret.api_key }}",
        "api_key: env:STRIPE_KEY_2",
        "api_key = os.environ['API_KEY_V2']",
        "password = get_password(user1, realm2)",
        "password: string",
        "password?: string;",
        "passwordHash: bcrypt2b",
        "password: ********",
        "password=changeme123",
        "password: xxxxxxxxxxxxxxxx",
        "password_file: /run/secrets/db1pass2word3",
        "credentials: v1beta1.CredentialSpec",
        "secretKeyRef:\n  name: db-secret\n  key: password",
        '"password": {"type": "string", "minLength": 8}',
        "private_key_id: " + "0123456789abcdef" * 2,
        "sk-" + "x" * 32,
        "sk-" + "1234567890abcdef" * 2,
        "sk-toggleable__label-arrow-content",
        "gh" + "p_" + "x" * 36,
        "AK" + "IA" + "X" * 16,
        "xoxb-your-token-goes-right-here",
        "task-management-system-with-a-long-name",
        "postgres://user:password@localhost/db",
        "postgres://postgres:postgres@localhost/db",
        "https://user:<password>@example.com",
        "https://user:${PASSWORD}@example.com",
        "https://$USER:$PASS@example.com",
        "http://localhost:8080/path@home",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + "MIIBIjANBgkqhkiG9w0BAQEF" * 3 + "\n-----END PUBLIC KEY-----",
        "The file starts with -----BEGIN RSA PRIVATE KEY----- and ends with a matching line.",
        "-----BEGIN PRIVATE KEY----- opens the block; the functions getUserById2AndRole3 and loadX509CertFromDisk read "
        "it line by line until they meet the line that closes it, which is -----END PRIVATE KEY-----",
        "client-key-data: REDACTED",
        "X-Hub-Signature-256: sha256=<signature>",
        "commit: " + "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "AWS::ApiGateway::ApiKey: 48205d4ffd7feba3",
        "api_key=[REDACTED:secret-key]",
        "key: Ed25519PrivateKey | Ed448PublicKeyTypes1 | None",
        "the pattern `password|" + "kX9vQ2mLr8Tz4Wp7Yb3" + "`",
        "| password | rotated every 90 days by the platform team |",
        "**password:** in the vault, never here",
        "**Authorization:** bearer tokens rotate every week",
        "| Cookie | the session identifier of the reader |",
        "Cookie | sid=" + "kX9vQ2mLr8Tz4Wp7Yb3Nc6",
        "password: *shared_anchor_2",
    ],
)
def test_documentation_placeholders_and_code_are_no_secrets(text: str) -> None:
    assert kinds(text) == []


def test_a_vendors_published_example_is_only_pointed_out() -> None:
    assert kinds("key " + "AKIA" + "IOSFODNN7EXAMPLE") == ["example-credential"]
    assert kinds("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY") == ["example-credential"]
    assert kinds("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == ["example-credential"]


def test_secrets_in_titles_ids_and_paths_are_found() -> None:
    token, _ = planted("github-token", random.Random(8))
    key, _ = planted("aws-access-key", random.Random(8))
    for text in (f"note:{token}", f"notes/{key}.md", f"notes/old_{key}_key.md", f"Rotate {token}"):
        assert kinds(text) == ["provider-token"]


def test_a_token_inside_a_kubeconfig_is_found() -> None:
    value = chars(random.Random(4), 24)
    document = f"apiVersion: v1\nkind: Config\nclusters: []\nusers:\n- user:\n    token: {value}\n"
    assert kinds(document) == ["kubeconfig"]
    assert kinds(document.replace(value, "<token>")) == []


def test_a_brains_own_patterns_are_named_policy() -> None:
    config = SecretScan(extra_patterns=(SecretPattern("psp-key", "psp_live_[A-Za-z0-9]{24}"),))
    text = "we used psp_" + "live_" + "a" * 24
    assert kinds(text, config) == ["policy:psp-key"]
    assert kinds(text) == []


def test_an_invalid_pattern_is_reported_without_being_repeated() -> None:
    config = SecretScan(extra_patterns=(SecretPattern("odd", "(?<=x)y"),))
    with pytest.raises(KrateError) as caught:
        find_secrets("text", config)
    assert caught.value.code == "KB081"
    assert "odd" in caught.value.location
    assert "(?<=x)y" not in caught.value.message


def test_an_accepted_fingerprint_silences_that_value_only() -> None:
    text, value = planted("github-token", random.Random(2))
    other, _ = planted("github-token", random.Random(9))
    for allowed in (fingerprint(value), "sha256:" + fingerprint(value)):
        config = SecretScan(allow_fingerprints=(allowed,))
        assert kinds(text, config) == []
        assert kinds(other, config) == ["provider-token"]


@pytest.mark.parametrize(
    "piece",
    [
        "password=",
        "Bearer ",
        "sk-",
        "-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        "a://u:",
        "%41",
        "  \\\n",
    ],
)
def test_text_made_of_nothing_but_beginnings_takes_linear_time(piece: str) -> None:
    assert isinstance(find_secrets(piece * (60_000 // len(piece)), CONFIG), list)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_text_full_of_secrets_takes_time_in_proportion_and_keeps_places(variant: str) -> None:
    secret, value = planted(variant, random.Random(1))

    def scan(times: int) -> None:
        text = f"- é漢 {secret}\n" * times
        hits = find_secrets(text, CONFIG)
        # What is removed may be more than the value, but of every line it is.
        assert sum(value in text[hit.start : hit.end] for hit in hits) == times

    assert_in_proportion(scan, 250)


@pytest.mark.parametrize("value", ["egqyiidbZlKczddtZgmFieyfkczv", "rlujqFnhxtbbdjkeGvtw"])
def test_random_letters_that_seldom_change_case_are_a_secret_where_one_is_assigned(value: str) -> None:
    assert kinds(f"api_key = {value}") == ["secret-key"]


@pytest.mark.parametrize(
    "value",
    [
        "readOnlyServiceAccountName",
        "SHA256WITHRSAENCRYPTION",
        "defaultCredentialsProviderChain",
        "strengthThroughRhythms",
    ],
)
def test_names_of_many_words_are_none(value: str) -> None:
    assert kinds(f"api_key = {value}") == []
