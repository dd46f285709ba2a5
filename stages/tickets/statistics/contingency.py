"""Counts of items by two properties, and whether the properties go together."""

from math import comb


def fisher_exact(shared: int, first: int, second: int, neither: int) -> float | None:
    """Compute Fisher's two-sided p value of a table of counts, which takes items for independent.

    It sums the probabilities of all tables with the same margins that are no more probable than this
    one, in whole numbers, so that ties are exact.

    Args:
        shared, first, second, neither: items with both properties, with the first alone, with the second
            alone, and with none; each at least 0.

    Returns:
        The p value; None if all items or none have one of the properties, so that nothing is to be seen.
    """
    with_first, with_second = shared + first, shared + second
    total = shared + first + second + neither
    if {with_first, with_second} & {0, total}:
        return None
    ways = {
        count: comb(with_first, count) * comb(total - with_first, with_second - count)
        for count in range(
            max(0, with_first + with_second - total), min(with_first, with_second) + 1
        )
    }
    rare = sum(number for number in ways.values() if number <= ways[shared])
    return rare / comb(total, with_second)
