"""Row-level security reads the session's tenants once for all rows that a statement writes."""

from shared.db.walls import check_tenants_once, run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_script(check_tenants_once())
