"""Who is served and who is refused. The vendor's own signer stands for clients written by others."""

import asyncio
import time

import orjson
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from aiomodelarts._wire.signing import sign
from aiomodelarts.local.gatekeeper import TOKEN_LIFETIME_S
from tests.local.caller import calling, config

ALGORITHM = "SDK-HMAC-SHA256"
ZEROS = "0" * 64


def vendor_signed(request, access):
    """The headers that the vendor's signer makes for a request."""
    foreign = SdkRequest(
        method=request.method,
        schema="http",
        host=request.host,
        resource_path=request.path,
        uri=request.path,
        query_params=list(request.query),
        header_params=dict(request.headers),
        body=request.body.decode(),
    )
    credentials = BasicCredentials(access.access_key, access.secret_key, access.project_id)
    return dict(Signer(credentials).sign(foreign).header_params)


@pytest.fixture
def caller(simulated_caller):
    return simulated_caller


async def test_the_vendors_signer_is_served(caller):
    for request in (
        caller.request("GET", "job/ai-engines", {"job_type": "train"}),
        caller.request("GET", "training-jobs", {"search_content": "a b/~ü+&=", "order": "asc"}),
        caller.request("POST", "training-jobs", body={"job_name": "ü".replace("ü", "u"), "config": config()}),
    ):
        reply = await caller.send(request, vendor_signed(request, caller.access))
        assert reply.status == 200, reply


def changed(request, headers, what):
    """The same request with one byte changed."""
    from attrs import evolve

    if what == "query":
        return evolve(request, query=(("job_type", "traln"),)), headers
    if what == "body":
        return evolve(request, body=request.body.replace(b"demo", b"demp")), headers
    if what == "path":
        return evolve(request, path=request.path.replace("training-jobs", "training-jobz")), headers
    name = {"key": "Authorization", "signature": "Authorization", "date": "X-Sdk-Date"}[what]
    value = headers[name]
    if what == "key":
        place = value.index("Access=") + 8
    elif what == "signature":
        place = len(value) - 1
    else:
        place = len(value) - 2
    other = "1" if value[place] != "1" else "2"
    return request, {**headers, name: value[:place] + other + value[place + 1 :]}


@pytest.mark.parametrize("what", ["query", "body", "key", "signature", "date"])
async def test_one_changed_byte_is_refused(caller, what):
    request = caller.request("POST", "training-jobs", {"job_type": "train"}, {"job_name": "demo", "config": config()})
    headers = vendor_signed(request, caller.access)
    reply = await caller.send(*changed(request, headers, what))
    assert (reply.status, reply.code) == (403, "ModelArts.0206")
    assert (await caller.ok("GET", "training-jobs"))["jobs"] == []
    assert (await caller.send(request, headers)).status == 200


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_date_of_another_quarter_of_an_hour_is_refused(caller, minutes):
    request = caller.request("GET", "job/ai-engines")
    at = time.time() + 60 * minutes
    headers = sign(request, caller.access.access_key, caller.access.secret_key, at)
    reply = await caller.send(request, headers)
    assert (reply.status, reply.code) == (401, "ModelArts.0206")
    assert "15 minutes" in reply.json["error_message"]


