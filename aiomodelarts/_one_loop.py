"""The event loop that something belongs to."""

import asyncio


class OneLoop:
    """The loop in which it was first asked for; in any other one, what waits there would never be woken up."""

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_here(self) -> bool:
        """Whether this is the loop, and was before."""
        return self._loop is asyncio.get_running_loop()

    def check(self) -> None:
        """Return when this is the loop, or when there was none before.

        Raises:
            RuntimeError: in another one.
        """
        here = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = here
        elif self._loop is not here:
            raise RuntimeError(
                "this session belongs to another event loop, the one in which it was used first; "
                "open a session in each loop (asyncio.run makes a new one every time)"
            )
