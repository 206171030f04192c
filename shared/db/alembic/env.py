"""Alembic's entry: runs the migrations on the connection it is handed (shared/db/migrate.py)."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=context.config.attributes["schema"],
)
with context.begin_transaction():
    context.run_migrations()
