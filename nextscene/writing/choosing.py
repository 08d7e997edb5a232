"""Which writer is meant by a name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from nextscene.writing.asking import Writer
from nextscene.writing.hosted import find_hosted

if TYPE_CHECKING:
    from nextscene.model import Model


def find_writer(named: str, model: str | None, key: str | None, load: "Callable[[], Model]") -> Writer:
    """A writer by its name: local, a service's, or a server's address. load: gives the model that draws."""
    if named != "local":
        return find_hosted(named, key, model)
    from nextscene.writing.local import Local  # this brings torch

    return Local(load())
