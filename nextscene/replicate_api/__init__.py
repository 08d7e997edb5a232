"""Stands in for Replicate: its HTTP API before Cog's server on this machine, for code that is to run there later.

The clients for Python and JavaScript work with it unmodified: predictions (waited for, polled, streamed, cancelled),
files, webhooks. What it makes is gone when it ends. `script/serve --api` starts it; docs/serving.md says the rest.

    POST /v1/predictions ──▶ server ──▶ predictions ──▶ cog ──▶ Cog's own server
                               │             └──▶ webhooks
                               └──▶ uploads
"""

from datetime import UTC, datetime

Json = dict[str, object]


def now() -> str:
    """The time, as Replicate writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
