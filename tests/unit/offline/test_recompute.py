"""Does a document come to what its own lines say?"""

import io
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from shared.offline.command_line import main
from shared.offline.recompute import NotAnInvoice, recompute

ROOT: Final = Path(__file__).parents[3]


def a_line(kind: str = "charge", **fields: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "text": "1 × OT_SITE_L, purchase",
        "basis": "days",
        "in_effect": 365,
        "in_period": 365,
        "rate": "1750.00",
        "quantity": 1,
        "unrounded": "1750.00000000",
        "amount": "1750.00",
        "charged": None,
    } | fields


CREDIT: Final = a_line("credit", in_effect=362, unrounded="-1735.61643836", amount="-1735.62")
MONTHLY_CREDIT: Final = a_line(
    "credit", rate="153.13", in_effect=3, charged="153.13", unrounded="-138.02676712", amount="-138.03"
)
TAX: Final = a_line("tax", basis=None, in_effect=19, in_period=100, unrounded="332.50000000", amount="332.50")
SECONDS: Final = a_line(
    basis="seconds",
    in_effect=1_296_000,
    in_period=2_592_000,
    rate="140.00",
    quantity=1000,
    unrounded="700.00000000",
    amount="700.00",
)
NOTE: Final = a_line(
    basis=None, in_effect=None, in_period=None, rate=None, quantity=None, unrounded=None, amount="0.00"
)


def an_invoice(*lines: dict[str, Any], total: str, **sums: str) -> dict[str, Any]:
    money = {
        name: {"amount": amount, "currency": "USD"} for name, amount in ({"total": total} | sums).items()
    }
    return {"currency": "USD", "lines": list(lines)} | money


GOOD: Final = an_invoice(
    a_line(), CREDIT, MONTHLY_CREDIT, TAX, total="208.85", charges="1750.00", credits="1873.65", tax="332.50"
)


def differing(document: Any) -> list[str]:
    return [check.pointer for check in recompute(orjson.dumps(document)) if check.differences]


def test_an_invoice_that_is_right_agrees() -> None:
    assert differing(GOOD) == []


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("lines", 0, "amount"), "1750.01", ["/lines/0", "/charges", "/total"]),
        (("lines", 1, "unrounded"), "-1735.61643835", ["/lines/1"]),
        (("lines", 1, "in_effect"), 361, ["/lines/1"]),
        (("lines", 2, "charged"), "153.14", ["/lines/2"]),
        (("lines", 3, "quantity"), 2, ["/lines/3"]),
        (("lines", 0, "kind"), "tax", ["/charges", "/tax"]),
        (("total", "amount"), "208.86", ["/total"]),
        (("credits", "amount"), "-1873.65", ["/credits"]),
        (("total", "currency"), "EUR", ["/total"]),
    ],
)
def test_what_was_tampered_with_is_named(place: tuple[Any, ...], value: object, named: list[str]) -> None:
    document: Any = deepcopy(GOOD)
    at = document
    for part in place[:-1]:
        at = at[part]
    at[place[-1]] = value
    assert differing(document) == named


def test_a_statement_is_for_a_hundred_devices_and_by_the_second() -> None:
    assert differing(an_invoice(SECONDS, SECONDS | {"quantity": 1500, "unrounded": "1050.00000000",
                                                    "amount": "1050.00"}, total="1750.00")) == []  # fmt: skip


def test_a_line_that_only_tells_something_is_worth_nothing() -> None:
    assert differing(an_invoice(NOTE, total="0.00")) == []
    assert differing(an_invoice(NOTE | {"amount": "1.00"}, total="1.00")) == ["/lines/0"]


def test_a_credit_never_turns_into_a_charge() -> None:
    line = MONTHLY_CREDIT | {"charged": "1.00", "unrounded": "0.00000000", "amount": "0.00"}
    assert differing(an_invoice(line, total="0.00")) == []


def test_half_a_cent_is_rounded_up_in_size() -> None:
    half = a_line(rate="0.01", in_effect=1, in_period=2, unrounded="0.00500000", amount="0.01")
    back = half | {"kind": "credit", "unrounded": "-0.00500000", "amount": "-0.01"}
    assert differing(an_invoice(half, back, total="0.00")) == []


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"lines": {}}',
        b'{"lines": [1]}',
        b'{"lines": []}',
        orjson.dumps(an_invoice(a_line(kind="fee"), total="1750.00")),
        orjson.dumps(an_invoice(a_line(rate=1750.0), total="1750.00")),
        orjson.dumps(an_invoice(a_line(rate="1e3"), total="1750.00")),
        orjson.dumps(an_invoice(a_line(in_period=0), total="1750.00")),
        orjson.dumps(an_invoice(a_line(quantity=True), total="1750.00")),
        orjson.dumps(an_invoice(a_line(in_effect=None), total="1750.00")),
        orjson.dumps(an_invoice(a_line(amount=None), total="1750.00")),
    ],
)
def test_what_is_no_invoice_is_said_to_be_none(document: bytes) -> None:
    with pytest.raises(NotAnInvoice):
        recompute(document)


def test_the_command_tells_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "invoice.json"
    file.write_bytes(orjson.dumps(GOOD))
    assert main(["recompute", str(file)]) == 0
    assert "All agrees." in capsys.readouterr().out
    file.write_bytes(orjson.dumps(GOOD | {"total": {"amount": "1.00", "currency": "USD"}}))
    assert main(["recompute", str(file)]) == 1
    assert "These differ: /total" in capsys.readouterr().out
    assert main(["recompute", str(tmp_path / "none.json")]) == 2
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no")))
    assert main(["recompute", "-"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_script_runs_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()  # which must not be taken for ours
    (tmp_path / "invoice.json").write_bytes(orjson.dumps(GOOD))
    done = subprocess.run(  # noqa: S603 -- our own script
        [ROOT / "siteward", "recompute", "invoice.json"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_knows_nothing_of_the_services() -> None:
    for file in (ROOT / "shared" / "offline").glob("recompute.py"):
        imports = [line for line in file.read_text().splitlines() if line.startswith(("import", "from"))]
        assert not [line for line in imports if "services" in line or "shared" in line]
