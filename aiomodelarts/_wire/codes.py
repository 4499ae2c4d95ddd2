"""Which error a refusal is, decided by operation, status and code together: one code can have several meanings."""

from ..errors import (
    AlreadyExists,
    ApiError,
    InvalidRequest,
    LogGone,
    LogNotReady,
    NoCapacity,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    ServiceTrouble,
    StateChanged,
    Throttled,
    TokenExpired,
    TooLarge,
    WrongState,
)

_CREATES = frozenset(
    {"createTrainingJob", "createTrainingJobVersion", "createTrainingJobConfig", "createVisualizationJob"}
)

# The identity service answers without codes, and nothing but the token of this question can be wrong under 401.
_ASKS_FOR_KEYS = "createTemporaryAccessKeyByToken"


def _table(*rows: tuple[type[ApiError], str]) -> dict[str, type[ApiError]]:
    return {number: error for error, numbers in rows for number in numbers.split()}


# Numbers of the form ModelArts.NNNN. Codes 27xx and 28xx are those of the newer service, which can answer as well.
_BY_NUMBER = _table(
    (Throttled, "6101 2799 4206 4395"),
    (NoCapacity, "6200"),
    (ServiceTrouble, "0010 6102 4302 4700 4503 4205 6100"),
    (ServiceTrouble, "2950 2951 2952 2953 2954 2955 2956 2957 2958 2959"),
    (StateChanged, "2878"),
    (NotAllowed, "0205 0206 0207 0208 0209 0210 0212 2786 6201 6203 0112 0108 2785 2837 2838 1003 0429 0428"),
    (AlreadyExists, "2751"),
    (QuotaExceeded, "0116 0118 2815 2833"),
    (NotFound, "2775 2780 2781 2782 2783 0102 2890 2836"),
    (WrongState, "2796 2813"),
    (
        InvalidRequest,
        "0101 0104 0107 1120 6400 2764 2787 2788 2790 2793 2816 2825 2757 2758 2763 2767 2791 2806 2830",
    ),
    (InvalidRequest, "2832"),
    (LogNotReady, "2776 2777 2818"),
    (LogGone, "2819 2820"),
    (TooLarge, "4104"),
)
_TOKEN_NUMBERS = frozenset({"0201", "0202", "0203", "0204", "2784"})
_GATEWAY = {
    "0308": Throttled,
    "0101": NotFound,
}
_BY_STATUS: dict[int, type[ApiError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    # Said by a proxy.
    407: NotAllowed,
    408: ServiceTrouble,
    409: StateChanged,
    413: TooLarge,
    429: Throttled,
}


def error_class(operation: str, status: int, code: str, message: str) -> type[ApiError]:
    """The class of a refusal.

    Args:
        operation: operation id of the call.
        status: HTTP status, which may be 200.
        code: as it came, for instance ``ModelArts.0104`` or ``APIG.0308``; may be empty.
        message: as it came; the gateway's 0301 is about the token or about the signature, and only this tells.
    """
    if status == 429:
        return Throttled
    prefix, _, number = code.rpartition(".")
    if prefix in ("APIG", "APIGW"):
        return _gateway_class(operation, status, number, message)
    if number == "0103" and operation in _CREATES:
        return AlreadyExists
    # Everywhere else 0105 stands as a placeholder beside any failure.
    if number == "0105" and operation.startswith(("stop", "restart", "delete")):
        return WrongState
    if number in _TOKEN_NUMBERS:
        # Under 400 the same numbers are about credentials that a new token would not mend.
        return TokenExpired if status in (200, 401, 403) else NotAllowed
    if prefix == "ModelArts" and number in _BY_NUMBER:
        return _BY_NUMBER[number]
    return class_by_status(operation, status)


def class_by_status(operation: str, status: int) -> type[ApiError]:
    """The class where nothing but the operation and the status is known."""
    if status == 409 and operation in _CREATES:
        return AlreadyExists
    if status == 401 and operation == _ASKS_FOR_KEYS:
        return TokenExpired
    if status >= 500:
        return ServiceTrouble
    return _BY_STATUS.get(status, InvalidRequest)


def _gateway_class(operation: str, status: int, number: str, message: str) -> type[ApiError]:
    if number == "0301":
        return TokenExpired if "token" in message.lower() else NotAllowed
    return _GATEWAY.get(number) or class_by_status(operation, status)
