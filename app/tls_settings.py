"""The TLS context of GigaChat's client by the settings, and what operators are told of its certificates."""

from __future__ import annotations

import ssl
from pathlib import Path

from app.config import Config
from app.errors import ConfigError
from app.observe.logs import LOGGER, fields
from app.observe.metrics import Metrics
from app.upstream import trust


def make_watched_context(config: Config, metrics: Metrics) -> ssl.SSLContext:
    """The TLS context of a gateway; metrics tell when its certificates end. Raises ConfigError."""
    certificates, strangers = trust.find_certificates(config.state_dir)
    for path in strangers:
        LOGGER.warning("a certificate that is not pinned is ignored", extra=fields(file=str(path)))
    context = make_context(config, certificates)
    metrics.certificate_expiry.clear()
    for certificate in _choose_watched(config.ca_bundle_file, certificates):
        metrics.certificate_expiry.labels(certificate.name).set(certificate.expires)
    return context


def make_context(config: Config, certificates: list[trust.Certificate]) -> ssl.SSLContext:
    """The TLS context by these settings. Raises ConfigError when a file holds no certificate."""
    client_cert = (config.cert_file, config.key_file, config.key_file_password) if config.cert_file else None
    try:
        return trust.make_context(
            certificates, verify=config.verify_ssl_certs, ca_bundle=config.ca_bundle_file, client_cert=client_cert
        )
    except OSError as fault:  # ssl.SSLError is one
        raise ConfigError([_explain_fault(config, fault)]) from fault


def _choose_watched(bundle: Path | None, pinned: list[trust.Certificate]) -> list[trust.Certificate]:
    """The certificates whose ends operators are told: the pinned ones, or those of the bundle that replaces them."""
    if bundle is None:
        return pinned
    found = trust.read_bundle(bundle)
    if len(found) <= trust.MAX_BUNDLED:
        return found
    LOGGER.warning(
        "the bundle holds too many certificates: when they end is not watched",
        extra=fields(file=str(bundle), certificates=len(found)),
    )
    return []


def _explain_fault(config: Config, fault: OSError) -> str:
    """One sentence that names every file which OpenSSL may mean."""
    files = (
        ("GIGACHAT_CA_BUNDLE_FILE", config.ca_bundle_file),
        ("GIGACHAT_CERT_FILE", config.cert_file),
        ("GIGACHAT_KEY_FILE", config.key_file),
    )
    named = ", ".join(f"{name} ({path})" for name, path in files if path is not None)
    sentence = f"{named}: TLS cannot use what is in there: {fault}"
    if config.cert_file:
        sentence += ". A key that is encrypted needs its GIGACHAT_KEY_FILE_PASSWORD"
    return sentence
