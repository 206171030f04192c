"""Sites, sensors, devices, legacy plans, Enterprise IoT, notices, statements, and what time does to them."""

from shared.db.walls import by_tenant, run_script

revision = "0003"
down_revision = "0002"

_ALL = "SELECT, INSERT, UPDATE, DELETE"
_KEPT = "SELECT, INSERT, UPDATE"


def upgrade() -> None:
    run_script(_LICENSES + _PLANS + _SITES + _SENSORS + _DEVICES + _ENTERPRISE_IOT + _NOTICES + _STATEMENTS)
    run_script(_SCHEDULE)


_LICENSES = """
    ALTER TABLE held_licenses NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE held_licenses
        ADD COLUMN sku text,
        ADD COLUMN purchased_at timestamptz,
        ADD COLUMN term_end timestamptz;
    -- Ids of licenses are made in the order of their purchase.
    UPDATE held_licenses SET
        sku = coalesce('OT_SITE_' || site_size, 'EIOT_DEVICE'),
        purchased_at = coalesce(uuid_extract_timestamp(license_id), now());
    ALTER TABLE held_licenses
        ALTER COLUMN sku SET NOT NULL,
        ALTER COLUMN purchased_at SET NOT NULL;
    ALTER TABLE held_licenses FORCE ROW LEVEL SECURITY;
    DROP INDEX held_licenses_tenant;
    CREATE INDEX held_licenses_oldest
        ON held_licenses (tenant_id, site_size, status, purchased_at, license_id);

    ALTER TABLE holdings
        ADD COLUMN enterprise_iot integer NOT NULL DEFAULT 0 CHECK (enterprise_iot >= 0),
        ADD COLUMN due_at timestamptz;
    ALTER TABLE holdings NO FORCE ROW LEVEL SECURITY;
    UPDATE holdings SET due_at = last_ended_at + interval '30 days' WHERE paid + trials = 0;
    ALTER TABLE holdings FORCE ROW LEVEL SECURITY;
    ALTER TABLE holdings ALTER COLUMN enterprise_iot DROP DEFAULT;
    CREATE INDEX holdings_due ON holdings (due_at) WHERE due_at IS NOT NULL;
    ALTER TABLE role_assignments ADD COLUMN version integer NOT NULL DEFAULT 1;
    ALTER TABLE role_assignments ALTER COLUMN version DROP DEFAULT;
"""

_PLANS = f"""
    ALTER TABLE plans
        DROP CONSTRAINT plans_status_check,
        DROP CONSTRAINT plans_price_plan_check,
        ALTER COLUMN terms_version DROP NOT NULL,
        ALTER COLUMN terms_accepted_at DROP NOT NULL,
        ADD COLUMN legacy boolean NOT NULL DEFAULT false,
        ADD COLUMN committed_devices integer CHECK (committed_devices > 0),
        ADD COLUMN sites integer CHECK (sites > 0),
        ADD COLUMN trial_ends_at timestamptz,
        ADD COLUMN pending jsonb,
        ADD COLUMN due_at timestamptz,
        ADD COLUMN added_at timestamptz,
        ADD COLUMN statement_month timestamptz,
        ADD CONSTRAINT plans_status_check
            CHECK (status IN ('active', 'change_pending', 'cancel_pending', 'cancelled')),
        ADD CONSTRAINT plans_price_plan_check
            CHECK (price_plan IN ('microsoft_365', 'trial', 'monthly', 'annual'));
    ALTER TABLE plans NO FORCE ROW LEVEL SECURITY;
    UPDATE plans SET added_at = terms_accepted_at,
                     statement_month = date_trunc('month', terms_accepted_at, 'UTC');
    ALTER TABLE plans FORCE ROW LEVEL SECURITY;
    ALTER TABLE plans ALTER COLUMN legacy DROP DEFAULT, ALTER COLUMN added_at SET NOT NULL;
    CREATE INDEX plans_due ON plans (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX plans_due_by_tenant ON plans (tenant_id, due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX plans_statement ON plans (statement_month) WHERE statement_month IS NOT NULL;
    CREATE INDEX plans_statement_by_tenant ON plans (tenant_id, statement_month)
        WHERE statement_month IS NOT NULL;

    CREATE TABLE plan_terms (
        subscription_id uuid NOT NULL REFERENCES subscriptions,
        version integer NOT NULL CHECK (version > 0),
        tenant_id uuid NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz CHECK (ends_at >= starts_at),
        legacy boolean NOT NULL,
        price_plan text NOT NULL,
        committed_devices integer,
        sites integer,
        rate bigint CHECK (rate >= 0),
        currency text,
        PRIMARY KEY (subscription_id, version)
    );
    COMMENT ON TABLE plan_terms IS 'What a plan cost, and from when to when';
    CREATE INDEX plan_terms_of_subscription ON plan_terms (tenant_id, subscription_id, starts_at);
    ALTER TABLE plans NO FORCE ROW LEVEL SECURITY;
    -- All plans so far follow licenses, so that no statement charges anything for them.
    INSERT INTO plan_terms (subscription_id, version, tenant_id, starts_at, legacy, price_plan)
        SELECT subscription_id, version, tenant_id, added_at, false, price_plan FROM plans;
    ALTER TABLE plans FORCE ROW LEVEL SECURITY;
    {by_tenant("plan_terms", "plans_app", _KEPT)}

    CREATE TABLE legacy_prices (
        price_plan text NOT NULL,
        effective_from timestamptz NOT NULL,
        rate bigint NOT NULL CHECK (rate >= 0),
        currency text NOT NULL,
        PRIMARY KEY (price_plan, effective_from)
    );
    COMMENT ON TABLE legacy_prices IS 'The price book of legacy plans; the same for all tenants';
    GRANT SELECT ON legacy_prices TO plans_app;
    INSERT INTO legacy_prices (price_plan, effective_from, rate, currency) VALUES
        ('trial', '1970-01-01Z', 0, 'USD'),
        ('monthly', '1970-01-01Z', 14000, 'USD'),
        ('annual', '1970-01-01Z', 12600, 'USD');

    CREATE TABLE operations (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        subscription_id uuid NOT NULL REFERENCES subscriptions,
        kind text NOT NULL,
        status text NOT NULL CHECK (status IN ('not_started', 'succeeded', 'failed', 'cancelled')),
        resource text NOT NULL,
        created_at timestamptz NOT NULL,
        effective_at timestamptz NOT NULL,
        finished_at timestamptz
    );
    COMMENT ON TABLE operations IS 'Changes that take effect later, for those who poll';
    {by_tenant("operations", "plans_app", _KEPT)}
"""

