"""Made-up credentials of the right shape. Built from pieces, so that no source file holds one."""

from __future__ import annotations

import base64
import random
import string

ALNUM = string.ascii_letters + string.digits
VARIANTS = (
    "aws-access-key",
    "github-token",
    "github-app-token",
    "sk-token",
    "gitlab-token",
    "slack-token",
    "slack-user-token",
    "stripe-key",
    "google-key",
    "url-credential",
    "key-assignment",
    "json-password",
    "yaml-secret-key",
    "bearer",
    "basic",
    "jwt",
    "private-key",
    "openssh-key",
    "kubeconfig",
    "webhook-signature",
    "cookie",
)
KIND_OF = {
    "aws-access-key": "provider-token",
    "github-token": "provider-token",
    "github-app-token": "provider-token",
    "sk-token": "provider-token",
    "gitlab-token": "provider-token",
    "slack-token": "provider-token",
    "slack-user-token": "provider-token",
    "stripe-key": "provider-token",
    "google-key": "provider-token",
    "url-credential": "url-credential",
    "key-assignment": "secret-key",
    "json-password": "secret-key",
    "yaml-secret-key": "secret-key",
    "bearer": "bearer-token",
    "basic": "bearer-token",
    "jwt": "bearer-token",
    "private-key": "private-key",
    "openssh-key": "private-key",
    "kubeconfig": "kubeconfig",
    "webhook-signature": "webhook-signature",
    "cookie": "webhook-signature",
}


def chars(rng: random.Random, count: int, alphabet: str = ALNUM) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def planted(variant: str, rng: random.Random) -> tuple[str, str]:
    """The text to write, and the part of it that must not be readable afterwards."""
    upper = string.ascii_uppercase + string.digits
    token = {
        "aws-access-key": lambda: "AK" + "IA" + chars(rng, 16, upper),
        "github-token": lambda: "gh" + "p_" + chars(rng, 36),
        "github-app-token": lambda: "gh" + "o_" + chars(rng, 36),
        "sk-token": lambda: "s" + "k-" + chars(rng, 32),
        "gitlab-token": lambda: "gl" + "pat-" + chars(rng, 20),
        "slack-token": lambda: "xo" + "xb-" + chars(rng, 12, string.digits) + "-" + chars(rng, 24),
        "slack-user-token": lambda: "xo" + "xp-" + chars(rng, 12, string.digits) + "-" + chars(rng, 24),
        "stripe-key": lambda: "sk" + "_live_" + chars(rng, 24),
        "google-key": lambda: "AI" + "za" + chars(rng, 35),
        "jwt": lambda: ".".join(("ey" + "J" + chars(rng, 20), "ey" + "J" + chars(rng, 40), chars(rng, 43))),
    }
    if variant in token:
        value = token[variant]()
        return value, value
    if variant in ("private-key", "openssh-key"):
        name = "RSA PRIVATE" if variant == "private-key" else "OPENSSH PRIVATE"
        value = chars(rng, 64)
        between = " " if variant == "private-key" else "\n"
        return f"-----BEGIN {name} KEY-----{between}{value}{between}-----END {name} KEY-----", value
    value = chars(rng, 28)
    if variant == "basic":
        value = base64.b64encode(f"deploy:{chars(rng, 14)}9x".encode()).decode()
    if variant == "url-credential":
        value = chars(rng, 14)
    if variant == "webhook-signature":
        value = chars(rng, 64, "0123456789abcdef")
    text = {
        "url-credential": f"https://deploy:{value}@db.example.com/main",
        "key-assignment": "api_" + f"key = {value}",
        "json-password": '{"db": {"pass' + f'word": "{value}"}}}}',
        "yaml-secret-key": "aws_secret_" + f"access_key: '{value}'",
        "bearer": "Authorization: Bear" + f"er {value}",
        "basic": "Authorization: Bas" + f"ic {value}",
        "kubeconfig": "client-key-" + f"data: {value}{value[:20]}",
        "webhook-signature": "X-Hub-Signature-256: sha256=" + value,
        "cookie": "Set-Cookie: session=" + value + "; HttpOnly",
    }[variant]
    return text, value
