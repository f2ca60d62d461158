"""Certificates for a TLS proxy on this machine, valid and expired ones, made by the `openssl` program."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def certify(folder: Path, ends: str) -> Path:
    """A file with a key and its own certificate of `localhost`, which ends at this time (YYYYMMDDHHMMSSZ)."""
    folder.mkdir()
    (folder / "index").touch()
    (folder / "ca.cnf").write_text(_CONFIG.format(folder=folder))
    ask = "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
    _run(folder, ask, "-addext", "subjectAltName=DNS:localhost", "-keyout", "key", "-out", "asked")
    sign = (
        f"ca -config ca.cnf -batch -notext -selfsign -keyfile key -in asked -startdate 20200101000000Z -enddate {ends}"
    )
    _run(folder, sign, "-out", "cert")
    both = folder / "both.pem"
    both.write_text((folder / "key").read_text() + (folder / "cert").read_text())
    return both


def server_context(certificate: Path) -> ssl.SSLContext:
    """The TLS of a server that has this certificate; another can be loaded later."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def bundle(path: Path, *certificates: Path) -> Path:
    """A bundle that trusts these, whether they have expired or not."""
    path.write_text("".join((one.parent / "cert").read_text() for one in certificates))
    return path


def _run(folder: Path, options: str, *more: str) -> None:
    subprocess.run(["openssl", *options.split(), *more], cwd=folder, check=True, capture_output=True)