async def test_fourteen_minutes_are_fine(caller):
    request = caller.request("GET", "job/ai-engines")
    headers = sign(request, caller.access.access_key, caller.access.secret_key, time.time() - 14 * 60)
    assert (await caller.send(request, headers)).status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "ModelArts.0201"),
        ({"Authorization": f"{ALGORITHM} Credential=AK////, SignedHeaders=host, Signature=0"}, 401, "ModelArts.0206"),
        ({"Authorization": "Basic eA=="}, 401, "ModelArts.0206"),
        ({"Authorization": f"{ALGORITHM} Access=A, SignedHeaders=host, Signature={ZEROS}"}, 401, "ModelArts.0206"),
        ({"Authorization": f"{ALGORITHM} Access=A, SignedHeaders=x-no, Signature={ZEROS}"}, 401, "ModelArts.0206"),
        (
            {
                "X-Sdk-Date": "20249999T999999Z",
                "Authorization": f"{ALGORITHM} Access=A, SignedHeaders=x-sdk-date, Signature={ZEROS}",
            },
            401,
            "ModelArts.0206",
        ),
        ({"X-Auth-Token": "nonsense"}, 401, "ModelArts.0203"),
        ({"X-Auth-Token": "MTIzOjQ1Ng=="}, 401, "ModelArts.0203"),
        ({"X-Auth-Token": ""}, 401, "ModelArts.0203"),
    ],
)  # fmt: skip
async def test_bad_credentials_are_refused_with_their_code(caller, headers, status, code):
    reply = await caller.send(caller.request("GET", "job/ai-engines"), headers)
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(
    "head",
    [
        b"X-Auth-Token: \xff",
        b"X-Local-Admin: \xff",
        b"A-B: \xff\r\nAuthorization: SDK-HMAC-SHA256 Access=A, SignedHeaders=a-b;x-sdk-date, Signature="
        + ZEROS.encode(),
        b"Authorization: SDK-HMAC-SHA256 Access=\xff, SignedHeaders=x-sdk-date, Signature=" + ZEROS.encode(),
        b"Content-Encoding: gzip",
    ],
)
@pytest.mark.parametrize("path", ["/v1/p/job/ai-engines", "/_local/faults"])
async def test_bytes_that_are_no_text_are_refused_and_cause_no_trouble(simulated_caller, head, path):
    """What no library sends: over a bare socket."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    address = simulated_caller.access.modelarts_endpoint.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*address.split(":"))
    request = (
        f"PUT {path} HTTP/1.1\r\nHost: {address}\r\nX-Sdk-Date: {date}\r\nConnection: close\r\nContent-Length: 3\r\n"
    )
    writer.write(request.encode() + head + b"\r\n\r\nabc")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert orjson.loads(answer.rpartition(b"\r\n\r\n")[2])["error_code"] == "ModelArts.0101"


async def test_a_wrong_secret_key_is_refused(caller):
    request = caller.request("GET", "job/ai-engines")
    headers = sign(request, caller.access.access_key, "wrong", time.time())
    reply = await caller.send(request, headers)
    assert (reply.status, reply.code) == (403, "ModelArts.0206")


async def test_another_project_is_refused_in_path_and_in_header(caller):
    other = "0" * 32
    reply = await caller.call("GET", f"/v1/{other}/job/ai-engines")
    assert (reply.status, reply.code) == (403, "ModelArts.0210")
    request = caller.request("GET", "job/ai-engines")
    request.headers["X-Project-Id"] = other
    reply = await caller.send(request)
    assert (reply.status, reply.code) == (403, "ModelArts.0210")


def login(access, **changes):
    given = {
        "account": access.account,
        "username": access.username,
        "password": access.password,
        "scope": {"name": access.region_name},
        **changes,
    }
    user = {"name": given["username"], "password": given["password"], "domain": {"name": given["account"]}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": given["scope"]}}}


async def post_login(caller, body):
    request = caller.request("POST", "/v3/auth/tokens", body=body)
    return await caller.send(request, {"Content-Type": "application/json"})


async def test_a_token_opens_the_door_until_it_expires(caller, monkeypatch):
    for scope in ({"name": caller.access.region_name}, {"id": caller.access.project_id}):
        reply = await post_login(caller, login(caller.access, scope=scope))
        assert reply.status == 201
        assert reply.json["token"]["expires_at"].endswith("Z")
        token = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
        request = caller.request("GET", "job/ai-engines")
        assert (await caller.send(request, token)).status == 200
    tampered = {"X-Auth-Token": token["X-Auth-Token"][:-4] + "AAA="}
    assert (await caller.send(request, tampered)).code == "ModelArts.0203"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + TOKEN_LIFETIME_S + 1)
    reply = await caller.send(request, token)
    assert (reply.status, reply.code) == (401, "ModelArts.0202")


async def test_a_token_outlives_the_process_that_issued_it(tmp_path):
    from aiomodelarts.local import LocalPlatform

    async with LocalPlatform(tmp_path, executor="simulated") as platform, calling(platform) as caller:
        token = (await post_login(caller, login(platform))).headers["X-Subject-Token"]
    async with LocalPlatform(tmp_path, executor="simulated") as platform, calling(platform) as caller:
        request = caller.request("GET", "job/ai-engines")
        assert (await caller.send(request, {"X-Auth-Token": token})).status == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"password": "wrong"}, 401),
        ({"username": "wrong"}, 401),
        ({"account": "wrong"}, 401),
        ({"scope": {"name": "elsewhere"}}, 401),
        ({"scope": {"id": "elsewhere"}}, 401),
        ({"scope": None}, 400),
        ({"password": None}, 400),
        ({"password": 7}, 400),
    ],
)
async def test_a_wrong_login_is_refused(caller, changes, status):
    reply = await post_login(caller, login(caller.access, **changes))
    assert reply.status == status
    assert reply.json["error"]["code"] == status
    assert "X-Subject-Token" not in reply.headers


async def test_it_listens_on_the_loopback_interface_only(simulated):
    port = int(simulated.modelarts_endpoint.rpartition(":")[2])
    assert simulated.modelarts_endpoint.startswith("http://127.0.0.1:")
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection("127.0.0.2", port)


def test_nothing_secret_is_in_a_repr(platform_keys):
    shown = repr(platform_keys)
    for secret in ("secret_key", "password", "token_secret", "admin_token"):
        assert getattr(platform_keys, secret) not in shown


@pytest.fixture
def platform_keys():
    from aiomodelarts.local.gatekeeper import Keys

    return Keys("r", "p", "ak", "s-key", "acc", "user", "s-pass", "s-token", "s-admin")
