"""What a process is told from outside, by environment variables."""

from pathlib import Path
from typing import TypeVar

from pydantic import Field, PostgresDsn, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one process; a field is read from `SITEWARD_<FIELD>` unless an alias is given."""

    model_config = SettingsConfigDict(env_prefix="SITEWARD_", env_ignore_empty=True, frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    log_level: str = "INFO"
    test_clocks: bool = False
    """Whether a tenant may be made a sandbox with a clock of its own."""


_Settings = TypeVar("_Settings", bound=Settings)


def from_environment(settings: type[_Settings]) -> _Settings:
    """The settings of this process.

    Raises SystemExit with one line for each variable that is missing or does not fit. What a variable says is
    not repeated, for it may be a password.
    """
    try:
        return settings()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise SystemExit("\n".join(_complaint(settings, one) for one in found)) from None


def _complaint(settings: type[Settings], found: ErrorDetails) -> str:
    if not found["loc"]:
        return found["msg"].removeprefix("Value error, ")
    name = str(found["loc"][0])
    # A field that has an alias is named by it already.
    variable = f"SITEWARD_{name.upper()}" if name in settings.model_fields else name
    if found["type"] == "missing":
        return f"{variable} is not set."
    return f"{variable} does not fit: {found['msg']}."


class ServiceSettings(Settings):
    """Settings of a service's api, worker and migrations."""

    database_url: PostgresDsn = Field(validation_alias="DATABASE_URL")
    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    internal_keys: Path = Path("internal-keys.json")
    """A JWKS file with the gateway's public keys: the only caller whose tokens an api believes."""
    signing_keys: Path = Path("activation-keys.json")
    """A JWKS file with the private keys of activation files; only plans' api reads it, and it alone can."""
    console_files: bool = True
    """Whether plans issues activation files for management consoles, which are retired (B74)."""
    pool_size: int = Field(default=16, ge=2, le=200)
    """Connections one process holds; there is no overflow."""
    instance: str = "1"
    """Names this worker within its consumer group; workers that run side by side need different names."""
    partitions: int = Field(default=6, ge=1, le=200)
    """Partitions of a topic when `migrate` creates it; never changed afterwards, for it would break order."""
    replication: int = Field(default=1, ge=1, le=9)
    """Replicas of a topic when `migrate` creates it; 3 in production."""
