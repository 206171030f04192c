"""Which roles on a subscription may do what (domain.md section 3.1). Directory roles give nothing here."""

from typing import Final

VIEW: Final = ("Owner", "Contributor", "SecurityAdmin", "SecurityReader", "Reader")
CHANGE_PLAN: Final = ("Owner", "Contributor", "SecurityAdmin")
CHANGE_SUBSCRIPTION: Final = ("Owner",)
