"""Geometry: areas, angles, solids, circles and motions in the plane, in whole numbers, fractions and multiples of pi.

Pure.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import Final

from dearena.generators.draws import Draws
from dearena.generators.question import FRACTION, INTEGER, Draft, Kind

Point = tuple[int, int]

_MULTIPLE_OF_PI: Final = (
    "Answer with the number k, an integer or a fraction in lowest terms such as 7/3, for which it is k times pi."
)
_PAIR: Final = "Answer in the form (x, y) with integers or fractions in lowest terms, such as (2, -7/3)."


def _turn(a: Point, b: Point, c: Point) -> int:
    """Twice the area of a triangle, positive when it turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _hull(points: Sequence[Point]) -> list[Point]:
    """The corners of the convex hull, in order; without points that lie on its edges."""
    hull: list[Point] = []
    for half in (sorted(set(points)), sorted(set(points), reverse=True)):
        begun = len(hull)
        for point in half:
            while len(hull) >= begun + 2 and _turn(hull[-2], hull[-1], point) <= 0:
                hull.pop()
            hull.append(point)
        hull.pop()
    return hull


def _twice_area(corners: Sequence[Point]) -> int:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)))


def _smallest_first(corners: Sequence[Point]) -> tuple[Point, ...]:
    start = corners.index(min(corners))
    return (*corners[start:], *corners[:start])


def _listed(points: Sequence[object]) -> str:
    return ", ".join(map(str, points[:-1])) + f" and {points[-1]}"


def polygon_area(draws: Draws, level: int) -> Draft | None:
    """The area of a convex polygon by its corners: of a triangle up to level 2, with more corners beyond."""
    corners, reach = max(3, level + 1), 6 + 2 * level
    hull = _hull([(draws.between(-reach, reach), draws.between(-reach, reach)) for _ in range(corners + level)])
    if len(hull) != corners:
        return None
    start = draws.between(0, corners - 1)
    told = [*hull[start:], *hull[:start]]
    if draws.chance(1, 2):
        told.reverse()
    ask = draws.pick(
        (
            "What is the area of the polygon with the corners {c}, in this order?",
            "The points {c} are, in this order, the corners of a polygon. Find its area.",
            "Compute the area enclosed by the polygon that goes through {c} and back to the start.",
        )
    )
    text = f"{ask.format(c=_listed(told))} {FRACTION}"
    return Draft("polygon-area", text, str(Fraction(_twice_area(hull), 2)), _smallest_first(hull))


_MIRRORS: Final = {
    "reflected in the x-axis": lambda x, y: (x, -y),
    "reflected in the y-axis": lambda x, y: (-x, y),
    "reflected in the line y = x": lambda x, y: (y, x),
    "reflected in the line y = -x": lambda x, y: (-y, -x),
    "rotated by 90 degrees anticlockwise about the origin": lambda x, y: (-y, x),
    "rotated by 90 degrees clockwise about the origin": lambda x, y: (y, -x),
    "rotated by 180 degrees about the origin": lambda x, y: (-x, -y),
}


def motion(draws: Draws, level: int) -> Draft:
    """Where a point ends after so many motions of the plane as the level says, and one more."""
    start = x, y = draws.between(-12, 12), draws.between(-12, 12)
    steps: list[str] = []
    while len(steps) <= level:
        sort = draws.between(0, 3)
        a, b = draws.nonzero(-9, 9), draws.nonzero(-9, 9)
        if sort == 0:
            step, (x, y) = f"shifted by the vector ({a}, {b})", (x + a, y + b)
        elif sort == 1 and level > 2:
            step, (x, y) = f"rotated by 90 degrees anticlockwise about the point ({a}, {b})", (a - (y - b), b + x - a)
        elif sort == 2 and level > 1:
            step, (x, y) = f"reflected in the point ({a}, {b})", (2 * a - x, 2 * b - y)
        else:
            step = draws.pick(list(_MIRRORS))
            x, y = _MIRRORS[step](x, y)
        steps.append(step)
    ask = draws.pick(
        (
            "The point {p} is {s}. Where does it end?",
            "A point starts at {p}. It is {s}. Give its final position.",
            "Take the point {p}. It is {s}. What are the coordinates of its image?",
        )
    )
    told = ask.format(p=start, s=", then ".join(steps))
    text = f"{told} Answer in the form (x, y) with integers."
    return Draft("motion", text, f"({x}, {y})", (start, tuple(steps)))


