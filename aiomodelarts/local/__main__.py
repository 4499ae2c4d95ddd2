"""``python -m aiomodelarts.local``: serve a local platform with the core installation only."""

import sys

from aiomodelarts.local.serve import run

sys.exit(run())
