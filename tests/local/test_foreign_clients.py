"""Clients that know nothing of ours are served: the vendor's own core client, and openstacksdk with otcextensions."""

import warnings
from types import SimpleNamespace
from typing import ClassVar

import orjson
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.sdk_response import SdkResponse

from aiomodelarts.local import LocalPlatform
from tests.local.caller import config

STYLES = ["tidy", *(f"varied:{seed}" for seed in range(5))]


@pytest.fixture(params=STYLES)
async def platform(request, tmp_path):
    options = {"executor": "simulated", "simulate": "duration=0", "answers": request.param}
    async with LocalPlatform(tmp_path, **options) as running:
        yield running


class Anything(SdkResponse):
    """The client decodes into classes with listed members; what else there is stays in ``raw_content``."""

    openapi_types: ClassVar = {"is_success": "bool"}
    attribute_map: ClassVar = {"is_success": "is_success"}

    def __init__(self, is_success=None):
        super().__init__()
        self.is_success = is_success


class Vendor:
    """The vendor's core client, which signs and sends by itself; only the paths are ours."""

    def __init__(self, access):
        credentials = BasicCredentials(access.access_key, access.secret_key, access.project_id)
        builder = ClientBuilder(Client).with_credentials(credentials).with_endpoint(access.modelarts_endpoint)
        self.client = builder.build()
        self.client.model_package = SimpleNamespace(Anything=Anything)
        self.v1 = f"/v1/{access.project_id}"

    def call(self, method, path, query=(), body=None):
        answer = self.client.do_http_request(
            method,
            f"{self.v1}/{path}",
            query_params=list(query),
            header_params={"Content-Type": "application/json"},
            body=body,
            response_type="Anything",
        )
        return SimpleNamespace(**orjson.loads(answer.raw_content))


async def test_the_vendors_client_makes_and_reads_versions(platform, in_thread):
    def work():
        vendor = Vendor(platform)
        job = vendor.call("POST", "training-jobs", body={"job_name": "vendor", "config": config()})
        versions = f"training-jobs/{int(job.job_id)}/versions"
        body = {"config": config(pre_version_id=int(job.version_id))}
        made = vendor.call("POST", versions, body=body)
        listed = vendor.call("GET", versions, [("page", 1), ("per_page", 10)])
        detail = vendor.call("GET", f"{versions}/{int(made.version_id)}")
        found = vendor.call("GET", "training-jobs", [("search_content", "vend"), ("order", "desc")])
        vendor.client.close()
        return job, made, listed, detail, found

    job, made, listed, detail, found = await in_thread(work)
    assert [int(row["version_id"]) for row in listed.versions] == [int(made.version_id), int(job.version_id)]
    assert int(detail.pre_version_id) == int(job.version_id)
    assert [row["job_name"] for row in found.jobs] == ["vendor"]


async def test_the_vendors_client_is_refused_with_a_wrong_key(tmp_path, in_thread):
    async with LocalPlatform(tmp_path, executor="simulated") as platform:
        wrong = SimpleNamespace(
            access_key=platform.access_key,
            secret_key="wrong",
            project_id=platform.project_id,
            modelarts_endpoint=platform.modelarts_endpoint,
        )

        def work():
            vendor = Vendor(wrong)
            try:
                vendor.call("GET", "training-jobs")
            finally:
                vendor.client.close()

        with pytest.raises(ClientRequestException) as error:
            await in_thread(work)
    # It knows the gateway's form of a refusal only, and shows the whole body of any other as the message.
    assert error.value.status_code == 403
    assert "ModelArts.0206" in error.value.error_msg


def open_stack(access):
    """A connection of openstacksdk with the extensions of otcextensions; the token is fetched by keystoneauth."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import openstack.connection
        from keystoneauth1 import session
        from keystoneauth1.identity import v3
        from otcextensions.sdk.modelartsv1.v1 import _proxy

        auth = v3.Password(
            auth_url=access.iam_endpoint + "/v3",
            username=access.username,
            password=access.password,
            user_domain_name=access.account,
            project_id=access.project_id,
        )
        login = session.Session(auth=auth)
        endpoint = f"{access.modelarts_endpoint}/v1/{access.project_id}"
        proxy = _proxy.Proxy(session=login, service_type="modelartsv1", endpoint_override=endpoint)
        proxy._connection = openstack.connection.Connection(session=login)
    return login, proxy


async def test_openstacksdk_with_otcextensions_reads_jobs_versions_flavors_and_engines(platform, in_thread):
    """Its calls for a single version raise KeyError before anything is sent (the job's id does not reach the address),
    so these are sent as raw calls of the same session."""

    def work():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            login, proxy = open_stack(platform)
            made = proxy.create_training_job(job_name="stack", config=config())
            job, version = str(int(made.job_id)), str(int(made.version_id))
            jobs = [one.name for one in proxy.training_jobs()]
            flavors = [flavor.spec_code for flavor in proxy.job_flavors(job_type="train")]
            engines = [(engine.engine_name, engine.engine_version) for engine in proxy.job_engines(job_type="train")]
            versions = [int(one.version_id) for one in proxy.training_job_versions(job)]
            for broken in (proxy.get_training_job_version, proxy.stop_training_job_version):
                with pytest.raises(KeyError):
                    broken(job, version)
            follow = {"config": config(pre_version_id=int(version))}
            raw = proxy.post(f"/training-jobs/{job}/versions", json=follow).json()
            detail = proxy.get(f"/training-jobs/{job}/versions/{int(raw['version_id'])}").json()
            login.session.close()
        assert jobs == ["stack"]
        assert "modelarts.vm.gpu.p100" in flavors
        assert ("PyTorch", "PyTorch-1.0.0-python3.6") in engines
        assert versions == [int(version)]
        assert int(detail["pre_version_id"]) == int(version)

    await in_thread(work)
