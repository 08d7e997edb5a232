"""A film that is there, restyled: its own motion, another look.

    restyling = Restyling(Order(film=Path("a.mp4"), words="night, rays of light", folder=Path("restyled")), weights)
    print(*restyling.plan.describe(), sep="\\n")
    for file in restyling.run(load): ...

torch is imported when something is drawn or carried.
"""

from nextscene.restyle.order import Order, Plan
from nextscene.restyle.restyling import Restyling

__all__ = ["Order", "Plan", "Restyling"]
