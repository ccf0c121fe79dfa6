"""The page's formulas. Law: none divides by zero, and an unknown value is None, never 0."""

import math


def lens_area(r1: float, r2: float, distance: float) -> float:
    """The area that two circles share."""
    if distance >= r1 + r2:
        return 0.0
    if distance <= abs(r1 - r2):
        return math.pi * min(r1, r2) ** 2
    a1, a2 = _half_angle(r1, r2, distance), _half_angle(r2, r1, distance)
    return r1**2 * (a1 - math.sin(2 * a1) / 2) + r2**2 * (a2 - math.sin(2 * a2) / 2)


def _half_angle(radius: float, other: float, distance: float) -> float:
    cosine = (distance**2 + radius**2 - other**2) / (2 * distance * radius)
    return math.acos(max(-1.0, min(1.0, cosine)))  # where the circles just touch, rounding can leave the domain


def distance_for(r1: float, r2: float, area: float) -> float:
    """The distance at which two circles share `area`. By bisection: the shared area shrinks with the distance."""
    near, far = abs(r1 - r2), r1 + r2
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if lens_area(r1, r2, middle) > area else (near, middle)
    return (near + far) / 2


def nice_ceiling(value: float) -> float:
    """The next round number (1, 1.5, 2 … 8 × 10ⁿ) at or above a positive value; 1 for a value of 0 or less."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * unit >= value * (1 - 1e-9))
