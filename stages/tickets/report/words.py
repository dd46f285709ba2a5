"""How a report words numbers and names: points, intervals, and what stands where there is none."""

from collections.abc import Callable, Iterable

from stages.tickets.statistics.intervals import Difference, Summary

NOT_RUN = "not run"
NONE = "–"  # an en dash: nothing to say by construction
DAGGER = "† a run of it predicts one class, or numbers no better than a constant"
METRICS = {
    "f1": "F1",
    "matthews": "Matthews",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "masked_accuracy": "masked accuracy",
    "answer_f1": "F1 of answers",
    "exact_match": "exact match",
}
MATRICES = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "attention output",
    "intermediate.dense": "MLP in",
    "output.dense": "MLP out",
    "pooler.dense": "pooler",
}


def points(value: float) -> str:
    """Word a fraction in points: 0.8134 is 81.3."""
    return f"{100 * value:.1f}".replace("-0.0", "0.0").replace("-", "−")


def signed(value: float) -> str:
    """Word a difference of fractions in points, with its sign."""
    text = points(value)
    return text if text.startswith("−") or text == "0.0" else "+" + text


def percent(share: float) -> str:
    """Word a share in per cent, kept on one line by a no-break space."""
    return f"{100 * share:.1f}".removesuffix(".0") + "\N{NO-BREAK SPACE}%"


def two_digits(value: float) -> str:
    """Word a number without a unit, such as a correlation; there is no negative zero."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def metric_name(metric: str) -> str:
    return METRICS.get(metric, metric)


def mean(summary: Summary | None) -> str:
    """Word mean ± half the interval, or the mean and that it is of one seed."""
    return _with(summary, summary.half if summary else None)


def spread(summary: Summary | None) -> str:
    """Word mean ± standard deviation, or the mean and that it is of one seed."""
    return _with(summary, summary.std if summary else None)


def _with(summary: Summary | None, reach: float | None) -> str:
    if summary is None:
        return NOT_RUN
    return f"{points(summary.mean)} " + ("(n=1)" if reach is None else f"± {points(reach)}")


def points_and_std(mean: float, std: float | None) -> str:
    """Word mean ± standard deviation in points, or the mean of a single number."""
    return points(mean) if std is None else f"{points(mean)} ± {points(std)}"


def difference(gain: Difference | None) -> str:
    """Word a mean difference and the ends of its interval, or that it is of one seed."""
    if gain is None:
        return NOT_RUN
    if gain.low is None or gain.high is None:
        return f"{signed(gain.mean)} (n=1)"
    return f"{signed(gain.mean)} [{signed(gain.low)}, {signed(gain.high)}]"


def ends(values: Iterable[float], shown: Callable[[float], str]) -> str:
    """Word the least and the greatest value, such as 30 % to 60 %; a single one if they read alike."""
    listed = list(values)
    return " to ".join(dict.fromkeys(shown(value) for value in (min(listed), max(listed))))


def sizes(summaries: Iterable[Summary | None]) -> str:
    """Word how many seeds the summaries are of, such as 1, 3; a dash if nothing ran."""
    return ", ".join(sorted({str(known.n) for known in summaries if known})) or NONE


def with_std(mean: float, std: float | None, digits: int, between: str = " ± ") -> str:
    """Word mean ± standard deviation of numbers that are no scores; for a single one the mean alone."""
    text = f"{round(mean, digits) + 0.0:.{digits}f}".replace("-", "−")  # there is no negative zero
    return text if std is None else f"{text}{between}{std:.{digits}f}"


def marked(cell: str, collapsed: int) -> str:
    """Put a dagger after the cell, if any of its runs predicts one class or a constant."""
    return f"{cell} †" if collapsed else cell


def p_value(gain: Difference) -> str:
    """Word the p of a paired t test, or why there is none."""
    if gain.p is None:
        return "n=1" if gain.n == 1 else "equal pairs"
    return probability(gain.p)


def probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: int, word: str) -> str:
    """Word a count: 1 seed, 2 seeds."""
    return f"{number} {word}" + ("" if number == 1 else "s")


def matrix_name(matrix: str) -> str:
    """Name what a matrix does: attention.self.query is the query."""
    return MATRICES.get(matrix, matrix)


def sentence(text: str) -> str:
    """Make a sentence of a reason such as `not run: ...`."""
    return text[0].upper() + text[1:] + "."
