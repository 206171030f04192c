"""Trials, what time does to a license, invoices."""

from shared.db.walls import by_tenant, role, run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_script(
        f"""
        ALTER TABLE products ADD COLUMN trial boolean NOT NULL DEFAULT false;
        ALTER TABLE products ALTER COLUMN trial DROP DEFAULT;
        INSERT INTO products (sku, effective_from, name, site_size, max_devices, term, trial, prices)
        VALUES ('OT_SITE_TRIAL_L', '2023-06-01Z', 'OT site license trial, large (1,000 devices)',
                'L', 1000, 'P60D', true, '[]');

        ALTER TABLE licenses
            DROP COLUMN cancellable_until,
            DROP CONSTRAINT licenses_status_check,
            ALTER COLUMN billing_frequency DROP NOT NULL,
            ALTER COLUMN unit_price DROP NOT NULL,
            ALTER COLUMN currency DROP NOT NULL,
            ADD COLUMN is_trial boolean NOT NULL DEFAULT false,
            ADD COLUMN trial_extended boolean NOT NULL DEFAULT false,
            ADD COLUMN expiring_told boolean NOT NULL DEFAULT false,
            ADD COLUMN cancelled boolean NOT NULL DEFAULT false,
            ADD COLUMN grace_ends_at timestamptz,
            ADD COLUMN scheduled jsonb,
            ADD COLUMN next_charge_at timestamptz,
            ADD COLUMN changed_at timestamptz,
            ADD COLUMN due_at timestamptz,
            ADD COLUMN quantity integer CHECK (quantity > 0),
            ADD CONSTRAINT licenses_status_check
                CHECK (status IN ('trial', 'active', 'expired', 'disabled', 'deleted'));
        -- Until now a license could be bought and cancelled, nothing else.
        ALTER TABLE licenses NO FORCE ROW LEVEL SECURITY;
        UPDATE licenses SET
            cancelled = status = 'disabled',
            quantity = (SELECT sum((batch ->> 'quantity')::integer) FROM jsonb_array_elements(batches) AS batch),
            changed_at = coalesce(disabled_ends_at - interval '90 days', purchased_at),
            next_charge_at = CASE WHEN status = 'active' AND billing_frequency = 'monthly'
                THEN date_trunc('day', purchased_at, 'UTC') + interval '1 month' END;
        UPDATE licenses SET due_at = CASE
            WHEN status = 'disabled' THEN disabled_ends_at
            ELSE least(term_end, next_charge_at,
                       CASE WHEN NOT auto_renew THEN term_end - interval '30 days' END) END;
        ALTER TABLE licenses FORCE ROW LEVEL SECURITY;
        ALTER TABLE licenses
            ALTER COLUMN changed_at SET NOT NULL,
            ALTER COLUMN quantity SET NOT NULL,
            ALTER COLUMN is_trial DROP DEFAULT,
            ALTER COLUMN trial_extended DROP DEFAULT,
            ALTER COLUMN expiring_told DROP DEFAULT,
            ALTER COLUMN cancelled DROP DEFAULT;
        CREATE INDEX licenses_due ON licenses (due_at) WHERE due_at IS NOT NULL;
        CREATE INDEX licenses_due_by_tenant ON licenses (tenant_id, due_at) WHERE due_at IS NOT NULL;

        CREATE TABLE trials (
            tenant_id uuid PRIMARY KEY,
            license_id uuid NOT NULL
        );
        COMMENT ON TABLE trials IS 'The one trial that a tenant has for all time';
        {by_tenant("trials", "licensing_app", "SELECT, INSERT")}

        CREATE TABLE invoices (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            period_start timestamptz NOT NULL,
            period_end timestamptz NOT NULL CHECK (period_end > period_start),
            currency text NOT NULL,
            number text,
            closed_at timestamptz,
            CONSTRAINT invoices_month UNIQUE (tenant_id, period_start, currency)
        );
        CREATE INDEX invoices_tenant ON invoices (tenant_id, id);
        CREATE INDEX invoices_open ON invoices (period_end) WHERE closed_at IS NULL;
        {by_tenant("invoices", "licensing_app", "SELECT, INSERT, UPDATE")}

        CREATE TABLE invoice_lines (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            period_start timestamptz NOT NULL,
            currency text NOT NULL,
            kind text NOT NULL CHECK (kind IN ('charge', 'credit', 'tax')),
            text text NOT NULL,
            license_id uuid NOT NULL,
            sku text NOT NULL,
            version integer NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            in_effect integer NOT NULL,
            in_period integer NOT NULL CHECK (in_period > 0),
            rate bigint NOT NULL,
            quantity integer NOT NULL,
            charged bigint,
            amount bigint NOT NULL,
            rule text NOT NULL
        );
        CREATE INDEX invoice_lines_invoice ON invoice_lines (tenant_id, period_start, currency, id);
        {by_tenant("invoice_lines", "licensing_app", "SELECT, INSERT")}

        -- A closed invoice never changes: the database itself refuses a further line.
        CREATE FUNCTION refuse_line_of_closed_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM licensing.invoices i WHERE i.tenant_id = NEW.tenant_id
                       AND i.period_start = NEW.period_start AND i.currency = NEW.currency
                       AND i.closed_at IS NOT NULL) THEN
                RAISE EXCEPTION 'the invoice of % is closed', NEW.period_start USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER line_of_open_invoice BEFORE INSERT ON invoice_lines
            FOR EACH ROW EXECUTE FUNCTION refuse_line_of_closed_invoice();
        CREATE FUNCTION refuse_change_of_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'what is invoiced never changes' USING ERRCODE = 'check_violation';
        END $$;
        CREATE TRIGGER line_stays BEFORE UPDATE OR DELETE ON invoice_lines
            FOR EACH ROW EXECUTE FUNCTION refuse_change_of_invoice();
        CREATE TRIGGER closed_invoice_stays BEFORE UPDATE OR DELETE ON invoices
            FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION refuse_change_of_invoice();

        {role("licensing_scheduler")}
        GRANT USAGE ON SCHEMA licensing TO licensing_scheduler;
        GRANT SELECT (tenant_id, clock, advancing_to) ON tenants TO licensing_scheduler;
        GRANT SELECT (tenant_id, due_at) ON licenses TO licensing_scheduler;
        GRANT SELECT (tenant_id, period_end, closed_at) ON invoices TO licensing_scheduler;
        CREATE POLICY tenants_for_scheduler ON tenants FOR SELECT TO licensing_scheduler USING (true);
        CREATE POLICY licenses_for_scheduler ON licenses FOR SELECT TO licensing_scheduler USING (true);
        CREATE POLICY invoices_for_scheduler ON invoices FOR SELECT TO licensing_scheduler USING (true);
        """
    )
