"""Stores that can't be opened, and stores that many open at once."""

from __future__ import annotations

import os
import pwd
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.records.database import close_databases, open_database
from krate_gitops.records.location import has_records
from krate_gitops.records.schema import HEAD
from krate_gitops.settings import Settings
from tests.integration.records.processes import in_children
from tests.records import SERVER_USER

PASSWORD = "hunter2-and-more"


def failure(settings: Settings) -> KrateError:
    with pytest.raises(KrateError) as caught:
        open_database(settings)
    error = caught.value
    assert PASSWORD not in f"{error} {error.hint} {error.location}"
    return error


def test_many_processes_open_a_new_store_at_once(database_settings: Settings) -> None:
    def version() -> str | None:
        with open_database(database_settings).reading() as connection:
            return connection.scalar(text("SELECT version_num FROM alembic_version"))

    assert in_children(5, version) == [HEAD] * 5


def test_a_new_store_that_somebody_writes_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite"
    writer = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    writer.execute("CREATE TABLE other (x)")
    writer.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.3, writer.close)
    end.start()
    database = open_database(Settings(home=tmp_path, records=f"sqlite:///{file}"))
    with database.reading() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
    end.join()


def test_a_store_is_opened_once_in_a_process_and_again_in_a_forked_one(database_settings: Settings) -> None:
    database = open_database(database_settings)
    assert open_database(database_settings) is database
    assert in_children(1, lambda: open_database(database_settings) is database) == [False]
    with database.reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_reader_sees_one_state(database_settings: Settings) -> None:
    database = open_database(database_settings)
    count = text("SELECT count(*) FROM audit_heads")
    with database.reading() as reader:
        assert reader.scalar(count) == 0
        with database.writing() as writer:
            writer.execute(text("INSERT INTO audit_heads VALUES ('acme', 1, '', '')"))
        assert reader.scalar(count) == 0
    with database.reading() as reader:
        assert reader.scalar(count) == 1


def test_a_server_that_does_not_answer_is_unavailable(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"postgresql://krate:{PASSWORD}@127.0.0.1:{port}/krate"
    error = failure(Settings(home=home, records=address))
    assert (error.code, error.exit_code) == ("SERVICE_UNAVAILABLE", 3)
    assert error.location == f"postgresql+psycopg://krate:***@127.0.0.1:{port}/krate"


def test_a_database_that_is_not_there_is_unavailable(home: Path, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres_server")
    error = failure(Settings(home=home, records=f"postgresql:///nowhere?{server.options}&password={PASSWORD}"))
    assert (error.code, "nowhere" in error.message) == ("SERVICE_UNAVAILABLE", True)


@pytest.mark.parametrize(
    "address",
    [
        f"mysql://krate:{PASSWORD}@db/krate",
        f"krate:{PASSWORD}@db",
        f"postgresql://krate:{PASSWORD}@db:port/krate",
        "sqlite://",
        "nonsense",
    ],
)
def test_an_address_that_is_none_is_a_mistake_of_the_user(address: str, home: Path) -> None:
    error = failure(Settings(home=home, records=address))
    assert (type(error), error.code) == (UsageError, "CONFIG_INVALID")


def test_a_password_is_in_no_output_of_a_command(home: Path) -> None:
    address = f"postgresql://krate:{PASSWORD}@127.0.0.1:1/krate"
    done = subprocess.run(
        [sys.executable, "-m", "krate_gitops", "audit", "verify", "-vv", "--log-format", "json", "-o", "json"],
        env={**os.environ, "KRATE_RECORDS": address, "KRATE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert all("SERVICE_UNAVAILABLE" in stream and PASSWORD not in stream for stream in (done.stdout, done.stderr))
    assert "Traceback" in done.stderr


def test_a_file_that_is_no_database_is_unavailable(home: Path) -> None:
    (home / "records.sqlite").write_bytes(b"not a database, but long enough to look like one" * 50)
    error = failure(Settings(home=home))
    assert (error.code, "not a database" in error.message) == ("SERVICE_UNAVAILABLE", True)
    assert str(home) in error.location


def test_a_damaged_file_is_unavailable(home: Path) -> None:
    settings = Settings(home=home)
    with open_database(settings).writing() as connection:
        connection.execute(text("INSERT INTO audit_heads VALUES ('acme', 1, '', '')"))
    close_databases()
    file = home / "records.sqlite"
    with sqlite3.connect(file) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    plain.close()
    content = bytearray(file.read_bytes())
    content[200:] = b"\xa5" * (len(content) - 200)
    file.write_bytes(content)
    assert failure(settings).code == "SERVICE_UNAVAILABLE"


def test_a_folder_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    error = failure(Settings(home=tmp_path / "home"))
    assert isinstance(error, UnavailableError)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_folder_that_may_only_be_read_is_unavailable(is_new: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(home=Path(name))
        if not is_new:
            open_database(settings)
            close_databases()
        os.chmod(name, 0o555)

        def work() -> str:
            if os.geteuid() == 0:
                os.setuid(pwd.getpwnam(SERVER_USER).pw_uid)
            return failure(settings).code

        assert in_children(1, work) == ["SERVICE_UNAVAILABLE"]
        os.chmod(name, 0o700)


def test_looking_for_a_store_makes_none(home: Path) -> None:
    settings = Settings(home=home)
    assert not has_records(settings)
    assert list(home.iterdir()) == []
    open_database(settings)
    assert has_records(settings)
    close_databases()


def test_postgresql_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = failure(Settings(home=tmp_path, records=f"postgresql://user:{PASSWORD}@localhost/krate"))
    assert (error.code, "psycopg" in error.message) == ("CONFIG_INVALID", True)
    assert "pip install 'krate-gitops[postgres]'" in error.hint
