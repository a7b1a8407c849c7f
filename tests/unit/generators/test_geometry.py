"""Geometry: points are counted, cross-sections summed up, and motions made again in the complex plane."""

import re
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from math import ceil, floor, gcd, isclose, pi, sin

from dearena.generators import GeneratedQuestion
from tests.unit.generators.pools import asked, check_checks, check_pool, fraction, numbers

Point = tuple[int, int]


def points_in(text: str) -> list[Point]:
    return [(int(x), int(y)) for x, y in re.findall(r"\((-?\d+), (-?\d+)\)", text)]


def edges_of(corners: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(corners, [*corners[1:], corners[0]], strict=True))


def counted(corners: Sequence[Point]) -> tuple[int, int]:
    """Lattice points of a convex polygon, and of its border, row by row."""
    total = 0
    for y in range(min(y for _, y in corners), max(y for _, y in corners) + 1):
        crossings: list[Fraction] = []
        for a, b in edges_of(corners):
            if min(a[1], b[1]) <= y <= max(a[1], b[1]):
                if a[1] == b[1]:
                    crossings += [Fraction(a[0]), Fraction(b[0])]
                else:
                    crossings.append(Fraction((y - a[1]) * (b[0] - a[0]), b[1] - a[1]) + a[0])
        total += floor(max(crossings)) - ceil(min(crossings)) + 1
    return total, sum(gcd(b[0] - a[0], b[1] - a[1]) for a, b in edges_of(corners))


def polygon_area(question: GeneratedQuestion) -> Hashable:
    corners = points_in(question.text)
    total, border = counted(corners)
    # Pick: the points inside, half of those on the border, and less one.
    assert total - border + Fraction(border, 2) - 1 == fraction(question)
    return frozenset(corners)


def motion(question: GeneratedQuestion) -> Hashable:
    text = asked(question)
    start, told = text.split(" is ", 1)
    [(x, y)] = points_in(start)
    place, one = complex(x, y), complex(0, 1)
    steps = re.split(r"\. ", told)[0].split(", then ")
    for step in steps:
        about = complex(*points_in(step)[0]) if points_in(step) else 0
        if step.startswith("shifted"):
            place += about
        elif step.startswith("rotated"):
            degrees = int(re.findall(r"by (\d+)", step)[0])
            quarter = {90: one, 180: -1}[degrees]
            place = about + (place - about) * (quarter if " clockwise" not in step else 1 / quarter)
        elif "the point" in step:
            place = about - (place - about)
        else:
            # A mirror through the origin along a direction u: u^2 times the conjugate.
            direction = {"x-axis": 1, "y-axis": -1, "y = x": one, "y = -x": -one}
            [square] = [square for mirror, square in direction.items() if step.endswith(mirror)]
            place = square * place.conjugate()
    assert f"({place.real:.0f}, {place.imag:.0f})".replace("-0,", "0,").replace("-0)", "0)") == question.reference
    return (x, y), tuple(steps)


def line_intersection(question: GeneratedQuestion) -> Hashable:
    a, b, c, d = points_in(asked(question))
    x, y = (Fraction(part) for part in question.reference[1:-1].split(", "))
    assert question.reference == f"({x}, {y})"
    for one, other in ((a, b), (c, d)):
        assert (x - one[0]) * (other[1] - one[1]) == (y - one[1]) * (other[0] - one[0])
    return frozenset((frozenset((a, b)), frozenset((c, d))))


def simpson(section: Callable[[Fraction], Fraction], height: int) -> Fraction:
    """The integral of cross-sections that are at most cubic in the height: exact."""
    return Fraction(height, 6) * (section(Fraction(0)) + 4 * section(Fraction(height, 2)) + section(Fraction(height)))


def solid(question: GeneratedQuestion) -> Hashable:
    text, answer = asked(question), fraction(question)
    assert ("times pi" in question.text) == ("cylinder" in text or "cone" in text)
    given = numbers(text)
    if "box" in text:
        a, b, h, edge = given
        given = [*sorted((a, b, h)), edge]
        # Sliced: whole slices up to the cut, and slices with a bite.
        assert answer == (h - edge) * a * b + edge * (a * b - edge * edge)
    elif "pyramid" in text:
        h, a, b = given
        given = [h, *sorted((a, b))]
        assert answer == simpson(lambda z: a * z / h * (b * z / h), h)
    elif "cylinder" in text:
        r, h, hole = given
        assert answer == simpson(lambda _: Fraction(r + hole) * (r - hole), h)
    elif "hemisphere" in text:
        r, h = given
        assert answer == simpson(lambda z: r * r - z * z, r) + simpson(lambda z: (r * z / h) ** 2, h)
    else:
        h, a, b = given
        assert answer == simpson(lambda z: (a + (b - a) * z / h) ** 2, h)
    return re.findall("box|pyramid|cylinder|hemisphere|truncated", text)[0], tuple(given)


def circle(question: GeneratedQuestion) -> Hashable:
    text, answer = asked(question), float(fraction(question)) * pi
    given = numbers(text)
    if "between two" in text:
        inner, outer = given
        share, want = 1.0, "area"
    elif "arc" in text or "that lies" not in text:
        degrees, outer = given
        inner, share, want = 0, degrees / 360, "arc" if "arc" in text else "area"
    else:
        degrees, inner, outer = given
        share, want = degrees / 360, "area"
    # Inscribed polygons of very many corners: chords for the arc, triangles for the area.
    slices = 20_000
    step = share * 2 * pi / slices
    found = slices * 2 * outer * sin(step / 2) if want == "arc" else slices * (outer**2 - inner**2) * sin(step) / 2
    assert isclose(found, answer, rel_tol=1e-6)
    return want, inner, outer, round(share * 360)


CORNERS = ("triangle", "quadrilateral", "pentagon", "hexagon", "heptagon", "octagon")


def angle(question: GeneratedQuestion) -> Hashable:
    text, answer = asked(question), fraction(question)
    [name] = [name for name in CORNERS if name in text]
    corners, given = CORNERS.index(name) + 3, numbers(text)
    # Whoever walks around a convex polygon turns by 360 degrees in all.
    if "ratio" in text:
        assert len(given) == corners
        parts = [Fraction(part) * answer / max(given) for part in given]
        assert sum(180 - part for part in parts) == 360
        return name, "ratio", tuple(sorted(given))
    assert len(given) == corners - 1
    assert sum(180 - part for part in given) + 180 - answer == 360
    return name, tuple(sorted(given))


def lattice_points(question: GeneratedQuestion) -> Hashable:
    text, corners = asked(question), points_in(question.text)
    if len(corners) == 2:
        (a, b), (c, d) = corners
        found = sum(
            1
            for x in range(min(a, c), max(a, c) + 1)
            for y in range(min(b, d), max(b, d) + 1)
            if (x - a) * (d - b) == (y - b) * (c - a)
        )
    else:
        total, border = counted(corners)
        found = total - border if "strictly" in text else total
    assert str(found) == question.reference
    return frozenset(corners), "strictly" in text


CHECKS = {
    "polygon-area": polygon_area,
    "motion": motion,
    "line-intersection": line_intersection,
    "solid": solid,
    "circle": circle,
    "angle": angle,
    "lattice-points": lattice_points,
}


def test_ten_thousand_references_are_right_and_no_puzzle_comes_twice() -> None:
    check_pool("geometry", CHECKS)


def test_a_wrong_reference_is_found() -> None:
    check_checks("geometry", CHECKS)
