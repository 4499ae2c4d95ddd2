"""How long controllers have been silent, by this machine's own clock: no two machines agree on the time."""

from ..ledger.records import Lease


class Silence:
    """Watches the beats of leases.

    Args:
        lease_s: how long a controller may be silent.
    """

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._seen: dict[int, tuple[int, float]] = {}

    def is_over(self, lease: Lease, now: float) -> bool:
        """Whether a lease has not beaten for too long; to be asked again and again.

        Args:
            lease: as the ledger has it.
            now: monotonic seconds just before it was read, since a pause may have come after.
        """
        beats, since = self._seen.get(lease.token, (lease.beats, now))
        since = since if beats == lease.beats else now
        self._seen[lease.token] = (lease.beats, since)
        return now - since >= self._lease_s