_SITES = f"""
    CREATE TABLE sites (
        subscription_id uuid NOT NULL REFERENCES subscriptions,
        name_key text NOT NULL,
        id uuid NOT NULL,
        tenant_id uuid NOT NULL,
        name text NOT NULL,
        display_name text NOT NULL,
        site_size text,
        max_devices integer,
        tags jsonb NOT NULL,
        owners jsonb NOT NULL,
        zones jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        sized_at timestamptz,
        coverage text NOT NULL
            CHECK (coverage IN ('legacy', 'licensed', 'grace', 'unlicensed', 'stopped', 'deleted')),
        license_id uuid,
        version integer NOT NULL CHECK (version > 0),
        PRIMARY KEY (subscription_id, name_key),
        CONSTRAINT sites_id UNIQUE (id)
    );
    COMMENT ON TABLE sites IS 'A deleted one stays, so that the versions of its name go on rising';
    CREATE INDEX sites_of_subscription ON sites (tenant_id, subscription_id, name_key);
    CREATE INDEX sites_by_age ON sites (tenant_id, site_size, id) WHERE coverage <> 'deleted';
    {by_tenant("sites", "plans_app", _KEPT)}
"""

_SENSORS = f"""
    CREATE TABLE sensors (
        subscription_id uuid NOT NULL REFERENCES subscriptions,
        name_key text NOT NULL,
        tenant_id uuid NOT NULL,
        name text NOT NULL,
        site_key text NOT NULL,
        site text NOT NULL,
        zone text NOT NULL,
        type text NOT NULL CHECK (type IN ('ot', 'enterprise_iot')),
        management text NOT NULL CHECK (management IN ('cloud', 'local')),
        activation_state text NOT NULL
            CHECK (activation_state IN ('pending_activation', 'active', 'reactivation_required')),
        activated_at timestamptz,
        deleted boolean NOT NULL,
        serial bigint NOT NULL,
        superseded_through bigint NOT NULL,
        revoked_through bigint NOT NULL,
        version integer NOT NULL CHECK (version > 0),
        PRIMARY KEY (subscription_id, name_key)
    );
    COMMENT ON TABLE sensors IS 'A deleted one stays, so that versions and serials of its name go on rising';
    CREATE INDEX sensors_of_subscription ON sensors (tenant_id, subscription_id, name_key) WHERE NOT deleted;
    {by_tenant("sensors", "plans_app", _KEPT)}

    CREATE TABLE console_files (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        serial bigint NOT NULL,
        subscription_ids jsonb NOT NULL,
        devices bigint NOT NULL,
        issued_at timestamptz NOT NULL,
        superseded_at timestamptz,
        file text NOT NULL,
        CONSTRAINT console_files_serial UNIQUE (tenant_id, serial)
    );
    COMMENT ON TABLE console_files IS 'Activation files of a tenant''s management consoles';
    CREATE INDEX console_files_current ON console_files (tenant_id) WHERE superseded_at IS NULL;
    {by_tenant("console_files", "plans_app", _KEPT)}
"""

