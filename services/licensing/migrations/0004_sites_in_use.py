"""Which license each site uses, as plans tells of it."""

from shared.db.walls import by_tenant, run_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_script(
        f"""
        CREATE TABLE sites (
            subscription_id uuid NOT NULL,
            name_key text NOT NULL,
            tenant_id uuid NOT NULL,
            license_id uuid,
            version integer NOT NULL CHECK (version > 0),
            PRIMARY KEY (subscription_id, name_key)
        );
        COMMENT ON TABLE sites IS 'Sites as their newest event told of them; a deleted one uses no license';
        CREATE INDEX sites_tenant ON sites (tenant_id);
        {by_tenant("sites", "licensing_app", "SELECT, INSERT, UPDATE")}

        CREATE TABLE assignments (
            license_id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            assigned integer NOT NULL CHECK (assigned >= 0),
            as_of timestamptz NOT NULL
        );
        COMMENT ON TABLE assignments IS 'How many sites use a license, kept with every event of one';
        CREATE INDEX assignments_tenant ON assignments (tenant_id);
        {by_tenant("assignments", "licensing_app", "SELECT, INSERT, UPDATE")}
        """
    )
