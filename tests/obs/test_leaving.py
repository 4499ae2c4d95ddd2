"""The end of a program whose last act was a transfer."""

import subprocess
import sys

from .conftest import Moto

# A thread that has told the result of a request takes its time on the way out of Python, as on a busy machine.
_PROGRAM = """\
import asyncio, sys, time
from tests.obs.conftest import Moto, session_on

class Loop(asyncio.SelectorEventLoop):
    def call_soon_threadsafe(self, *arguments, **named):
        told = super().call_soon_threadsafe(*arguments, **named)
        for _ in range(300):
            time.sleep(0.001)
        return told

async def main(endpoint, bucket):
    async with session_on(Moto(endpoint)) as session:
        await session.obs.write(f"obs://{bucket}/k", b"1")
        print(len(await session.obs.presign(f"obs://{bucket}/k")) > 0)

with asyncio.Runner(loop_factory=Loop) as runner:
    runner.run(main(*sys.argv[1:]))
"""


def test_a_program_that_ends_right_after_its_last_request_ends_well(moto: Moto) -> None:
    arguments = [sys.executable, "-c", _PROGRAM, moto.endpoint, moto.bucket()]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
