"""A rate limit of the platform's own: a token bucket per kind of call."""

import re

from attrs import define

_LIMIT = re.compile(r"(creates|reads|logs)=(\d+(?:\.\d+)?)/s", re.ASCII)
_CREATES = frozenset({"createTrainingJob", "createTrainingJobVersion"})
_LOGS = frozenset({"listTrainingJobLogFiles", "getTrainingJobLog"})


@define
class _Bucket:
    per_second: float
    tokens: float
    filled_at: float


class RateLimit:
    """Says which calls are too many.

    Every kind of call has a bucket that holds one second's worth. Logs count as reads unless they have their own.

    Args:
        per_second: ``creates``, ``reads`` and ``logs``; a kind that is not named has no limit.
    """

    def __init__(self, per_second: dict[str, float]) -> None:
        self._per_second = per_second
        self._buckets: dict[str, _Bucket] = {}
        self._refused = 0

    @classmethod
    def parse(cls, spec: str) -> "RateLimit":
        """The limit that a text like ``creates=20/s,reads=50/s`` describes; an empty text means none.

        Raises:
            ValueError: it cannot be read.
        """
        limits: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in spec.split(","))):
            match = _LIMIT.fullmatch(part)
            if match is None or float(match[2]) <= 0:
                raise ValueError(f"{part!r} in the rate is not of the form creates=20/s, reads=50/s or logs=5/s")
            limits[match[1]] = float(match[2])
        return cls(limits)

    def excess_s(self, operation: str, method: str, now: float) -> float | None:
        """None if the call is within the limit; otherwise the seconds until one would be.

        Args:
            operation: name of the contract.
            method: of HTTP.
            now: seconds that never go back.
        """
        kind = self._kind(operation, method)
        if kind is None:
            return None
        rate = self._per_second[kind]
        bucket = self._buckets.setdefault(kind, _Bucket(rate, max(1.0, rate), now))
        bucket.tokens = min(max(1.0, rate), bucket.tokens + (now - bucket.filled_at) * rate)
        bucket.filled_at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        return (1 - bucket.tokens) / rate

    def says_when(self) -> bool:
        """Whether this refusal carries Retry-After: every other one does."""
        self._refused += 1
        return self._refused % 2 == 1

    def _kind(self, operation: str, method: str) -> str | None:
        if operation in _CREATES:
            kind = "creates"
        elif operation in _LOGS and "logs" in self._per_second:
            kind = "logs"
        elif method == "GET":
            kind = "reads"
        else:
            return None
        return kind if kind in self._per_second else None
