"""A film that is there, restyled: its own motion, another look.

    restyling = Restyling(Order(film=Path("a.mp4"), words="night, rays of light", folder=Path("restyled")), weights)
    print(*restyling.plan.describe(), sep="\\n")
    for file in restyling.run(load): ...

torch is imported when something is drawn or carried.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from nextscene.restyle.order import Order, Plan
from nextscene.restyle.restyling import Restyling

if TYPE_CHECKING:
    from nextscene.restyle.measuring import Measures

__all__ = ["Measures", "Order", "Plan", "Restyling"]


def __getattr__(name: str) -> object:
    if name != "Measures":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("nextscene.restyle.measuring").Measures
