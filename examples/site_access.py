"""Which sites may be monitored now? Answered from Siteward's events alone, by a service that never calls Siteward.

    python examples/site_access.py FILE [--until-quiet SECONDS]

FILE is an SQLite database. It keeps the answer, and how far the topic has been read: both change in one
transaction, so however often this is killed, no event is lost and none takes effect twice. Started without a
file it begins at the topic's beginning. It needs aiokafka and nothing of Siteward's.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord

TOPIC = "siteward.plans.v1"
ABOUT_SITES = "site/"
TABLES = """
    CREATE TABLE IF NOT EXISTS positions (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS sites (
        tenant TEXT, subscription TEXT, name TEXT, version INTEGER NOT NULL, entitled INTEGER, size TEXT,
        PRIMARY KEY (subscription, name)
    );
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Follow which sites are entitled.")
    parser.add_argument("file", help="SQLite database, made if it is missing")
    parser.add_argument("--until-quiet", type=float, help="end once nothing came for so many seconds")
    asked = parser.parse_args()
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:19092")
    database = sqlite3.connect(asked.file)
    try:
        asyncio.run(follow(database, bootstrap, asked.until_quiet))
    except KeyboardInterrupt:
        pass
    finally:
        database.close()


async def follow(database: sqlite3.Connection, bootstrap: str, until_quiet: float | None) -> None:
    database.executescript(TABLES)
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        _go_on_where_it_was(consumer, database)
        while True:
            found = await consumer.getmany(timeout_ms=int(1000 * (until_quiet or 60)))
            if not found and until_quiet is not None:
                return
            for partition, records in found.items():
                with database:  # the effect and the position, both or neither
                    for record in records:
                        apply(database, record)
                    database.execute(
                        "INSERT OR REPLACE INTO positions VALUES (?, ?)",
                        (partition.partition, records[-1].offset + 1),
                    )
    finally:
        await consumer.stop()


def _go_on_where_it_was(consumer: AIOKafkaConsumer, database: sqlite3.Connection) -> None:
    """Without a consumer group each copy of this service reads everything, and the positions are its own."""
    known = dict(database.execute("SELECT partition, next FROM positions"))
    for partition in consumer.assignment():
        consumer.seek(partition, known.get(partition.partition, 0))


def apply(database: sqlite3.Connection, record: ConsumerRecord) -> None:
    """Take in one event; anything that is not about sites is let pass. Types yet to come tell of a site, too."""
    attributes = {name: value.decode() for name, value in record.headers if name.startswith("ce_")}
    of_v1 = attributes.get("ce_type", "").endswith(".v1")
    if not (of_v1 and attributes["ce_subject"].startswith(ABOUT_SITES)):
        return
    site: dict[str, Any] = json.loads(record.value)["site"]
    subscription, name = attributes["ce_partitionkey"], site["name"].lower()
    row = database.execute(
        "SELECT version FROM sites WHERE subscription = ? AND name = ?", (subscription, name)
    ).fetchone()
    known = 0 if row is None else row[0]
    version = int(attributes["ce_aggregateversion"])
    if version <= known:
        return  # delivered before: at least once is what Kafka promises
    if version > known + 1:
        sys.exit(f"{attributes['ce_subject']}: version {version} came after {known}; an event is missing")
    database.execute(
        "INSERT OR REPLACE INTO sites VALUES (?, ?, ?, ?, ?, ?)",
        (attributes["ce_tenantid"], subscription, name, version, site["entitled"], site["site_size"]),
    )
    answer = {True: "may be monitored", False: "may not be monitored", None: "is gone"}[site["entitled"]]
    sys.stdout.write(f"{attributes['ce_time']}  {subscription}  {site['name']}: {answer}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
