"""A hub with `internal_ssl`: the service is reached with the hub's own certificates."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.vmshare import FakeVMShare, Scripted
from tests.server.conftest import Ask, Tokens
from tests.server.test_session import ME, session


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One certificate that is authority, server and client at once, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "hub.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def service(certificate: Path) -> Iterator[FakeVMShare]:
    """Talks to those only who show the hub's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with FakeVMShare(context) as service:
        yield service


class TestWithTheHubsCertificates:
    @pytest.fixture
    def jp_server_config(
        self, jp_server_config: dict[str, Any], certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> dict[str, Any]:
        for name in ("KEYFILE", "CERTFILE", "CLIENT_CA"):
            monkeypatch.setenv(f"JUPYTERHUB_SSL_{name}", str(certificate))
        return jp_server_config

    async def test_both_ways_to_the_service_are_open(
        self, ask: Ask, service: FakeVMShare, tokens: Tokens
    ) -> None:
        service.answer("GET", "/me", Scripted.json(ME))
        assert (await session(ask, tokens.ana))["service"] == "ok"
        assert (await ask("GET", "api/me")).code == 200


async def test_without_them_nothing_is_sent(ask: Ask, service: FakeVMShare, tokens: Tokens) -> None:
    assert (await session(ask, tokens.ana))["service"] == "unreachable"
    assert (await ask("GET", "api/me")).code == 503
    assert service.requests == []
