"""Subscriptions, OT plans, what is known of licenses, and the tables that every service has."""

from shared.db.walls import by_tenant, foundation, run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_script(
        f"""
        {foundation("plans")}

        CREATE TABLE held_licenses (
            license_id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            site_size text,
            max_devices integer,
            quantity integer NOT NULL CHECK (quantity > 0),
            status text NOT NULL,
            ended_at timestamptz,
            version integer NOT NULL CHECK (version > 0)
        );
        COMMENT ON TABLE held_licenses IS 'Licenses as their newest event told of them';
        CREATE INDEX held_licenses_tenant ON held_licenses (tenant_id);
        {by_tenant("held_licenses", "plans_app", "SELECT, INSERT, UPDATE")}

        CREATE TABLE holdings (
            tenant_id uuid PRIMARY KEY,
            sizes jsonb NOT NULL,
            paid integer NOT NULL CHECK (paid >= 0),
            trials integer NOT NULL CHECK (trials >= 0),
            last_ended_at timestamptz
        );
        COMMENT ON TABLE holdings IS 'The sum over a tenant''s held licenses';
        {by_tenant("holdings", "plans_app", "SELECT, INSERT, UPDATE")}

        CREATE TABLE subscriptions (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            display_name text NOT NULL,
            version integer NOT NULL CHECK (version > 0)
        );
        CREATE INDEX subscriptions_tenant ON subscriptions (tenant_id, id);
        {by_tenant("subscriptions", "plans_app", "SELECT, INSERT, UPDATE")}

        CREATE TABLE role_assignments (
            subscription_id uuid NOT NULL REFERENCES subscriptions,
            principal text NOT NULL,
            tenant_id uuid NOT NULL,
            role text NOT NULL
                CHECK (role IN ('Owner', 'Contributor', 'SecurityAdmin', 'SecurityReader', 'Reader')),
            PRIMARY KEY (subscription_id, principal)
        );
        CREATE INDEX role_assignments_principal ON role_assignments (tenant_id, principal);
        {by_tenant("role_assignments", "plans_app", "SELECT, INSERT, UPDATE, DELETE")}

        CREATE TABLE plans (
            subscription_id uuid PRIMARY KEY REFERENCES subscriptions,
            tenant_id uuid NOT NULL,
            status text NOT NULL CHECK (status IN ('active')),
            price_plan text NOT NULL CHECK (price_plan IN ('microsoft_365', 'trial')),
            licensed_sites jsonb NOT NULL,
            terms_version text NOT NULL,
            terms_accepted_at timestamptz NOT NULL,
            version integer NOT NULL CHECK (version > 0)
        );
        CREATE INDEX plans_tenant ON plans (tenant_id, subscription_id);
        {by_tenant("plans", "plans_app", "SELECT, INSERT, UPDATE")}
        """
    )
