"""What is a process told that was not told enough?"""

import sys

import pytest

from shared.command_line import run_command
from shared.settings import ServiceSettings, Settings, from_environment

DATABASE = "postgresql://siteward:hunter2@127.0.0.1:5432/siteward"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All that a service needs, and nothing else of this machine's."""
    for name in (*ServiceSettings.model_fields, "issuer"):
        monkeypatch.delenv(f"SITEWARD_{name.upper()}", raising=False)
    monkeypatch.setenv("DATABASE_URL", DATABASE)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    return monkeypatch


def complaint(settings: type[Settings] = ServiceSettings) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        from_environment(settings)
    return str(ended.value.code).splitlines()


def test_two_addresses_are_enough() -> None:
    settings = from_environment(ServiceSettings)
    assert str(settings.database_url) == DATABASE
    assert settings.kafka_bootstrap_servers == "127.0.0.1:9092"
    assert (settings.host, settings.port, settings.test_clocks) == ("127.0.0.1", 8080, False)


def test_a_field_is_read_from_the_variable_of_its_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SITEWARD_PORT", "18081")
    environment.setenv("SITEWARD_TEST_CLOCKS", "true")
    settings = from_environment(ServiceSettings)
    assert (settings.port, settings.test_clocks) == (18081, True)


def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DATABASE_URL")
    assert complaint() == ["DATABASE_URL is not set."]


def test_each_variable_that_does_not_fit_is_named_as_it_is_set(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KAFKA_BOOTSTRAP_SERVERS")
    environment.setenv("SITEWARD_PORT", "0")
    environment.setenv("SITEWARD_POOL_SIZE", "many")
    lines = complaint()
    assert [line.split()[0] for line in lines] == [
        "SITEWARD_PORT",
        "KAFKA_BOOTSTRAP_SERVERS",
        "SITEWARD_POOL_SIZE",
    ]


def test_a_password_is_not_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", DATABASE.replace("postgresql:", "mysql:"))
    [line] = complaint()
    assert line.startswith("DATABASE_URL does not fit: ")
    assert "hunter2" not in line


def test_a_command_ends_with_that_message_before_it_begins(environment: pytest.MonkeyPatch) -> None:
    async def command(_: ServiceSettings) -> None:
        raise AssertionError

    environment.delenv("DATABASE_URL")
    environment.setattr(sys, "argv", ["services.licensing", "api"])
    with pytest.raises(SystemExit) as ended:
        run_command("licensing", {"api": command})
    assert ended.value.code == "DATABASE_URL is not set."


def test_a_command_that_is_none_is_told_those_there_are(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setattr(sys, "argv", ["services.licensing", "fly"])
    with pytest.raises(SystemExit):
        run_command("licensing", {})
    assert "usage: python -m services.licensing" in capsys.readouterr().err
