"""Which authorities GigaChat's client trusts: the system's and the Ministry's pinned ones, for GigaChat only.

Source: the Ministry of Digital Development's publication (gosuslugi.ru/crt); the fingerprints are SHA-256 of the DER.
A certificate that is not in this table is never trusted, wherever it lies.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# A bundle with more is a system's store: the gateway does not watch when its certificates end.
MAX_BUNDLED = 16

_NAMES = ("commonName", "organizationalUnitName", "organizationName")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pin:
    """A certificate that may be trusted."""

    name: str
    file: str
    sha256: str
    url: str


PINS = (
    Pin(
        "Russian Trusted Root CA",
        "russian_trusted_root_ca.pem",
        "D26D2D0231B7C39F92CC738512BA54103519E4405D68B5BD703E9788CA8ECF31",
        "https://gu-st.ru/content/lending/russian_trusted_root_ca_pem.crt",
    ),
    Pin(
        "Russian Trusted Sub CA (2022)",
        "russian_trusted_sub_ca_2022.pem",
        "BBBDE2103E790B999EC62BD03CF625A5A2E7C316E10AFE6A490EEDEAD8B3FD9B",
        "https://gu-st.ru/content/lending/russian_trusted_sub_ca_pem.crt",
    ),
    Pin(
        "Russian Trusted Sub CA (2024)",
        "russian_trusted_sub_ca_2024.pem",
        "2155785036C900DBB5F1BB2A1569C80C55595BD6BF94867A29BBDDBC7D88A3F2",
        "https://gu-st.ru/content/lending/russian_trusted_sub_ca_2024_pem.crt",
    ),
)
_BY_FINGERPRINT = {pin.sha256: pin for pin in PINS}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that is trusted: its name, fingerprint (hex), end (Unix seconds), PEM and file.

    The name is the table's; a certificate of the operator has its common name.
    """

    name: str
    sha256: str
    expires: float
    pem: str
    path: Path


def shipped_directory() -> Path:
    """Where the certificates lie: `app/certs` of an installed package, else the checkout's `certs`."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "certs"
    return installed if installed.is_dir() else package.parent / "certs"


def certificate_directories(state_dir: Path | None) -> list[Path]:
    """Every directory that is searched for pinned certificates."""
    return [shipped_directory(), *([state_dir / "certs"] if state_dir else [])]


def find_certificates(state_dir: Path | None) -> tuple[list[Certificate], list[Path]]:
    """The pinned certificates on disk, each once, and the PEM files that hold none and are ignored."""
    found: dict[str, Certificate] = {}
    strangers = []
    for directory in certificate_directories(state_dir):
        for path in sorted([*directory.glob("*.pem"), *directory.glob("*.crt")]):
            pinned = [cert for pem in _PEM.findall(_read_text(path)) if (cert := identify(pem, path))]
            if not pinned:
                strangers.append(path)
            for cert in pinned:
                found.setdefault(cert.sha256, cert)
    return list(found.values()), strangers


def identify(pem: str, path: Path) -> Certificate | None:
    """The certificate of a PEM block; None when its fingerprint is not in the table."""
    try:
        sha256 = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    except ValueError:
        return None
    pin = _BY_FINGERPRINT.get(sha256)
    return None if pin is None else Certificate(pin.name, sha256, _read_expiry(pem), pem, path)


def read_bundle(bundle: Path) -> list[Certificate]:
    """The authorities of the operator's bundle, the first to end first. Raises OSError when TLS can't use the file.

    Some authorities give several certificates the same name: these bear the beginning of their fingerprint as well.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    found = []
    for fields, der in zip(context.get_ca_certs(), context.get_ca_certs(binary_form=True), strict=True):
        sha256 = hashlib.sha256(der).hexdigest().upper()
        pin = _BY_FINGERPRINT.get(sha256)
        name = pin.name if pin else _find_name(fields["subject"])
        found.append(Certificate(name, sha256, _parse_expiry(fields), ssl.DER_cert_to_PEM_cert(der), bundle))
    counts = Counter(certificate.name for certificate in found)
    named = [replace(one, name=f"{one.name} {one.sha256[:8]}") if counts[one.name] > 1 else one for one in found]
    return sorted(named, key=lambda certificate: (certificate.expires, certificate.name))


def split_pem(text: str) -> list[str]:
    """The PEM blocks of a file."""
    return _PEM.findall(text)


def make_context(
    certificates: list[Certificate],
    *,
    verify: bool = True,
    ca_bundle: Path | None = None,
    client_cert: tuple[Path, Path | None, str] | None = None,
) -> ssl.SSLContext:
    """The TLS context of GigaChat's client, used for nothing else.

    The operator's bundle replaces all roots, as in GigaChat's SDK. `client_cert` is (certificate, key, password).
    """
    context = ssl.create_default_context(cafile=str(ca_bundle) if ca_bundle else None)
    if ca_bundle is None:
        for certificate in certificates:
            context.load_verify_locations(cadata=certificate.pem)
    # Python 3.13 turns on RFC 5280's strictest reading, which refuses older authorities for their form, not for trust.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert is not None:
        cert_file, key_file, password = client_cert
        # An empty password is passed too: without one OpenSSL would ask for it at the terminal.
        context.load_cert_chain(cert_file, key_file, password)
    return context


def _read_text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _find_name(subject: Any) -> str:
    """The name of a subject, which is a tuple of tuples of pairs; some old authorities have no common name."""
    fields = dict(pair for several in subject for pair in several)
    return next((fields[key] for key in _NAMES if fields.get(key)), "unnamed")


def _read_expiry(pem: str) -> float:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pem)
    return _parse_expiry(context.get_ca_certs()[0])


def _parse_expiry(fields: Mapping[str, Any]) -> float:
    """When a certificate ends (Unix seconds), from the fields that `ssl` gives."""
    return float(ssl.cert_time_to_seconds(str(fields["notAfter"])))
