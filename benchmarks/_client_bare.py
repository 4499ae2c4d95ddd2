"""Creations with nothing but aiohttp, orjson and the signature: what one would write by hand."""

import asyncio
import sys
import time

import aiohttp
import orjson
from yarl import URL

from aiomodelarts._wire.message import Request
from aiomodelarts._wire.signing import sign

from ._measure import ACCESS_KEY, SECRET_KEY, Figures, Load, measured
from .stub import JOB_ID, PROJECT_ID


async def main(load: Load) -> Figures:
    """Make the versions, and tell what it cost."""
    path = f"/v1/{PROJECT_ID}/training-jobs/{JOB_ID}/versions"
    url = URL(load.endpoint + path, encoded=True)

    async def create(session: aiohttp.ClientSession, number: int) -> int:
        body = orjson.dumps(
            {
                "job_desc": "",
                "config": {
                    "worker_server_num": 1,
                    "app_url": "/bucket/src/",
                    "boot_file_url": "/bucket/src/train.py",
                    "engine_id": 31,
                    "spec_id": 2,
                    "log_url": "/bucket/log/",
                    "data_url": "/bucket/data/",
                    "train_url": f"/bucket/output/{number}/",
                    "parameter": [{"label": "lr", "value": str(number / 1000)}, {"label": "layers", "value": "4"}],
                    "pre_version_id": 20,
                },
            }
        )
        headers = {"Content-Type": "application/json", "X-Project-Id": PROJECT_ID}
        headers = sign(Request("POST", load.endpoint, path, (), headers, body), ACCESS_KEY, SECRET_KEY, time.time())
        async with session.post(url, data=body, headers=headers) as answer:
            text = await answer.read()
        answered = orjson.loads(text)
        if answer.status != 200 or not answered["is_success"]:
            raise RuntimeError(answered)
        return int(answered["version_id"])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def many(count: int) -> int:
            numbers = iter(range(count))

            async def worker() -> list[int]:
                return [await create(session, number) for number in numbers]

            made = await asyncio.gather(*(worker() for _ in range(load.concurrency)))
            return sum(map(len, made))

        return await measured(load, many)


if __name__ == "__main__":
    Load.from_command_line(sys.argv).run(main)
