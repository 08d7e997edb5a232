"""A page in the browser, to direct a run: a view on its folder, which calls the same production as every other door.

    serve(Path("outputs/sequence"), weights, port=8420)

    index.html ──POST──▶ server ──▶ director ──▶ Production
        ▲                  │          └──▶ work (one run at a time, the model kept)
        └──────events──────┘

It listens on this machine only. docs/page.md says how it is used.
"""

from nextscene.page.director import Director
from nextscene.page.server import PORT, Server, serve

__all__ = ["PORT", "Director", "Server", "serve"]