def line_intersection(draws: Draws, level: int) -> Draft | None:
    """Where two lines meet that are told by two points each; in a lattice point up to level 2."""
    reach = 5 + 3 * level
    a, b, c, d = ((draws.between(-reach, reach), draws.between(-reach, reach)) for _ in range(4))
    across = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0])
    if not across or len({a, b, c, d}) < 4:
        return None
    along = Fraction((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0]), across)
    x, y = a[0] + along * (b[0] - a[0]), a[1] + along * (b[1] - a[1])
    if level <= 2 and x.denominator * y.denominator > 1:
        return None
    ask = draws.pick(
        (
            "In which point does the line through {a} and {b} meet the line through {c} and {d}?",
            "One line passes through {a} and {b}, another through {c} and {d}. Find their point of intersection.",
        )
    )
    text = f"{ask.format(a=a, b=b, c=c, d=d)} {_PAIR}"
    return Draft("line-intersection", text, f"({x}, {y})", frozenset((frozenset((a, b)), frozenset((c, d)))))


def solid(draws: Draws, level: int) -> Draft:
    """Volumes: boxes, pyramids and frustums; cylinders, cones, balls and what is cut out of them."""
    reach = 8 + 6 * level
    a, b, h = (draws.between(2, reach) for _ in range(3))
    sort = draws.between(0, min(level, 4))
    r, small = draws.between(3, reach), draws.between(1, 2)
    if sort == 0:
        told = f"a box of {a} by {b} by {h} from which a cube of edge {small} is cut out at a corner"
        volume, form = Fraction(a * b * h - small**3), FRACTION
    elif sort == 1:
        told = f"a pyramid of height {h} whose base is a rectangle of {a} by {b}"
        volume, form = Fraction(a * b * h, 3), FRACTION
    elif sort == 2:
        told = (
            f"a cylinder of radius {r} and height {h} with a coaxial hole of radius {small} drilled through its height"
        )
        volume, form = Fraction((r * r - small * small) * h), _MULTIPLE_OF_PI
    elif sort == 3:
        told = f"a body made of a hemisphere of radius {r} and a cone of height {h} on the same circle"
        volume, form = Fraction(2 * r**3 + r * r * h, 3), _MULTIPLE_OF_PI
    else:
        told = f"a truncated cone of height {h} whose parallel circles have the radii {a} and {a + r}"
        volume, form = Fraction(h * (a * a + a * (a + r) + (a + r) ** 2), 3), _MULTIPLE_OF_PI
    ask = draws.pick(("What is the volume of {t}?", "Find the volume of {t}.", "Which volume has {t}?"))
    # A box and a pyramid's base are the same whichever edge is told first.
    key = ((small, *sorted((a, b, h))), (h, *sorted((a, b))))[sort] if sort <= 1 else told
    return Draft("solid", f"{ask.format(t=told)} {form}", str(volume), (sort, key))


