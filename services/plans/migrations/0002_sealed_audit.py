"""The audit's chains are sealed, and the database keeps them."""

from shared.db.walls import run_script, sealed_audit

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_script(
        f"""
        {sealed_audit("plans")}
        CREATE POLICY tenants_for_scheduler ON tenants FOR SELECT TO plans_scheduler USING (true);
        """
    )
