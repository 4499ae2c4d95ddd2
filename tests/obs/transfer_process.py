"""One transfer in a process of its own, which tells each step and may be killed at any of them.

Arguments: endpoint, bucket, ``up`` or ``down`` or ``dir``, local folder.
"""

import asyncio
import sys
from pathlib import Path

from aiomodelarts.obs import Progress

from .conftest import Moto, session_on


def tell(progress: Progress) -> None:
    print(progress.files_done, progress.bytes_done, flush=True)  # noqa: T201


async def main(endpoint: str, bucket: str, what: str, folder: str) -> None:
    async with session_on(Moto(endpoint)) as session:
        if what == "up":
            await session.obs.sync_up(folder, f"obs://{bucket}/data/", progress=tell)
        elif what == "down":
            await session.obs.sync_down(f"obs://{bucket}/data/", Path(folder) / "data", progress=tell)
        else:
            await session.obs.download_dir(f"obs://{bucket}/data/", folder, progress=tell)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
