"""Computes the wrong thing; the plain case."""


def double(number: int) -> int:
    return number + 2
