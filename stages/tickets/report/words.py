"""How a report words numbers and names: points, intervals, and what stands where there is none."""

from stages.tickets.statistics.intervals import Difference, Summary

NOT_RUN = "not run"
NONE = "–"  # an en dash: nothing to say by construction
DAGGER = "† a run of it predicts one class or a constant"
METRICS = {
    "f1": "F1",
    "matthews": "Matthews",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "masked_accuracy": "masked accuracy",
    "answer_f1": "F1 of answers",
    "exact_match": "exact match",
}


def points(value: float) -> str:
    """A fraction in points: 0.8134 is 81.3."""
    return f"{100 * value:.1f}".replace("-0.0", "0.0").replace("-", "−")


def signed(value: float) -> str:
    """A difference of fractions in points, with its sign."""
    text = points(value)
    return text if text.startswith("−") or text == "0.0" else "+" + text


def percent(share: float) -> str:
    """A share in per cent, kept on one line by a no-break space."""
    return f"{100 * share:.1f}".removesuffix(".0") + "\N{NO-BREAK SPACE}%"


def two_digits(value: float) -> str:
    """A number without a unit, such as a correlation; there is no negative zero."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def metric_name(metric: str) -> str:
    return METRICS.get(metric, metric)


def mean(found: Summary | None) -> str:
    """Mean ± half the interval; the score alone, and that it is alone, for one seed."""
    if found is None:
        return NOT_RUN
    if found.half is None:
        return f"{points(found.mean)} (n=1)"
    return f"{points(found.mean)} ± {points(found.half)}"


def spread(found: Summary | None) -> str:
    """Mean ± standard deviation."""
    if found is None:
        return NOT_RUN
    if found.std is None:
        return f"{points(found.mean)} (n=1)"
    return f"{points(found.mean)} ± {points(found.std)}"


def difference(found: Difference | None) -> str:
    """Mean difference [interval]."""
    if found is None:
        return NOT_RUN
    if found.low is None or found.high is None:
        return f"{signed(found.mean)} (n=1)"
    return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"


def with_std(mean: float, std: float | None, digits: int, between: str = " ± ") -> str:
    """Mean ± standard deviation of numbers that are no scores; the mean alone for one of them."""
    text = f"{round(mean, digits) + 0.0:.{digits}f}".replace("-", "−")  # there is no negative zero
    return text if std is None else f"{text}{between}{std:.{digits}f}"


def marked(cell: str, collapsed: int) -> str:
    """The cell with a dagger, if any of its runs predicts one class or a constant."""
    return f"{cell} †" if collapsed else cell


def p_value(found: Difference) -> str:
    if found.p is None:
        return "n=1" if found.n == 1 else "equal pairs"
    return probability(found.p)


def probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: int, word: str) -> str:
    """1 seed, 2 seeds."""
    return f"{number} {word}" + ("" if number == 1 else "s")


def matrix_name(matrix: str) -> str:
    """What a matrix does: attention.self.query is the query."""
    known = {
        "attention.self.query": "query",
        "attention.self.key": "key",
        "attention.self.value": "value",
        "attention.output.dense": "attention output",
        "intermediate.dense": "MLP in",
        "output.dense": "MLP out",
        "pooler.dense": "pooler",
    }
    return known.get(matrix, matrix)


def sentence(text: str) -> str:
    """A reason such as `not run: ...` as a sentence."""
    return text[0].upper() + text[1:] + "."
