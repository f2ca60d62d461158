"""`python -m app certs`: what is trusted for GigaChat, and the download of what is missing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import aiohttp

from app.config import Config
from app.errors import ConfigError
from app.upstream import trust
from app.upstream.client import open_session
from app.upstream.failures import classify_fault
from app.upstream.reading import read_at_most

_MAX_BYTES = 64 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=30)


async def run(config: Config, *, fetch: bool) -> int:
    """Print what is trusted; with `fetch` download what is missing before. The exit code: 1 when a download failed."""
    failed = await _download_missing(config) if fetch else 0
    found, strangers = trust.find_certificates(config.state_dir)
    if config.ca_bundle_file:
        _show_bundle(config.ca_bundle_file)
    else:
        _show_pinned(found)
    for path in strangers:
        print(f"  ignored, since its fingerprint is not pinned: {path}")
    return failed


def _show_pinned(found: list[trust.Certificate]) -> None:
    print("Trusted for GigaChat beside the system's store, and for nothing else:")
    for certificate in found:
        _show(certificate)
    have = {certificate.sha256 for certificate in found}
    for pin in trust.PINS:
        if pin.sha256 not in have:
            print(f"  missing: {pin.name} (most servers send it themselves; `python -m app certs --fetch` adds it)")


def _show_bundle(bundle: Path) -> None:
    """The operator's certificates in place of the pinned ones. Raises ConfigError."""
    try:
        found = trust.read_bundle(bundle)
    except OSError as fault:  # ssl.SSLError is one
        sentence = f"GIGACHAT_CA_BUNDLE_FILE ({bundle}): TLS cannot use what is in there: {fault}"
        raise ConfigError([sentence]) from fault
    print(f"GIGACHAT_CA_BUNDLE_FILE replaces all roots: only {bundle} is trusted for GigaChat.")
    for certificate in found[: trust.MAX_BUNDLED]:
        _show(certificate)
    if len(found) > trust.MAX_BUNDLED:
        print(f"  and {len(found) - trust.MAX_BUNDLED} more, which end later")


def _show(certificate: trust.Certificate) -> None:
    until = dt.datetime.fromtimestamp(certificate.expires, dt.UTC).date()
    sha256 = _separate_bytes(certificate.sha256)
    print(f"  {certificate.name}, until {until}\n    SHA-256 {sha256}\n    {certificate.path}")


async def _download_missing(config: Config) -> int:
    found, _ = trust.find_certificates(config.state_dir)
    have = {certificate.sha256 for certificate in found}
    directory = trust.certificate_directories(config.state_dir)[-1]
    failed = 0
    async with open_session(trust.make_context(found), config.connect_seconds) as session:
        for pin in trust.PINS:
            if pin.sha256 not in have:
                fault = await _download(session, pin, directory, config.proxy_for(pin.url) or None)
                print(f"not added: {pin.name}: {fault}" if fault else f"added: {pin.name} in {directory}")
                failed |= bool(fault)
    return int(failed)


async def _download(session: aiohttp.ClientSession, pin: trust.Pin, directory: Path, proxy: str | None) -> str | None:
    """Download one certificate; the fault, if there is one. The fingerprint decides, not where it came from."""
    try:
        async with session.get(pin.url, proxy=proxy, timeout=_TIMEOUT) as response:
            status, data = response.status, await read_at_most(response, _MAX_BYTES)
    except (aiohttp.ClientError, OSError) as fault:
        return f"{pin.url} cannot be fetched: {classify_fault(fault).detail}"
    if status != 200:
        return f"{pin.url} answers {status}"
    return _store(pin, data.decode("ascii", "replace"), directory)


def _store(pin: trust.Pin, text: str, directory: Path) -> str | None:
    """Write the pinned certificate into the directory; the fault, if there is one."""
    for pem in trust.split_pem(text):
        certificate = trust.identify(pem, directory / pin.file)
        if certificate is not None and certificate.sha256 == pin.sha256:
            try:
                directory.mkdir(parents=True, exist_ok=True)
                certificate.path.write_text(pem + "\n", "ascii")
            except OSError as fault:
                return f"{certificate.path} cannot be written: {fault.strerror}. Set GPT2GIGA_STATE_DIR"
            return None
    return f"what {pin.url} gives does not have the pinned fingerprint, so it is refused"


def _separate_bytes(sha256: str) -> str:
    return ":".join(sha256[index : index + 2] for index in range(0, len(sha256), 2))
