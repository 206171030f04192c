"""Licenses, the catalog, and the tables that every service has."""

from shared.db.walls import by_tenant, foundation, run_script

revision = "0001"
down_revision = None

CATALOG = """
    INSERT INTO products (sku, effective_from, name, site_size, max_devices, term, prices)
    SELECT sku, '2023-06-01Z', name, site_size, max_devices, 'P1Y', jsonb_build_array(
        jsonb_build_object('billing_frequency', 'annual', 'unit', annual, 'currency', 'USD'),
        jsonb_build_object('billing_frequency', 'monthly', 'unit', monthly, 'currency', 'USD'))
    FROM (VALUES
        ('OT_SITE_XS', 'OT site license, extra small (100 devices)', 'XS', 100, 30000, 2625),
        ('OT_SITE_S', 'OT site license, small (250 devices)', 'S', 250, 75000, 6563),
        ('OT_SITE_M', 'OT site license, medium (500 devices)', 'M', 500, 120000, 10500),
        ('OT_SITE_L', 'OT site license, large (1,000 devices)', 'L', 1000, 175000, 15313),
        ('OT_SITE_XL', 'OT site license, extra large (5,000 devices)', 'XL', 5000, 600000, 52500),
        ('EIOT_DEVICE', 'Enterprise IoT license for one device', NULL, NULL, 1200, 105)
    ) AS sizes (sku, name, site_size, max_devices, annual, monthly);
"""


def upgrade() -> None:
    run_script(
        f"""
        {foundation("licensing")}

        CREATE TABLE products (
            sku text NOT NULL,
            effective_from timestamptz NOT NULL,
            name text NOT NULL,
            site_size text CHECK (site_size IN ('XS', 'S', 'M', 'L', 'XL')),
            max_devices integer CHECK (max_devices > 0),
            term text NOT NULL,
            prices jsonb NOT NULL,
            PRIMARY KEY (sku, effective_from)
        );
        GRANT SELECT ON products TO licensing_app;
        {CATALOG}

        CREATE TABLE licenses (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            sku text NOT NULL,
            site_size text,
            max_devices integer,
            status text NOT NULL CHECK (status IN ('active', 'disabled')),
            auto_renew boolean NOT NULL,
            billing_frequency text NOT NULL CHECK (billing_frequency IN ('annual', 'monthly')),
            purchased_at timestamptz NOT NULL,
            term_start timestamptz NOT NULL,
            term_end timestamptz NOT NULL CHECK (term_end > term_start),
            cancellable_until timestamptz NOT NULL,
            disabled_ends_at timestamptz,
            unit_price bigint NOT NULL CHECK (unit_price >= 0),
            currency text NOT NULL,
            order_number text NOT NULL,
            batches jsonb NOT NULL,
            version integer NOT NULL CHECK (version > 0)
        );
        CREATE INDEX licenses_tenant ON licenses (tenant_id, id);
        {by_tenant("licenses", "licensing_app", "SELECT, INSERT, UPDATE")}
        """
    )
