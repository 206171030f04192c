"""The SQL by which a service's schema is walled: roles that own nothing, and row-level security by tenant.

Used by migrations alone. `app` is the role of a service's api and worker, `relay` the role that carries the
outbox to Kafka for all tenants and can touch nothing else, `scheduler` the role that sees for all tenants what
is to be done, and nothing of what it is about.
"""

from typing import Any, Final

from alembic import op

_TENANTS: Final = "nullif(current_setting('app.tenants', true), '')::uuid[]"
"""The tenants of the running session; none where nobody has said."""
_TENANTS_READ_ONCE: Final = f"((SELECT {_TENANTS})::uuid[])"
"""The same as a subquery, which PostgreSQL asks once a statement. Who writes for many would ask once a row."""


def run_script(sql: str) -> None:
    """Run several statements within the migration's transaction."""
    adapted: Any = op.get_bind().connection
    adapted.run_async(lambda connection: connection.execute(sql))


def role(name: str) -> str:
    """Make the role unless it is there; it cannot log in, a login is made a member of it."""
    return f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
                CREATE ROLE {name} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
            IF NOT pg_has_role(current_user, '{name}', 'SET') THEN
                GRANT {name} TO CURRENT_USER;
            END IF;
        END $$;
    """


def by_tenant(table: str, app: str, privileges: str) -> str:
    """Let `app` see and write the rows of its session's tenants only; the owner is held to it too."""
    return f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY {table}_by_tenant ON {table} TO {app}
            USING (tenant_id = ANY ({_TENANTS})) WITH CHECK (tenant_id = ANY ({_TENANTS_READ_ONCE}));
        GRANT {privileges} ON {table} TO {app};
    """


def check_tenants_once() -> str:
    """Have the walls that stand in the schema check what is written as those of `by_tenant` do now."""
    return f"""
        DO $$ DECLARE wall record; BEGIN
            FOR wall IN SELECT * FROM pg_policies
                WHERE schemaname = current_schema() AND policyname = tablename || '_by_tenant'
            LOOP
                EXECUTE format(
                    'ALTER POLICY %I ON %I WITH CHECK (tenant_id = ANY (%s))',
                    wall.policyname, wall.tablename, $tenants${_TENANTS_READ_ONCE}$tenants$
                );
            END LOOP;
        END $$;
    """  # noqa: S608 -- a policy of our own


def foundation(service: str) -> str:
    """The tables that every service has (shared/db/tables.py), with their walls."""
    app, relay = f"{service}_app", f"{service}_relay"
    return f"""
        {role(app)}
        {role(relay)}
        GRANT USAGE ON SCHEMA {service} TO {app}, {relay};

        CREATE TABLE tenants (
            tenant_id uuid PRIMARY KEY,
            clock timestamptz,
            advancing_to timestamptz,
            heard_until timestamptz
        );
        COMMENT ON TABLE tenants IS
            'A row from a tenant''s first write on; locking it puts a tenant''s changes in a row';
        {by_tenant("tenants", app, "SELECT, INSERT, UPDATE")}

        CREATE TABLE idempotency (
            tenant_id uuid NOT NULL,
            key text NOT NULL,
            fingerprint bytea NOT NULL,
            status smallint NOT NULL,
            headers jsonb NOT NULL,
            body bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant_id, key)
        );
        CREATE INDEX idempotency_created_at ON idempotency (created_at);
        {by_tenant("idempotency", app, "SELECT, INSERT")}
        GRANT SELECT, DELETE ON idempotency TO {relay};
        CREATE POLICY idempotency_expires ON idempotency TO {relay} USING (true);

        CREATE TABLE audit_events (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            chain uuid NOT NULL,
            at timestamptz NOT NULL,
            actor text NOT NULL,
            action text NOT NULL,
            resource text NOT NULL,
            before jsonb,
            after jsonb,
            reason text,
            request_id text
        );
        CREATE INDEX audit_events_chain ON audit_events (tenant_id, chain, id);
        {by_tenant("audit_events", app, "SELECT, INSERT")}

        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            tenant_id uuid NOT NULL,
            topic text NOT NULL,
            key text NOT NULL,
            headers jsonb NOT NULL,
            value bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
        COMMENT ON TABLE outbox IS 'Events committed and not yet acknowledged by Kafka';
        CREATE INDEX outbox_tenant ON outbox (tenant_id);
        {by_tenant("outbox", app, "SELECT, INSERT")}
        GRANT SELECT, DELETE ON outbox TO {relay};
        CREATE POLICY outbox_to_kafka ON outbox TO {relay} USING (true);

        CREATE TABLE inbox (
            event_id uuid NOT NULL,
            source text NOT NULL,
            tenant_id uuid NOT NULL,
            received_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (event_id, source)
        );
        COMMENT ON TABLE inbox IS 'Events whose effect is committed';
        {by_tenant("inbox", app, "SELECT, INSERT")}

        CREATE TABLE parked_events (
            topic text NOT NULL,
            partition integer NOT NULL,
            "position" bigint NOT NULL,
            key text NOT NULL,
            headers jsonb NOT NULL,
            value bytea NOT NULL,
            reason text NOT NULL,
            parked_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (topic, partition, "position")
        );
        COMMENT ON TABLE parked_events IS
            'Events that could not be applied, kept as they came; of no tenant, for that may be what is broken';
        GRANT SELECT, INSERT ON parked_events TO {app};
    """


def sealed_audit(service: str) -> str:
    """The seals of the audit's chains, and what keeps the audit as it was written.

    A role that may do all to its own tables is refused too: what has happened is not changed by anybody.
    """
    app, scheduler = f"{service}_app", f"{service}_scheduler"
    return f"""
        {role(scheduler)}
        GRANT USAGE ON SCHEMA {service} TO {scheduler};

        CREATE TABLE audit_seals (
            chain uuid NOT NULL,
            sequence bigint NOT NULL CHECK (sequence > 0),
            tenant_id uuid NOT NULL,
            event_id uuid NOT NULL,
            at timestamptz NOT NULL,
            previous_hash text NOT NULL,
            hash text NOT NULL,
            PRIMARY KEY (chain, sequence),
            CONSTRAINT audit_seals_event UNIQUE (event_id)
        );
        COMMENT ON TABLE audit_seals IS 'The place of an audit event in its chain; there soon after the event';
        {by_tenant("audit_seals", app, "SELECT, INSERT")}

        -- In the order in which a chain is read and sealed.
        DROP INDEX audit_events_chain;
        CREATE INDEX audit_events_chain ON audit_events (tenant_id, chain, at, id);

        CREATE FUNCTION refuse_to_change_history() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'history is not changed: % of %', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END $$;
        CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();
        CREATE TRIGGER audit_seals_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();

        GRANT SELECT (id, tenant_id, chain, at) ON audit_events TO {scheduler};
        GRANT SELECT (event_id) ON audit_seals TO {scheduler};
        GRANT SELECT (tenant_id, clock) ON tenants TO {scheduler};
        CREATE POLICY audit_events_for_scheduler ON audit_events FOR SELECT TO {scheduler} USING (true);
        CREATE POLICY audit_seals_for_scheduler ON audit_seals FOR SELECT TO {scheduler} USING (true);
    """