_DEVICES = f"""
    CREATE TABLE device_counts (
        inventory_id uuid PRIMARY KEY,
        site_id uuid,
        subscription_id uuid NOT NULL REFERENCES subscriptions,
        tenant_id uuid NOT NULL,
        counted integer NOT NULL CHECK (counted >= 0),
        due_at timestamptz,
        sweep_at timestamptz,
        CONSTRAINT device_counts_site UNIQUE (site_id)
    );
    COMMENT ON TABLE device_counts IS 'How many rows of devices are counted, kept with every change of one';
    CREATE INDEX device_counts_of_subscription ON device_counts (tenant_id, subscription_id);
    CREATE INDEX device_counts_due ON device_counts (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX device_counts_sweep ON device_counts (sweep_at) WHERE sweep_at IS NOT NULL;
    {by_tenant("device_counts", "plans_app", _ALL)}

    CREATE TABLE devices (
        inventory_id uuid NOT NULL,
        zone text NOT NULL,
        identity text NOT NULL,
        tenant_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('ot', 'enterprise_iot', 'it', 'network')),
        last_seen timestamptz NOT NULL,
        counted_until timestamptz NOT NULL,
        counted boolean NOT NULL,
        PRIMARY KEY (inventory_id, zone, identity)
    );
    COMMENT ON TABLE devices IS 'What sensors have seen of a site, one row a device or an address of one';
    CREATE INDEX devices_idle ON devices (inventory_id, counted_until) WHERE counted;
    {by_tenant("devices", "plans_app", _ALL)}

    CREATE TABLE device_addresses (
        inventory_id uuid NOT NULL,
        zone text NOT NULL,
        address text NOT NULL,
        identity text NOT NULL,
        tenant_id uuid NOT NULL,
        PRIMARY KEY (inventory_id, zone, address, identity)
    );
    COMMENT ON TABLE device_addresses IS 'Which devices with a key of their own an IP and MAC belong to';
    {by_tenant("device_addresses", "plans_app", _ALL)}
"""

_ENTERPRISE_IOT = f"""
    CREATE TABLE enterprise_iot (
        subscription_id uuid PRIMARY KEY REFERENCES subscriptions,
        tenant_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('on', 'off')),
        legacy boolean NOT NULL,
        effective_at timestamptz,
        due_at timestamptz,
        operation_id uuid,
        version integer NOT NULL CHECK (version > 0)
    );
    COMMENT ON TABLE enterprise_iot IS 'The Enterprise IoT plans of subscriptions';
    CREATE INDEX enterprise_iot_tenant ON enterprise_iot (tenant_id, subscription_id);
    CREATE INDEX enterprise_iot_due ON enterprise_iot (due_at) WHERE due_at IS NOT NULL;
    {by_tenant("enterprise_iot", "plans_app", _KEPT)}
"""

_NOTICES = f"""
    CREATE TABLE notices (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        subscription_id uuid,
        code text NOT NULL,
        resource text NOT NULL,
        text text NOT NULL,
        link text,
        since timestamptz NOT NULL,
        cleared_at timestamptz,
        version integer NOT NULL CHECK (version > 0)
    );
    COMMENT ON TABLE notices IS 'What needs a person''s eye; a cleared one stays';
    CREATE UNIQUE INDEX notices_open ON notices (tenant_id, resource, code) WHERE cleared_at IS NULL;
    CREATE INDEX notices_tenant ON notices (tenant_id, id) WHERE cleared_at IS NULL;
    {by_tenant("notices", "plans_app", _KEPT)}
"""

_STATEMENTS = f"""
    CREATE TABLE statements (
        subscription_id uuid NOT NULL REFERENCES subscriptions,
        month text NOT NULL,
        tenant_id uuid NOT NULL,
        body jsonb NOT NULL,
        closed_at timestamptz NOT NULL,
        PRIMARY KEY (subscription_id, month)
    );
    COMMENT ON TABLE statements IS 'Closed months, as they were closed';
    CREATE INDEX statements_of_subscription ON statements (tenant_id, subscription_id, month);
    {by_tenant("statements", "plans_app", "SELECT, INSERT")}
    CREATE FUNCTION refuse_change_of_statement() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a closed statement never changes' USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER statement_stays BEFORE UPDATE OR DELETE ON statements
        FOR EACH ROW EXECUTE FUNCTION refuse_change_of_statement();
"""

_SCHEDULE = """
    GRANT SELECT (tenant_id, clock, advancing_to) ON tenants TO plans_scheduler;
    GRANT SELECT (tenant_id, due_at, statement_month) ON plans TO plans_scheduler;
    GRANT SELECT (tenant_id, due_at) ON holdings TO plans_scheduler;
    GRANT SELECT (tenant_id, due_at) ON enterprise_iot TO plans_scheduler;
    GRANT SELECT (tenant_id, due_at, sweep_at) ON device_counts TO plans_scheduler;
    CREATE POLICY plans_for_scheduler ON plans FOR SELECT TO plans_scheduler USING (true);
    CREATE POLICY holdings_for_scheduler ON holdings FOR SELECT TO plans_scheduler USING (true);
    CREATE POLICY enterprise_iot_for_scheduler ON enterprise_iot FOR SELECT TO plans_scheduler USING (true);
    CREATE POLICY device_counts_for_scheduler ON device_counts FOR SELECT TO plans_scheduler USING (true);
"""
