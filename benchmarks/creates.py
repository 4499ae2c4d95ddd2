"""Creations per second, and client CPU for 1,000 of them, beside bare aiohttp: ``python -m benchmarks.creates``."""

import argparse
from contextlib import ExitStack

from ._measure import Load, in_turns, median
from .stub import running

_OURS, _BARE = "_client_ours", "_client_bare"
_DELAYS_MS = (0, 50, 500)
_CONCURRENCIES = (1, 32, 128)
_COUNT = 5000
# A point whose server time alone would take longer than this is made shorter, and says so by its count.
_LONGEST_S = 10.0
# Connections stand and look-ups are done after far fewer; the rest lets the interpreter settle.
_WARM_UP = 1000
_GOAL_RATIO = 1.25
_BURST = 128
_GOAL_BURST_S = 0.75


def count_for(delay_ms: int, concurrency: int, wanted: int) -> int:
    """How many creations a point makes."""
    if not delay_ms:
        return wanted
    return min(wanted, max(concurrency, int(_LONGEST_S / (delay_ms / 1000) * concurrency)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Creations, beside bare aiohttp.")
    parser.add_argument("--delays", type=int, nargs="+", default=_DELAYS_MS, metavar="MS", help="server times")
    parser.add_argument("--concurrency", type=int, nargs="+", default=_CONCURRENCIES, metavar="N")
    parser.add_argument("--count", type=int, default=_COUNT, help="creations a point (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each client a point (default %(default)s)")
    options = parser.parse_args()
    print(f"medians of {options.rounds} rounds, clients in turns, each in a fresh process; CPU of the client alone")
    print(f"{'server':>7} {'at':>4} {'made':>5} | {'per second':^13} | {'CPU s per 1,000':^17} |")
    print(f"{'ms':>7} {'once':>4} {'':>5} | {'ours':>6} {'bare':>6} | {'ours':>5} {'bare':>5} {'ratio':>5} |")
    with ExitStack() as stack:
        stubs = {delay: stack.enter_context(running(delay / 1000)) for delay in options.delays}
        for delay in options.delays:
            for concurrency in options.concurrency:
                _point(stubs[delay], delay, concurrency, count_for(delay, concurrency, options.count), options.rounds)
    with running(0.5) as endpoint:
        _burst(endpoint, options.rounds)


def _point(endpoint: str, delay: int, concurrency: int, count: int, rounds: int) -> None:
    load = Load(endpoint, concurrency, count, warm_up=min(_WARM_UP, count))
    figures = in_turns((_OURS, _BARE), load, rounds)
    rate = {name: median([one.count / one.wall_s for one in figures[name]]) for name in figures}
    cpu = {name: median([one.cpu_s * 1000 / one.count for one in figures[name]]) for name in figures}
    ratio = cpu[_OURS] / cpu[_BARE]
    goal = ""
    if concurrency >= 32 and delay <= 50:
        goal = f"goal {_GOAL_RATIO:g}: {'met' if ratio <= _GOAL_RATIO else 'missed'}"
    print(
        f"{delay:>7} {concurrency:>4} {count:>5} | {rate[_OURS]:>6.0f} {rate[_BARE]:>6.0f} "
        f"| {cpu[_OURS]:>5.3f} {cpu[_BARE]:>5.3f} {ratio:>5.2f} | {goal}",
        flush=True,
    )


def _burst(endpoint: str, rounds: int) -> None:
    figures = in_turns((_OURS, _BARE), Load(endpoint, _BURST, _BURST, warm_up=0), rounds)
    ours, bare = (median([one.wall_s for one in figures[name]]) for name in (_OURS, _BARE))
    met = "met" if ours <= _GOAL_BURST_S else "missed"
    print(
        f"{_BURST} at once, 500 ms, cold (look-ups and connections included): ours {ours:.2f} s, bare {bare:.2f} s; "
        f"goal {_GOAL_BURST_S} s: {met}"
    )


if __name__ == "__main__":
    main()
