"""Does an invoice or a statement come to what its own lines say? Computed from the document alone.

It knows the rules of money (docs/rules.md) and nothing of the services that wrote the document, so that it can
contradict them. Fractions throughout; no floats.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_MONTHS: Final = 12
_KINDS: Final = {"charge": "charges", "credit": "credits", "tax": "tax"}
"""Kinds of lines, and what their sum is called."""
_COMPUTED_FROM: Final = ("rate", "quantity", "in_effect", "in_period")


class NotAnInvoice(Exception):
    """What was given has no lines to compute from; says where and why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of the document, as it is stated and as it comes out."""

    pointer: str
    """A JSON pointer to what was checked, such as `/lines/3`."""
    what: str
    computed: str
    differences: tuple[str, ...]
    """Empty where they agree."""


def recompute(document: bytes) -> list[Check]:
    """A check for each line, then one for each sum and the total. Raises NotAnInvoice."""
    try:
        given = json.loads(document, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise NotAnInvoice(f"This is not JSON: {error}") from None
    if not isinstance(given, dict) or not isinstance(given.get("lines"), list):
        raise NotAnInvoice("This is neither an invoice nor a statement: it has no lines.")
    checks: list[Check] = []
    sums = dict.fromkeys(_KINDS, Fraction(0))
    for number, line in enumerate(given["lines"]):
        pointer = f"/lines/{number}"
        if not isinstance(line, dict) or line.get("kind") not in _KINDS:
            raise NotAnInvoice(f"{pointer}/kind has to be charge, credit or tax.")
        checks.append(_check_line(line, pointer))
        sums[line["kind"]] += _decimal(line, "amount", pointer)
    checks += _check_sums(given, sums)
    return checks


def _check_line(line: Mapping[str, Any], pointer: str) -> Check:
    exact, formula = _exact(line, pointer)
    unrounded, amount = _text(exact, 8), _text(exact, 2)
    stated = _decimal(line, "amount", pointer)
    differences = []
    if line.get("unrounded") is not None and _decimal(line, "unrounded", pointer) != Fraction(unrounded):
        differences.append(f"unrounded is {line['unrounded']}, computed {unrounded}")
    if line.get("unrounded") is None and any(line.get(name) is not None for name in _COMPUTED_FROM):
        differences.append(f"unrounded is missing, computed {unrounded}")
    if stated != Fraction(amount):
        differences.append(f"amount is {line['amount']}, computed {amount}")
    what = f"{line['kind']}  {line.get('text') or ''}".rstrip()
    return Check(pointer, what, f"{formula} = {unrounded}, rounded {amount}", tuple(differences))


def _exact(line: Mapping[str, Any], pointer: str) -> tuple[Fraction, str]:
    """What the line is worth before rounding, and how that was computed."""
    if all(line.get(name) is None for name in _COMPUTED_FROM):
        return Fraction(0), "nothing"  # a line that only tells something
    rate = _decimal(line, "rate", pointer)
    quantity, in_effect, in_period = (_whole(line, name, pointer) for name in _COMPUTED_FROM[1:])
    if in_period == 0:
        raise NotAnInvoice(f"{pointer}/in_period has to be 1 at the least.")
    hundreds = line.get("basis") == "seconds"  # a statement's rate is for a hundred devices
    share = rate * quantity * in_effect / in_period / (100 if hundreds else 1)
    formula = f"{line['rate']} × {quantity}{' / 100' if hundreds else ''} × {in_effect} / {in_period}"
    if line["kind"] != "credit":
        return share, formula
    if line.get("charged") is None:
        return -share, f"-({formula})"
    charged = _decimal(line, "charged", pointer)
    return -max(Fraction(0), charged - _MONTHS * share), f"-({line['charged']} - {_MONTHS} × {formula})"


def _check_sums(given: Mapping[str, Any], sums: Mapping[str, Fraction]) -> Iterator[Check]:
    for kind, name in _KINDS.items():
        if name in given:
            yield _check_sum(given, name, -sums[kind] if kind == "credit" else sums[kind])
    yield _check_sum(given, "total", sum(sums.values(), Fraction(0)))


def _check_sum(given: Mapping[str, Any], name: str, computed: Fraction) -> Check:
    money = given.get(name)
    if not isinstance(money, dict):
        raise NotAnInvoice(f"/{name} has to be an amount of money.")
    differences = []
    if _decimal(money, "amount", f"/{name}") != computed:
        differences.append(f"{name} is {money['amount']}, computed {_text(computed, 2)}")
    if money.get("currency") != given.get("currency"):
        differences.append(f"{name} is in {money.get('currency')}, the document in {given.get('currency')}")
    return Check(f"/{name}", name, _text(computed, 2), tuple(differences))


def _decimal(of: Mapping[str, Any], name: str, pointer: str) -> Fraction:
    value = of.get(name)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise NotAnInvoice(f"{pointer}/{name} has to be a decimal string.")
    return Fraction(value)


def _whole(of: Mapping[str, Any], name: str, pointer: str) -> int:
    value = of.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NotAnInvoice(f"{pointer}/{name} has to be a whole number, 0 or more.")
    return value


def _text(exact: Fraction, places: int) -> str:
    """With so many decimals, rounded half up in size; `0` has no sign."""
    scaled = abs(exact) * 10**places
    size = (scaled.numerator * 2 + scaled.denominator) // (scaled.denominator * 2)
    whole, rest = divmod(size, 10**places)
    return f"{'-' if exact < 0 and size else ''}{whole}.{rest:0{places}}"
