"""Where a bucket answers."""

import ipaddress
from urllib.parse import quote, urlsplit

from attrs import frozen


@frozen
class Address:
    """The address of one bucket.

    Args:
        origin: scheme, host and port.
        base: path before every key.
        by_path: whether the bucket is part of the path, and not of the host.
    """

    origin: str
    base: str
    by_path: bool

    @classmethod
    def of(cls, endpoint: str, bucket: str) -> "Address":
        """Virtual-hosted, as OBS wants it; by path where that cannot work: on this machine, at a bare IP address, and
        over TLS for a name with dots, which no certificate covers."""
        parts = urlsplit(endpoint)
        base = parts.path.rstrip("/")
        if _by_path(parts.hostname or "", bucket, tls=parts.scheme == "https"):
            return cls(f"{parts.scheme}://{parts.netloc}", f"{base}/{quote(bucket)}", by_path=True)
        return cls(f"{parts.scheme}://{bucket}.{parts.netloc}", base, by_path=False)

    def path(self, key: str) -> str:
        """The path of a key, percent-encoded once."""
        return f"{self.base}/{quote(key, safe='/~')}"


def _by_path(host: str, bucket: str, *, tls: bool) -> bool:
    if host == "localhost" or (tls and "." in bucket):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
