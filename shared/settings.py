"""What a process is told from outside, by environment variables."""

from pathlib import Path

from pydantic import Field, PostgresDsn
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one process; a field is read from `SITEWARD_<FIELD>` unless an alias is given."""

    model_config = SettingsConfigDict(env_prefix="SITEWARD_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    log_level: str = "INFO"
    test_clocks: bool = False
    """Whether a tenant may be made a sandbox with a clock of its own."""


class ServiceSettings(Settings):
    """Settings of a service's api, worker and migrations."""

    database_url: PostgresDsn = Field(validation_alias="DATABASE_URL")
    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    internal_keys: Path = Path("internal-keys.json")
    """A JWKS file with the gateway's public keys: the only caller whose tokens an api believes."""
    pool_size: int = Field(default=16, ge=2, le=200)
    """Connections one process holds; there is no overflow."""
    instance: str = "1"
    """Names this worker within its consumer group; workers that run side by side need different names."""
    partitions: int = Field(default=6, ge=1, le=200)
    """Partitions of a topic when `migrate` creates it; never changed afterwards, for it would break order."""
    replication: int = Field(default=1, ge=1, le=9)
    """Replicas of a topic when `migrate` creates it; 3 in production."""
