"""Which directory roles may do what to licenses (domain.md section 3.2). Subscription roles give nothing here."""

from typing import Final

VIEW: Final = ("GlobalAdministrator", "BillingAdministrator", "LicenseAdministrator", "GlobalReader")
PURCHASE: Final = ("GlobalAdministrator", "BillingAdministrator")
CANCEL: Final = ("GlobalAdministrator", "BillingAdministrator")
