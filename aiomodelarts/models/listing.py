"""What a list is asked for, checked before it is sent. Every default is ours, since those of the documents disagree."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from ..errors import InvalidArgument, nearest
from ..hyperparameters import sendable
from ..status import JobStatus

Order = Literal["asc", "desc"]
_MAX_PAGE = 65535
_MAX_SEARCH = 64


@frozen
class ListRules:
    """What one list operation allows.

    Args:
        sort_keys: those that all documents share; the first is the default.
        max_per_page: rows a page can have.
        order: direction that is sent when none is asked for.
    """

    sort_keys: tuple[str, ...]
    max_per_page: int
    order: Order = "desc"


JOBS = ListRules(("job_name", "job_desc", "status", "duration", "create_time"), 1000)
CONFIGS = ListRules(("config_name", "config_desc", "create_time"), 1000, "asc")
# The documents give 1000 and 100 here; the smaller one is accepted by both.
VISUALIZATIONS = ListRules(("job_name", "job_desc", "create_time", "status"), 100, "asc")
ALGORITHMS = ListRules(
    ("engine", "model_name", "model_precision", "model_usage", "model_size", "create_time", "parameter"), 100
)


@frozen(kw_only=True)
class ListQuery:
    """One page of a list; made with ``of``."""

    page: int
    per_page: int
    sort_by: str
    order: Order
    search_content: str = ""
    status: int | None = None

    @classmethod
    def of(
        cls,
        rules: ListRules,
        *,
        page: int = 1,
        per_page: int = 10,
        sort_by: str | None = None,
        order: str | None = None,
        search_content: str = "",
        status: JobStatus | int | str | None = None,
        sortBy: str | None = None,  # noqa: N803  (the official SDK's name for sessions that sign)
    ) -> "ListQuery":
        """A checked query.

        Raises:
            InvalidArgument: for a value outside the bounds; a sort key that does not exist is told those that do.
        """
        if sort_by is not None and sortBy is not None:
            raise InvalidArgument("sortBy", sortBy, "it is another name of sort_by, so one of the two is given")
        key = sort_by if sort_by is not None else sortBy
        return cls(
            page=check_page(page),
            per_page=check_per_page(per_page, rules.max_per_page),
            sort_by=rules.sort_keys[0] if key is None else _choice("sort_by", key, rules.sort_keys),
            order=rules.order if order is None else _order(order),
            search_content=_search(search_content),
            status=None if status is None else _status(status),
        )

    def pairs(self, names: Mapping[str, str | None] | None = None) -> tuple[tuple[str, str], ...]:
        """The query string's pairs; what is not set is left out, but paging and order never are.

        Args:
            names: further members of the operation.
        """
        pairs = [
            ("per_page", str(self.per_page)),
            ("page", str(self.page)),
            ("sortBy", self.sort_by),
            ("order", self.order),
        ]
        if self.search_content:
            pairs.append(("search_content", self.search_content))
        if self.status is not None:
            pairs.append(("status", str(self.status)))
        pairs += [(name, value) for name, value in (names or {}).items() if value is not None]
        return tuple(pairs)


def check_page(value: object) -> int:
    """A page number: 1 to 65535. 0 would mean all rows or the first ten, depending on whom one asks."""
    if type(value) is not int or not 1 <= value <= _MAX_PAGE:
        raise InvalidArgument("page", value, f"it is a whole number from 1 to {_MAX_PAGE}")
    return value


def check_per_page(value: object, highest: int) -> int:
    """A page size."""
    if type(value) is not int or not 1 <= value <= highest:
        raise InvalidArgument("per_page", value, f"it is a whole number from 1 to {highest}")
    return value


def check_limit(value: object) -> int | None:
    """How many rows are wanted at most; None is all of them."""
    if value is None or (type(value) is int and value >= 0):
        return value
    raise InvalidArgument("limit", value, "it is a whole number from 0 up, or None for all")


def _choice(argument: str, value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise InvalidArgument(argument, value, f"it is one of {', '.join(allowed)}", nearest=nearest(value, allowed))
    return value


def _order(value: object) -> Order:
    return "asc" if _choice("order", value, ("asc", "desc")) == "asc" else "desc"


def _search(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_SEARCH or not sendable(value):
        raise InvalidArgument("search_content", value, f"it is text of at most {_MAX_SEARCH} characters")
    return value


def _status(value: object) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= max(JobStatus):
        return int(number)
    # How several values would be combined is not said anywhere, so the rest is left to the caller.
    raise InvalidArgument("status", value, f"it is one status number from 0 to {int(max(JobStatus))}")
