"""Certificates: settings that are half set, files that are wrong, files that change."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from dearena.faults import InvalidField
from dearena.transport import PLAINTEXT, Tls, certificates
from dearena.transport.certificates import Certificates
from services.runtime.settings import ServiceSettings
from tests.fixtures.certificates import Authority, put, settings_of


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.0)


def test_nothing_set_is_plaintext() -> None:
    assert Tls.find({}) == PLAINTEXT
    assert not PLAINTEXT.wanted
    assert not ServiceSettings().tls.wanted


def test_what_is_set_is_found() -> None:
    environment = {"DEARENA_TLS_CERT_FILE": "a", "DEARENA_TLS_KEY_FILE": "b", "DEARENA_TLS_CA_FILE": "c"}
    assert Tls.find(environment) == Tls("a", "b", "c")


@pytest.mark.parametrize(
    ("tls", "named"),
    [
        (Tls(cert_file="a.crt"), "DEARENA_TLS_KEY_FILE: must be set where DEARENA_TLS_CERT_FILE is"),
        (Tls(key_file="a.key"), "DEARENA_TLS_CERT_FILE: must be set where DEARENA_TLS_KEY_FILE is"),
    ],
)
def test_half_a_pair_names_the_other_half(tls: Tls, named: str) -> None:
    with pytest.raises(InvalidField, match=named):
        tls.read()
    with pytest.raises(ValidationError, match=named):
        ServiceSettings(**settings_of(tls))


def test_authorities_alone_do_for_a_client_and_not_for_a_service(authority: Authority) -> None:
    assert authority.trusted.read().authorities
    with pytest.raises(ValidationError, match="DEARENA_TLS_CERT_FILE: must be set where DEARENA_TLS_CA_FILE is"):
        ServiceSettings(tls_ca_file=authority.trusted.ca_file)


def test_wrong_files_are_named_with_their_setting(authority: Authority, tmp_path: Path) -> None:
    good = authority.issue("good")
    other = authority.issue("other")
    junk = tmp_path / "junk"
    junk.write_text("-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n")
    empty = tmp_path / "empty"
    empty.touch()
    wrong = {
        "DEARENA_TLS_CERT_FILE: /gone cannot be read: No such file": replace(good, cert_file="/gone"),
        f"DEARENA_TLS_CERT_FILE: {junk} holds no certificate": replace(good, cert_file=str(junk)),
        f"DEARENA_TLS_KEY_FILE: {junk} holds no private key": replace(good, key_file=str(junk)),
        f"DEARENA_TLS_KEY_FILE: {other.key_file} is not the key": replace(good, key_file=other.key_file),
        "DEARENA_TLS_KEY_FILE: /gone cannot be read: No such file": replace(good, key_file="/gone"),
        f"DEARENA_TLS_CA_FILE: {junk} holds no certificate": replace(good, ca_file=str(junk)),
        f"DEARENA_TLS_CA_FILE: {empty} holds no certificate": replace(good, ca_file=str(empty)),
        f"DEARENA_TLS_CA_FILE: {tmp_path} cannot be read: Is a directory": replace(good, ca_file=str(tmp_path)),
    }
    for message, tls in wrong.items():
        with pytest.raises(InvalidField, match=message):
            tls.read()
        with pytest.raises(ValidationError, match=message):
            ServiceSettings(**settings_of(tls))


def test_a_key_with_a_pass_phrase_asks_nobody_for_it(authority: Authority, tmp_path: Path) -> None:
    tls = authority.issue("good")
    key = load_pem_private_key(Path(tls.key_file).read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"nobody knows")))
    with pytest.raises(InvalidField, match=r"DEARENA_TLS_KEY_FILE: .* is locked by a pass phrase"):
        replace(tls, key_file=str(locked)).read()


def test_a_renewal_is_seen_and_nothing_else_is_one(authority: Authority) -> None:
    tls = authority.issue("service")
    files = Certificates(tls)
    first = files.current()
    assert files.current() is first
    put(Path(tls.cert_file), first.chain)
    assert files.current() is first, "the same content in a new file is no renewal"

    authority.issue("service")
    renewed = files.current()
    assert renewed is not first
    assert renewed == tls.read()


def test_half_a_renewal_waits_for_the_other_half(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    tls, coming = authority.issue("service"), authority.issue("coming")
    files = Certificates(tls)
    first = files.current()
    put(Path(tls.cert_file), Path(coming.cert_file).read_bytes())
    assert files.current() is first
    assert files.current() is first
    (complaint,) = caplog.messages
    assert "those before stay in force" in complaint
    assert "is not the key of the certificate" in complaint

    put(Path(tls.key_file), Path(coming.key_file).read_bytes())
    assert files.current() == coming.read()


def test_files_that_vanish_leave_what_was_there(authority: Authority) -> None:
    tls = authority.issue("service")
    files = Certificates(tls)
    first = files.current()
    Path(tls.key_file).unlink()
    assert files.current() is first


def test_keys_are_not_shown(authority: Authority) -> None:
    assert "PRIVATE" not in repr(authority.issue("service").read())