def circle(draws: Draws, level: int) -> Draft:
    """Areas and arcs as multiples of pi: rings, sectors, and sectors of rings."""
    reach = 15 + 10 * level
    inner = draws.between(1, reach)
    outer = inner + draws.between(1, reach)
    degrees = draws.pick([step for step in range(5, 360, 5) if level > 2 or not step % 30])
    sort = draws.between(0, 1) if level == 1 else draws.between(1, 3)
    if sort == 0:
        told = f"the area between two concentric circles of the radii {inner} and {outer}"
        share = Fraction(outer**2 - inner**2)
    elif sort == 1:
        told = f"the area of a sector of {degrees} degrees of a circle of radius {outer}"
        share = Fraction(degrees, 360) * outer**2
    elif sort == 2:
        told = f"the length of an arc of {degrees} degrees on a circle of radius {outer}"
        share = Fraction(degrees, 180) * outer
    else:
        told = f"the area of the part of a sector of {degrees} degrees that lies between the radii {inner} and {outer}"
        share = Fraction(degrees, 360) * (outer**2 - inner**2)
    ask = draws.pick(("What is {t}?", "Compute {t}.", "How large is {t}?"))
    return Draft("circle", f"{ask.format(t=told)} {_MULTIPLE_OF_PI}", str(share), told)


_MANY_CORNERED: Final = ("quadrilateral", "pentagon", "hexagon", "heptagon", "octagon")


def angle(draws: Draws, level: int) -> Draft | None:
    """A missing angle of a polygon, or angles in a given ratio."""
    corners = draws.between(3, 3 + level)
    whole = 180 * (corners - 2)
    name = "triangle" if corners == 3 else f"convex {_MANY_CORNERED[corners - 4]}"
    if draws.chance(1, 2):
        known = [draws.between(20, 170) for _ in range(corners - 1)]
        missing = whole - sum(known)
        if not 10 <= missing < 180:
            return None
        ask = draws.pick(
            (
                "A {n} has the interior angles {k} degrees and one more. How many degrees has that one?",
                "All interior angles but one of a {n} are known: {k} degrees. Find the missing one in degrees.",
            )
        )
        text = f"{ask.format(n=name, k=_listed(known))} {INTEGER}"
        return Draft("angle", text, str(missing), (corners, tuple(sorted(known))))
    parts = [draws.between(1, 6 + 3 * level) for _ in range(corners)]
    largest = Fraction(max(parts) * whole, sum(parts))
    if largest >= 180 or gcd(*parts) > 1 or (level == 1 and largest.denominator > 1):
        return None
    ask = draws.pick(
        (
            "The interior angles of a {n} are in the ratio {r}. How many degrees has the largest?",
            "A {n} has interior angles in the ratio {r}. Give the largest of them in degrees.",
        )
    )
    text = f"{ask.format(n=name, r=' : '.join(map(str, parts)))} {FRACTION}"
    return Draft("angle", text, str(largest), (corners, "ratio", tuple(sorted(parts))))


def lattice_points(draws: Draws, level: int) -> Draft | None:
    """How many points with whole coordinates lie on a segment, or in a triangle."""
    reach = 8 + 4 * level
    corners = [(draws.between(-reach, reach), draws.between(-reach, reach)) for _ in range(2 if level < 3 else 3)]
    if len(set(corners)) < len(corners):
        return None
    edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    border = [gcd(b[0] - a[0], b[1] - a[1]) for a, b in edges]
    told = _listed(corners)
    if level < 3:
        if border[0] == 1 and draws.chance(3, 4):
            return None
        count = border[0] + 1
        asks = (
            "How many points with integer coordinates lie on the segment from {c}, its ends included?",
            "Count the lattice points on the segment with the ends {c}; the ends count too.",
        )
        told = told.replace(" and ", " to ") if asks[0] == (ask := draws.pick(asks)) else told
    else:
        twice = _twice_area(corners)
        if not twice:
            return None
        inside = (twice - sum(border)) // 2 + 1
        inner = "How many points with integer coordinates lie strictly inside the triangle with the corners {c}?"
        whole = "Count the lattice points in the triangle with the corners {c}, its border included."
        ask, count = draws.pick(((inner, inside), (whole, inside + sum(border))))
    return Draft(
        "lattice-points", f"{ask.format(c=told)} {INTEGER}", str(count), (frozenset(corners), "strictly" in ask)
    )


KIND: Final = Kind(
    slug="geometry",
    version=1,
    families=(polygon_area, motion, line_intersection, solid, circle, angle, lattice_points),
)
