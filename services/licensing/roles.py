"""Which directory roles may do what to licenses; subscription roles give nothing here."""

from collections.abc import Mapping
from typing import Final

_BUYERS: Final = ("GlobalAdministrator", "BillingAdministrator")

VIEW: Final = (*_BUYERS, "LicenseAdministrator", "GlobalReader")
VIEW_INVOICES: Final = (*_BUYERS, "GlobalReader")
VIEW_AUDIT: Final = (*_BUYERS, "GlobalReader")
PURCHASE: Final = _BUYERS
CHANGE: Final = _BUYERS
CANCEL: Final = _BUYERS
START_TRIAL: Final = _BUYERS

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "cancel": CANCEL,
    "renew_off": CHANGE,
    "renew_on": CHANGE,
    "add_quantity": CHANGE,
    "reduce_quantity": CHANGE,
    "schedule_change": CHANGE,
    "reactivate": PURCHASE,
    "extend_trial": START_TRIAL,
    "convert": PURCHASE,
}
"""By each of a license's `allowed_actions`."""
