"""What is signed, and how it is sent: botocore is the judge of our own requests, the documents of all of them."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import AsyncSession
from aiomodelarts._wire.message import Request
from aiomodelarts.credentials import AccessKey
from aiomodelarts.obs._s3.address import Address
from aiomodelarts.obs._s3.sigv4 import signed

from .conftest import fill
from .recording import Seen, recording

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _hidden_from(shown: str) -> None:
    assert "SKEXAMPLE" not in shown
    assert "token/" not in shown


class _UnsignedAuth(botocore.auth.S3SigV4Auth):
    def payload(self, request: Any) -> str:
        return "UNSIGNED-PAYLOAD"


@given(TEXT, st.dictionaries(st.sampled_from(["prefix", "marker", "delimiter", "max-keys"]), TEXT), st.booleans())
def test_botocore_signs_alike(key: str, query: dict[str, str], temporary: bool) -> None:
    token = "token/+=" if temporary else None
    address = Address.of("https://obs.region.example.com", "bucket")
    headers = {"x-amz-copy-source": "/b/" + quote(key)}
    request = Request("GET", address.origin, address.path(key), tuple(query.items()), headers)
    ours = signed(request, AccessKey("AKEXAMPLE", "SKEXAMPLE", token), "region", AT.timestamp())
    theirs = botocore.awsrequest.AWSRequest("GET", address.origin + address.path(key), params=query, headers=headers)
    theirs.context["timestamp"] = "20260102T030405Z"
    theirs.headers["X-Amz-Date"] = "20260102T030405Z"
    theirs.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    if token:
        theirs.headers["X-Amz-Security-Token"] = token
    judge = _UnsignedAuth(botocore.credentials.Credentials("AKEXAMPLE", "SKEXAMPLE", token), "s3", "region")
    text = judge.string_to_sign(theirs, judge.canonical_request(theirs))
    assert ours.headers["Authorization"].endswith(f"Signature={judge.signature(text, theirs)}")
    _hidden_from(repr(ours))


@pytest.mark.parametrize(
    ("endpoint", "bucket", "address"),
    [
        ("https://obs.cn-north-4.myhuaweicloud.com", "b", "https://b.obs.cn-north-4.myhuaweicloud.com/k"),
        ("http://obs.example.com:8080", "b", "http://b.obs.example.com:8080/k"),
        ("https://obs.example.com", "b.with.dots", "https://obs.example.com/b.with.dots/k"),
        ("http://obs.example.com", "b.with.dots", "http://b.with.dots.obs.example.com/k"),
        ("http://127.0.0.1:5000", "b", "http://127.0.0.1:5000/b/k"),
        ("http://[::1]:5000", "b", "http://[::1]:5000/b/k"),
        ("http://localhost:5000", "b", "http://localhost:5000/b/k"),
        ("https://gateway.example.com/s3", "b", "https://b.gateway.example.com/s3/k"),
    ],
)
def test_where_a_bucket_answers(endpoint: str, bucket: str, address: str) -> None:
    found = Address.of(endpoint, bucket)
    assert found.origin + found.path("k") == address


@pytest.mark.parametrize("token", [None, "token/+="])
@pytest.mark.parametrize("name", ["model 1+%.bin", "folder/"])
async def test_an_upload_is_signed_as_the_documents_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, token: str | None
) -> None:
    """OBS: signature v4, the bucket in the host, the payload left out; from obstore and from ourselves alike."""
    await fill(tmp_path, {"model 1+%.bin": b"weights"})
    async with recording() as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
        endpoint = f"http://obs.region.example.com:{server.port}"
        async with (
            aiohttp.ClientSession(trust_env=True) as http,
            AsyncSession(
                "AKEXAMPLE",
                "SKEXAMPLE",
                security_token=token,
                project_id="p",
                region_name="region",
                endpoints={"obs": endpoint, "modelarts": endpoint},
                http=http,
            ) as session,
        ):
            if name.endswith("/"):
                await session.obs.write(f"obs://bucket/{name}", b"")
            else:
                await session.obs.upload_file(tmp_path / name, "obs://bucket/")
    seen = server.seen[0]
    host = f"bucket.obs.region.example.com:{server.port}"
    assert seen.method == "PUT"
    assert seen.target == f"http://{host}/{quote(name)}"
    assert seen.headers["host"] == host
    assert seen.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert seen.headers.get("x-amz-security-token") == token
    assert seen.body == (b"" if name.endswith("/") else b"weights")
    authorization = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKEXAMPLE/(\d{8})/region/s3/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?"
        r"Signature=([0-9a-f]{64})",
        seen.headers["authorization"],
    )
    assert authorization is not None
    date, names, signature = authorization.groups()
    assert {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names.split(";"))
    assert seen.headers["x-amz-date"].startswith(date)
    assert signature == _signature_by_hand(seen, names)


def _signature_by_hand(seen: Seen, names: str) -> str:
    """The steps of the documents, one after the other."""
    path = seen.target.split("/", 3)[3]
    lines = [f"{name}:{seen.headers[name]}" for name in names.split(";")]
    canonical = "\n".join([seen.method, f"/{path}", "", *lines, "", names, "UNSIGNED-PAYLOAD"])
    moment = seen.headers["x-amz-date"]
    scope = f"{moment[:8]}/region/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4SKEXAMPLE"
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
