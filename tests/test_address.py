"""What is shown of an address, what is kept of it, and what is taken out of messages."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

import bvtrack
from bvtrack.cli import main
from bvtrack.shipping.failures import problem_of
from bvtrack.store.mlflow_errors import short_cause
from bvtrack.store.target import checked_uri, without_credentials
from bvtrack.tracking_uri.address import read_address
from bvtrack.tracking_uri.credentials import ORDINARY
from bvtrack.tracking_uri.sqlite_file import absolute_sqlite, sqlite_file

TRICKY = "abXY09.-_~:@/?#%&=+;,! '\"{}é\\"
words = st.text(TRICKY, min_size=1, max_size=12)
passwords = st.text(TRICKY, min_size=1, max_size=16).map(lambda text: f"Zq7{text}Q")
"""Which no other part of an address holds, for there they begin with another letter."""
SECRET_PARAMETERS = ["password", "passwd", "pwd", "token", "access_token", "sslpassword", "secret", "X-Api-Key", "p%61ss"]
names = st.text("abc019.-_", max_size=8).map(lambda text: f"h{text.strip('.-_')}")
paths = st.text("ab01.-_~:@!,;=+ '%é", max_size=12)
ports = st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}"))
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def with_secret(draw: st.DrawFn) -> tuple[str, str]:
    """An address, and the password in it."""
    password, host, port, path = draw(passwords), draw(names), draw(ports), quote(draw(paths), safe="@:~!=+")
    quoted, user = quote(password, safe=""), quote(draw(words), safe="")
    scheme = draw(st.sampled_from(["postgresql", "postgresql+psycopg", "mysql+pymysql", "mssql+pyodbc"]))
    odbc = quote_plus(f"DRIVER={{ODBC 18}};SERVER={host};UID={user};PWD={{{password.replace('}', '}}')}}}")
    parameter = draw(st.sampled_from(SECRET_PARAMETERS))
    raw = f"{password.replace('@', '').replace('%', '')}-"
    address = draw(
        st.sampled_from(
            [
                f"https://{user}:{quoted}@{host}{port}/{path}",
                f"http://{quoted}@{host}{port}/{path}",
                f"http://{host}{port}/{path}?{parameter}={quoted}&x=y",
                f"{scheme}://{user}:{quoted}@{host}{port}/{path}?charset=utf8",
                f"{scheme}://{user}:{raw}@{host}{port}/{path}",
                f"{scheme}://{host}/{path}?user={user}&{parameter}={quoted}",
                f"mssql+pyodbc:///?odbc_connect={odbc}",
                f"ftp://{user}:{quoted}@{host}{port}/{path}",
                f"http://{user}:{quoted}@:99999/{path}",
            ]
        )
    )
    return address, raw if raw in address else password


@given(case=with_secret())
@example(case=("mssql+pyodbc:///?odbc_connect=UID%3D0%3BPWD%3D%7BZq7%2500Q%7D", "Zq7%00Q"))
@MANY
def test_no_secret_is_shown_or_kept_or_said_in_any_form(case: tuple[str, str]) -> None:
    uri, secret = case
    address = read_address(uri)
    text = f"{address!r} {address.shown} {address.kept} {address.place}"
    messages = [f"no answer from {uri}", f"{uri!r}: no", f"refused {secret!r}", f"refused {quote(secret)} and {secret}"]
    said = [problem_of(MlflowException(message), uri) for message in messages]
    said += [short_cause(OSError(2, "No such file", uri), uri)]

    for form in {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}:
        assert form not in text
        assert [form in one for one in said] == [False] * len(said)


@given(
    uri=st.one_of(
        st.builds("http://{}{}/{}?{}".format, names, ports, paths, st.sampled_from(["", "password", "x=a@b:c", "user=a"])),
        st.builds("https://{}{}".format, names, ports),
        st.builds("sqlite:////{}/{}?{}".format, paths, names, st.sampled_from(["", "timeout=5", "password", "a=b@c", "pwd=a"])),
        st.builds("sqlite+pysqlite:////{}/{}".format, paths, names),
        st.builds("postgresql://{}/{}?{}".format, names, paths, st.sampled_from(["sslmode=require", "user=a", "sslkey=/a@b"])),
        st.builds("mysql+pymysql://{}/{}".format, names, names),
        st.builds("databricks://{}@{}".format, names, names),
        st.builds("databricks://{}@{}:{}".format, names, names, names),
        st.builds("file:///{}@x/{}".format, paths, paths),
        st.builds("azureml://{}/{}".format, names, paths),
        st.builds("arn:aws:sagemaker:eu:1:{}/{}".format, names, paths),
    )
)
@example(uri="sqlite:///C:/Users/jo@x/mlflow.db")
@example(uri="sqlite:////home/jo:x@corp.example/mlflow.db")
@example(uri="file:///C:/Users/jo:x@y/mlruns")
@example(uri="C:\\Users\\jo:x@y\\mlruns")
@example(uri="/home/jo:x@y/mlruns")
@example(uri="postgresql:///name?host=/run/postgresql")
@example(uri="uc:https://host")
@MANY
def test_an_address_without_credentials_is_shown_and_kept_as_it_is(uri: str) -> None:
    address = read_address(uri)

    assert (address.shown, address.kept, address.place, address.used) == (uri, uri, uri, uri)
    assert not address.has_credentials
    assert without_credentials(f"no answer from {uri}", uri) == f"no answer from {uri}"


@given(
    uri=st.builds(
        "{}://{}{}{}{}?{}".format,
        st.sampled_from(["postgresql", "mysql+pymysql", "mssql+pyodbc"]),
        st.one_of(st.just(""), st.text("ab:@/?%1 é", max_size=8).map(lambda text: f"{text}@")),
        names,
        ports,
        st.one_of(st.just(""), paths.map(lambda path: f"/{path}")),
        st.sampled_from(["", "charset=utf8", "a=b:c@d"]),
    )
)
@example(uri="postgresql://h:1/@?a=b:c@d")
@MANY
def test_a_database_is_read_as_sqlalchemy_reads_it(uri: str) -> None:
    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):
        assume(False)
    assume("@" not in (url.host or ""))  # an @ in a password, which SQLAlchemy takes for the host's
    address = read_address(uri)

    if "@" not in address.shown:  # else it is read anew as another address, which nobody does
        shown = make_url(address.shown)
        assert (shown.username, shown.password, shown.host, shown.port) == (None, None, url.host, url.port)
        assert (shown.database or "", shown.query) == (url.database or "", url.query)
    if not url.password:
        assert address.kept == uri
    elif address.kept is not None:
        assert make_url(address.kept) == url._replace(password=None)


@pytest.mark.parametrize(
    ("uri", "shown", "kept"),
    [
        ("http://user:secret@host/path", "http://host/path", "http://host/path"),
        ("http://token@host", "http://host", "http://host"),
        ("http://user:p@ss@host", "http://host", "http://host"),
        ("http://user:se/secret@host", "http://host", None),
        ("http://host/?api_key=secret", "http://host/?api_key=***", None),
        ("postgresql://jo:p/w?x:y@host/db@x", "postgresql://host/db@x", "postgresql://jo@host/db@x"),
        ("postgresql://jo@host/db", "postgresql://host/db", "postgresql://jo@host/db"),
        ("postgresql://jo:p@ss@host/db", "postgresql://host/db", None),
        ("postgresql://jo@host/db?password=a", "postgresql://host/db?password=***", None),
        ("postgresql://host/db?passfile=/a&user=jo", "postgresql://host/db?passfile=/a&user=jo", "the same"),
        ("mysql+pymysql://jo:secret@host/db", "mysql+pymysql://host/db", None),
        ("mysql://host/db?ssl_key=/a.pem&charset=utf8", "mysql://host/db?ssl_key=/a.pem&charset=utf8", "the same"),
        ("mssql+pyodbc:///?odbc_connect=DSN%3Dx", "mssql+pyodbc:///?odbc_connect=***", None),
        ("mssql+pyodbc://h/d?driver=X;PWD=secret", "mssql+pyodbc://h/d?driver=***", None),
        ("plugin://user:secret@host/a@b", "plugin://host/a@b", None),
        ("databricks://token:secret@host", "databricks://host", None),
        ("databricks://scope:prefix", "databricks://scope:prefix", "the same"),
    ],
)
def test_what_is_shown_and_kept(uri: str, shown: str, kept: str | None) -> None:
    address = read_address(uri)

    assert (address.shown, address.kept) == (shown, uri if kept == "the same" else kept)


def test_two_databases_that_are_shown_alike_are_two_places_whatever_the_password() -> None:
    def place(server: str, password: str) -> str:
        settings = quote_plus(f"SERVER={server};UID=jo;PWD={password}")
        return read_address(f"mssql+pyodbc:///?odbc_connect={settings}").place

    assert place("one", "a") == place("one", "b") != place("two", "a")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("postgresql://h/x?password=a", "a database at last"),
        ("http://:@host", "jo@host: no"),
        ("postgresql://mlflow:mlflow@host/mlflow", "mlflow.exceptions.MlflowException: database mlflow is gone"),
        ("postgresql://jo:mlflow@host/x", "mlflow.exceptions.MlflowException: gone"),
        ("postgresql://jo:data@host/x", "the database is gone"),
        ("postgresql://jo:5432@host:5432/x", 'connection to server at "host", port 5432 failed'),
        ("http://jo:secret@host", "nothing of it here"),
    ],
)
def test_a_short_or_ordinary_password_garbles_no_message(uri: str, message: str) -> None:
    assert without_credentials(message, uri) == message


def test_credentials_are_taken_out_of_a_message_wherever_they_are() -> None:
    message = "no answer from http://user:secret@host/a, retried http://user:secret@host/b as 'secret'"

    shown = without_credentials(message, "http://user:secret@host")

    assert shown == "no answer from http://host/a, retried http://host/b as '***'"


def test_a_message_is_cut_behind_its_password_and_not_amid_it() -> None:
    uri = "postgresql://jo:one. two\nthree@host/db"

    assert "one" not in short_cause(MlflowException(f"no {uri}. Help"), uri)


@given(case=with_secret())
@settings(MANY, max_examples=100)
def test_no_secret_is_in_a_journal_or_said_of_it(case: tuple[str, str], journals: Path, said: list[str]) -> None:
    uri, secret = case
    try:
        checked_uri(uri)
    except ValueError:
        assume(False)
    with tempfile.TemporaryDirectory() as folder:
        with bvtrack.Tracker(tracking_uri=uri, journal_dir=folder) as tracker:
            tracker.log_epoch(0, train_error=0.01, dev_error=0.11)
        left = b"".join(file.read_bytes() for file in Path(folder).rglob("*") if file.is_file())
        answer = CliRunner().invoke(main, ["sync", folder, "--dry-run"])
        given = CliRunner().invoke(main, ["sync", folder, "--dry-run", "--tracking-uri", uri])

    for form in {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1], json.dumps(secret)[1:-1]}:
        assert form not in left.decode() + repr((tracker, tracker.state(), said))
        assert form not in answer.output + given.output
    assert (answer.exit_code, given.exit_code) == (0, 0)


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:////a/b.db", "/a/b.db"),
        ("sqlite:////a/b.db?timeout=5", "/a/b.db"),
        ("sqlite+pysqlite:////a b/c:x@d.db", "/a b/c:x@d.db"),
        ("sqlite:////a%20b.db", make_url("sqlite:////a%20b.db").database),  # decoded since SQLAlchemy 2.1
        ("sqlite:///file:/a@b/c.db?mode=rwc&uri=true", "/a@b/c.db"),
        ("sqlite:////a/file:b.db", "/a/file:b.db"),
        ("postgresql://host/b.db", None),
        ("http://host/sqlite:///b.db", None),
    ],
)
def test_the_file_of_an_sqlite_store(uri: str, file: str | None) -> None:
    assert sqlite_file(uri) == (Path(file) if file else None)


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="?\0"), min_size=1))
def test_the_file_of_an_sqlite_store_is_the_one_that_sqlalchemy_opens(path: str) -> None:
    assume(not path.startswith("file:"))

    assert sqlite_file(f"sqlite:///{path}") == Path(str(make_url(f"sqlite:///{path}").database))


def test_the_file_of_a_plain_address_costs_no_sqlalchemy() -> None:
    code = "import sys; from bvtrack.tracking_uri.sqlite_file import sqlite_file; print(sqlite_file('sqlite:////a/b.db?timeout=5'))"
    done = subprocess.run([sys.executable, "-c", f"{code}; print('sqlalchemy' in sys.modules)"], capture_output=True, text=True)

    assert done.stdout.split() == ["/a/b.db", "False"]


@pytest.mark.parametrize(
    ("uri", "absolute"),
    [
        ("sqlite:///a@b.db?x=c//d", "sqlite:///{here}/a@b.db?x=c//d"),
        ("sqlite:///file:a.db?uri=true", "sqlite:///file:{here}/a.db?uri=true"),
        ("sqlite:///file:/a.db?uri=true", "sqlite:///file:/a.db?uri=true"),
        ("sqlite:///file:a.db", "sqlite:///{here}/file:a.db"),
        ("sqlite:///file::memory:?cache=shared&uri=true", None),
        ("sqlite:///file:a?mode=memory&uri=true", None),
        ("sqlite://user:secret@host/x:///y", None),
        ("sqlite:///?x=y", None),
    ],
)
def test_a_relative_path_is_made_absolute_and_its_parameters_stay(
    uri: str, absolute: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert absolute_sqlite(uri) == (absolute and absolute.format(here=tmp_path.as_posix()))


def test_a_per_cent_sign_in_the_working_directory_leads_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a%20b").mkdir()
    monkeypatch.chdir(tmp_path / "a%20b")

    assert make_url(checked_uri("sqlite:///mlflow.db")).database == f"{tmp_path.as_posix()}/a%20b/mlflow.db"
    assert sqlite_file(checked_uri("sqlite:///mlflow.db")) == tmp_path / "a%20b" / "mlflow.db"


def test_an_ordinary_word_is_written_as_it_is_compared() -> None:
    assert {word for word in ORDINARY if not word.islower()} == set()


@pytest.mark.parametrize("uri", ["/home/jo@x/mlruns", "C:\\Users\\jo@x\\mlruns", "file:///home/jo@x/mlruns", "./jo@x"])
def test_a_folder_that_is_refused_is_shown_as_it_was_given(uri: str) -> None:
    with pytest.raises(ValueError, match="given up") as refusal:
        checked_uri(uri)

    assert f"got {uri!r};" in str(refusal.value)


@pytest.mark.parametrize("uri", ["secret:12345/secret@host", "host:5000/?token=secret"])
def test_what_was_meant_is_not_guessed_where_that_would_show_a_secret(uri: str) -> None:
    with pytest.raises(ValueError, match="looks like") as refusal:
        checked_uri(uri)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("uri", ["http://user:secret@host", "sqlite:////a.db", "postgresql://jo:secret@host/db"])
def test_no_address_takes_the_import_of_sqlalchemy(uri: str) -> None:
    code = f"import sys; from bvtrack.tracking_uri.address import read_address; read_address({uri!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"sqlalchemy", "mlflow", "requests"} & set(loaded)


def test_a_thing_with_the_address_shows_no_secret() -> None:
    holder = SimpleNamespace(address=read_address("http://user:secret@host"))

    assert "secret" not in repr(holder)
