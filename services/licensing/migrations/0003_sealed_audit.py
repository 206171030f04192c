"""The audit's chains are sealed, and the database keeps them."""

from shared.db.walls import run_script, sealed_audit

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_script(sealed_audit("licensing"))
