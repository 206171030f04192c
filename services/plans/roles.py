"""Which roles on a subscription may do what. Directory roles give nothing on a plan."""

from collections.abc import Mapping
from typing import Final

VIEW: Final = ("Owner", "Contributor", "SecurityAdmin", "SecurityReader", "Reader")
CHANGE_PLAN: Final = ("Owner", "Contributor", "SecurityAdmin")
DOWNLOAD_CONSOLE_FILE: Final = (*CHANGE_PLAN, "SecurityReader")
"""The console's file, unlike a sensor's, is a reader's too (C8)."""
CHANGE_SUBSCRIPTION: Final = ("Owner",)
CHANGE_ENTERPRISE_IOT: Final = ("SecurityAdmin",)
ASSIGN_ROLES: Final = ("Owner",)
PLAN_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
    ("cancel", "edit", "undo", "migrate"), CHANGE_PLAN
)
"""By each of a plan's `allowed_actions`."""

SEE_LICENSES: Final = ("GlobalAdministrator", "BillingAdministrator", "LicenseAdministrator", "GlobalReader")
"""The directory roles that see notices about licenses."""
