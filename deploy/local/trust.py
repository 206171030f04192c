"""Whom does a Java from a wheel trust on the network? The authorities that this machine trusts.

A Java that is installed knows them; one from a wheel brings its own list, without the authority of, say, a
company's proxy.
"""

import os
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.utils import CryptographyDeprecationWarning

from deploy.local.places import PROJECT

_NAMED: Final = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
_USUAL: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_PASSWORD: Final = "changeit"  # noqa: S105 - Java asks for one; the certificates are public


def java_options(store: Path) -> list[str]:
    """Options that make Java trust this machine's authorities, which are written to `store`.

    No options where the machine has no list of them.
    """
    bundle = next(_bundles(), None)
    if bundle is None:
        return []
    with warnings.catch_warnings():
        # Old authorities have serial numbers that a new one may not have.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        certificates = [
            PKCS12Certificate(certificate, str(number).encode())
            for number, certificate in enumerate(x509.load_pem_x509_certificates(bundle.read_bytes()))
        ]
        content = serialize_java_truststore(certificates, BestAvailableEncryption(_PASSWORD.encode()))
    store.write_bytes(content)
    # Seen from the project's folder: options are parted by spaces, and what is above may have some.
    return [
        f"-Djavax.net.ssl.trustStore={os.path.relpath(store, PROJECT)}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        f"-Djavax.net.ssl.trustStorePassword={_PASSWORD}",
    ]


def _bundles() -> Iterator[Path]:
    named = [os.environ.get(name) for name in _NAMED]
    for path in (*named, ssl.get_default_verify_paths().cafile, *_USUAL):
        if path and Path(path).is_file():
            yield Path(path)
