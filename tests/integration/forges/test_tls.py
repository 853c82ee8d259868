"""Over TLS: a token is shown only to a server whose certificate is trusted, and time is bounded there too."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from krate_gitops.errors import UnavailableError
from krate_gitops.updates.forges.client import Endpoint, ForgeClient, Limits, Token


def _certificate(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "forge")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)


class Handler(BaseHTTPRequestHandler):
    """Says yes; below /slow a byte at a time, for twenty seconds."""

    seen: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        if self.path != "/slow":
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
            return
        end = time.monotonic() + 20
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while time.monotonic() < end:
                self.wfile.write(b"z")
                time.sleep(0.02)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads, block_on_close = True, False

    def handle_error(self, request: object, address: object) -> None:
        """A refused handshake is what is tested."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a server, and its certificate."""
    file = tmp_path / "forge.pem"
    _certificate(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    made = Quiet(("127.0.0.1", 0), Handler)
    made.socket = context.wrap_socket(made.socket, server_side=True)
    Handler.seen = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{made.server_address[1]}", file
    made.shutdown()
    made.server_close()
    thread.join()


def test_a_certificate_nobody_trusts_gets_no_token(server: tuple[str, Path]) -> None:
    client = ForgeClient(Endpoint(server[0]), Token("t0ken"), limits=Limits(tries=1))
    with pytest.raises(UnavailableError, match="certificate isn't trusted") as caught:
        client.call("GET", "/x")
    assert caught.value.code == "FORGE_UNAVAILABLE"
    assert Handler.seen == []


def test_a_trusted_server_gets_it_and_is_left_when_it_trickles(
    server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server[1]))
    client = ForgeClient(Endpoint(server[0]), Token("t0ken"), limits=Limits(tries=1, seconds=2.0))
    assert client.call("GET", "/x").body == b"{}"
    assert Handler.seen == ["Bearer t0ken"]
    with pytest.raises(UnavailableError, match="no whole answer within 2 seconds"):
        client.call("GET", "/slow")
