"""Numbers as people write them: 0.6, 1 200, 3×10⁻⁶; none is cut, and none is scaled without saying so."""

from __future__ import annotations

import math
from collections.abc import Sequence

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUS, THIN_SPACE = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"
SMALLEST_PLAIN, LARGEST_PLAIN = 1e-3, 1e6
"""Numbers between them are written without a power of ten."""
FAR = 1000
"""Times the range of values, from where they are counted from a number near them."""
MOST_DIGITS = 17
"""So many tell a float from all others."""


def number(value: float, digits: int = 4) -> str:
    """A number rounded to what can be read; ``–`` where there is none."""
    if not math.isfinite(value):
        return "–"
    return _signed(raised(f"{value:.{digits}g}"))


def count(number: int) -> str:
    """A whole number with thin groups of three digits."""
    return f"{number:,}".replace(",", THIN_SPACE)


def span(low: int, high: int) -> str:
    """One number, or a range of them."""
    return count(low) if low == high else f"{count(low)}–{count(high)}"


def percent(share: float, form: str = ".1f") -> str:
    """A share in percent; ``–`` where there is none."""
    return f"{_signed(format(100 * share, form))}%" if math.isfinite(share) else "–"


def value(mean: float, half: float | None = None, digits: int = 4) -> str:
    """A number and its interval, rounded to what can be read."""
    known = half is not None and math.isfinite(half) and math.isfinite(mean)
    return number(mean, digits) + (f" ± {number(half, 2)}" if half is not None and known else "")


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``8 s``, ``2 min``, ``1 h 20 min``, ``9 days``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes / (24 * 60):,.0f} days"


def raised(text: str) -> str:
    """A number as Python formats it, with a power of ten as people write it."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}×{_power(int(exponent))}" if e else text


def steps(values: Sequence[float], step: float, span: float) -> list[str]:
    """Multiples of a step, each with the digits that tell it from its neighbours.

    Parameters
    ----------
    step : the distance between neighbours; the values are multiples of it.
    span : of the range that they are taken from: all numbers of one axis are written alike.
    """
    largest = max((abs(each) for each in values), default=0.0)
    last = math.floor(math.log10(step) + 1e-9)  # the place of the last digit
    far = largest >= LARGEST_PLAIN and largest < 100 * span  # farther off, all digits are needed anyway
    if max(largest, span) < SMALLEST_PLAIN or far or largest >= 10.0**MOST_DIGITS:
        return [_scientific(each, last) for each in values]
    return [_plain(each, max(0, -last)) for each in values]


def origin(low: float, high: float) -> tuple[float, str]:
    """A round number to count from, and it in words behind a name (``x − 1 600 000``).

    For values so far from 0 that their numbers would all begin alike; others are counted from 0.
    """
    span = high - low
    if not 0 < FAR * span < max(abs(low), abs(high)) < math.inf:
        return 0.0, ""
    step = 10.0 ** math.ceil(math.log10(span))
    found = round((low / 2 + high / 2) / step) * step
    sign = MINUS if found > 0 else "+"
    return found, f" {sign} {steps([abs(found)], step, span)[0]}"


def decade(value: float) -> str:
    """A tick of a logarithmic axis: 0.001, 20, 10⁶."""
    if SMALLEST_PLAIN * 0.999 < value < LARGEST_PLAIN * 0.1:
        return _plain(value, max(0, -math.floor(math.log10(value) + 1e-9)))
    return _scientific(value, math.floor(math.log10(value) + 1e-9))


def _plain(value: float, places: int) -> str:
    text = f"{value:,.{places}f}".replace(",", THIN_SPACE)
    return _signed(text)


def _scientific(value: float, last: int) -> str:
    """With digits down to the place ``last``, as an exponent of ten."""
    exponent = math.floor(math.log10(abs(value)) + 1e-12) if value else last
    if exponent < last:  # what rounding left of zero
        return "0"
    digits = min(exponent - last, MOST_DIGITS - 1)
    mantissa, _, power = f"{value:.{digits}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    if float(mantissa) == 0:
        return "0"
    if mantissa in ("1", "-1"):
        return _signed(mantissa[:-1] + _power(int(power)))
    return _signed(f"{mantissa}×{_power(int(power))}")


def _power(exponent: int) -> str:
    return f"10{str(exponent).translate(_RAISED)}"


def _signed(text: str) -> str:
    """With a minus sign; none before zero."""
    if not text.startswith("-"):
        return text
    return MINUS + text[1:] if any(letter in "123456789" for letter in text) else text[1:]
