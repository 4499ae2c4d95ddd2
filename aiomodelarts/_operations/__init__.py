"""The operations as awaitable verbs, one module an area.

Those that need nothing but a session take it as ``modelarts_session``. Those on one job, version, configuration or
visualization job take whatever points at it, so that the public classes share one verb under its official name.
"""
