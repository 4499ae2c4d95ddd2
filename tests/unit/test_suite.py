"""What the suite itself stands on."""

import asyncio

import pytest


def test_no_test_outside_a_loop_is_given_one() -> None:
    """A loop that is made for whoever asks is closed by nobody, and told of in some later test."""
    with pytest.raises(RuntimeError, match="no current event loop"):
        asyncio.get_event_loop_policy().get_event_loop()
