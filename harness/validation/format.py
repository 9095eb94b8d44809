"""The numbers of a validation row as people write them."""

from harness.validation.row import Kind, Row

_SCALES = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")),
    "B/s": ((2**20, "MiB/s"),),
}


def amount(value: float, unit: str) -> str:
    """Write a value with its unit as people would."""
    if unit == "":
        return f"{100 * value:.3g} %"
    if unit == "/s":
        return f"{value:.5g} /s"
    scales = _SCALES.get(unit, ((1.0, unit),))
    for scale, name in scales:
        if abs(value) >= scale or scale == scales[-1][0]:
            if not value:
                break
            return f"{_digits(value / scale)} {name}"
    return f"0 {unit}"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def interval_text(row: Row) -> str:
    """Write the ends of a row's interval; a dash where it has no width."""
    if row.low == row.high:
        return "-"
    return f"{amount(row.low, row.unit)} to {amount(row.high, row.unit)}"


def error_text(row: Row) -> str:
    """Write how far off the model is."""
    if not row.expected:
        return amount(row.error, row.unit)
    return f"{100 * row.error:+.2f} %"


def tolerance_text(row: Row) -> str:
    """Write what a row may be off by; for theory, how wide its interval is and may be."""
    if row.kind is Kind.THEORY:
        text = f"half-width {100 * row.half_width:.2f} of {100 * row.tolerance:g} %"
        return f"{text}; +{100 * row.allowance:g} %" if row.allowance >= 0.001 else text
    if not row.expected:
        return amount(row.tolerance, row.unit)
    return f"{100 * row.tolerance:.3g} %"
