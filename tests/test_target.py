from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bvtrack.store.target import Target, checked_uri, current_uri, find_target, without_credentials

SERVER = "http://localhost:5000"
WORD = st.text("abcXYZ019.-_:%!", min_size=1)


class LoadedMlflow(ModuleType):
    """What a process that has imported MLflow answers, without the seconds of import."""

    def __init__(self, uri: str, *, is_set: bool = True, run_id: str | None = None) -> None:
        super().__init__("mlflow")
        self.uri, self.is_set, self.run_id = uri, is_set, run_id

    def get_tracking_uri(self) -> str:
        return self.uri

    def is_tracking_uri_set(self) -> bool:
        return self.is_set

    def active_run(self) -> SimpleNamespace | None:
        return SimpleNamespace(info=SimpleNamespace(run_id=self.run_id)) if self.run_id else None


@pytest.fixture(autouse=True)
def _nobody_has_said_where_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)


@pytest.mark.parametrize(
    "uri",
    [
        SERVER,
        "https://user:secret@mlflow.example.org/prefix",
        "http://[::1]:5000",
        "http://host:1",
        "http://host:65535",
        "sqlite:////tmp/mlflow.db",
        "sqlite+pysqlite:////tmp/mlflow.db",
        "postgresql://user:secret@host/name",
        "postgresql+psycopg2://host/name",
        "mysql+pymysql://host/name",
        "postgresql:///name?host=/run/postgresql",
        "mssql+pyodbc:///?odbc_connect=DSN",
        "HTTP://localhost:5000",
        "databricks",
        "databricks://profile",
        "databricks-uc",
    ],
)
def test_an_address_that_mlflow_opens_is_kept_as_it_is(uri: str) -> None:
    assert checked_uri(uri) == uri


def test_a_relative_sqlite_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert checked_uri("sqlite:///store/mlflow.db") == f"sqlite:///{tmp_path.as_posix()}/store/mlflow.db"


@pytest.mark.parametrize(
    "uri",
    [
        "http://",
        "http:///path",
        "http:localhost",
        "https://:5000",
        "http://host:port",
        "http://host:0",
        "http://host:65536",
        "http://local host:1",
    ],
)
def test_a_server_address_without_a_host_or_port_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="an MLflow server address looks like http://localhost:5000; got"):
        checked_uri(uri)


@pytest.mark.parametrize(
    "uri", ["sqlite", "sqlite:", "sqlite://", "sqlite:///", "sqlite:mlflow.db", "sqlite://mlflow.db", "sqlite:///:memory:"]
)
def test_an_sqlite_address_without_three_slashes_and_a_file_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"an SQLite store looks like sqlite:///mlflow.db \(three slashes and a file\)"):
        checked_uri(uri)


@pytest.mark.parametrize("uri", ["postgresql", "postgresql://", "postgresql:///", "mysql:host/name"])
def test_a_database_address_that_names_nothing_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=f"a database address looks like {uri.partition(':')[0]}://user@host/name"):
        checked_uri(uri)


@pytest.mark.parametrize("uri", ["mlruns", "./mlruns", "/tmp/mlruns", "file:///tmp/mlruns", "file:mlruns", "C:\\mlruns"])
def test_a_file_store_is_refused_with_the_store_to_use_instead(uri: str) -> None:
    with pytest.raises(ValueError, match=r"given up the \./mlruns file store, use sqlite:///mlflow\.db"):
        checked_uri(uri)


@pytest.mark.parametrize("allowed", ["true", "1", "TRUE"])
@pytest.mark.parametrize(
    ("uri", "opened"),
    [
        ("mlruns", "file://{here}/mlruns"),
        ("./mlruns", "file://{here}/mlruns"),
        ("file:mlruns", "file://{here}/mlruns"),
        ("/tmp/mlruns", "file:///tmp/mlruns"),
        ("file:/tmp/mlruns", "file:/tmp/mlruns"),
        ("file:///tmp/mlruns", "file:///tmp/mlruns"),
    ],
)
def test_a_file_store_is_opened_where_mlflow_allows_it(
    uri: str, opened: str, allowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", allowed)
    monkeypatch.chdir(tmp_path)

    assert checked_uri(uri) == opened.format(here=tmp_path.as_uri().removeprefix("file://"))


@pytest.mark.parametrize("value", ["", "0", "false", "yes"])
def test_a_file_store_is_refused_where_mlflow_would_not_open_it_either(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", value)

    with pytest.raises(ValueError, match=r"\(or set MLFLOW_ALLOW_FILE_STORE=true\)$"):
        checked_uri("mlruns")


@pytest.mark.parametrize("is_allowed", [False, True])
@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("localhost:5000", "http://localhost:5000"),
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("mlflow.example.org:443/prefix", "http://mlflow.example.org:443/prefix"),
        ("http//localhost:5000", "http://localhost:5000"),
        ("https//localhost:5000", "https://localhost:5000"),
    ],
)
def test_a_server_without_its_scheme_is_refused_with_what_was_meant(
    uri: str, meant: str, is_allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", str(is_allowed))

    with pytest.raises(ValueError, match=f"got {re.escape(repr(uri))}; did you mean {re.escape(meant)}\\?$"):
        checked_uri(uri)


@pytest.mark.parametrize(
    "uri",
    ["htp:/x", "ftp://host", "oracle://user@host/name", "s3://bucket/path", "htp://localhost:5000", " http://localhost:5000"],
)
def test_another_scheme_is_refused_without_talk_of_file_stores(uri: str) -> None:
    with pytest.raises(ValueError, match=r"^an MLflow tracking URI looks like \S+ or \S+; got '[^']+'$"):
        checked_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://user:secret@:5000",
        "http://user:secret@host:port",
        "https://user:sec@secret@:1",
        "http://user:secret@host:99999/path",
        "ftp://user:secret@host",
    ],
)
def test_a_refused_address_never_shows_its_password(uri: str) -> None:
    with pytest.raises(ValueError, match="got") as refusal:
        checked_uri(uri)

    assert "secret" not in str(refusal.value)
    assert "user" not in str(refusal.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (SERVER, SERVER),
        ("http://user:secret@host/path", "http://host/path"),
        ("http://token@host", "http://host"),
        ("http://user:p@ss@host", "http://host"),
        ("http://user:se/secret@host", "http://host"),
        ("mlruns", "mlruns"),
    ],
)
def test_credentials_are_taken_out_of_an_address(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown


def test_credentials_are_taken_out_of_a_message_wherever_they_are() -> None:
    message = "no answer from http://user:secret@host/a, retried http://user:secret@host/b"

    assert without_credentials(message, "http://user:secret@host") == "no answer from http://host/a, retried http://host/b"


def test_where_nobody_said_the_store_is_sqlite() -> None:
    assert current_uri() == "sqlite:///mlflow.db"


def test_the_environment_says_where_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SERVER)

    assert current_uri() == SERVER


def test_an_empty_tracking_uri_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "from_environment")

    assert find_target(tracking_uri="") == find_target()


def test_an_empty_environment_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")

    assert current_uri() == "sqlite:///mlflow.db"


def test_a_loaded_mlflow_is_asked_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000")
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow(SERVER))

    assert current_uri() == SERVER


@pytest.mark.parametrize(("is_set", "uri"), [(False, "sqlite:///mlflow.db"), (True, "file:///work/mlruns")])
def test_mlflows_own_default_of_a_file_store_is_replaced(is_set: bool, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow("file:///work/mlruns", is_set=is_set))

    assert current_uri() == uri


def test_mlflows_own_default_of_a_file_store_is_kept_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow("file:///work/mlruns", is_set=False))

    assert current_uri() == "file:///work/mlruns"


def test_without_any_hint_the_run_is_our_own() -> None:
    target = find_target(experiment="digits", run_name="first")

    assert target.is_owned
    assert (target.experiment, target.run_name) == ("digits", "first")


def test_a_named_run_comes_before_the_active_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow(SERVER, run_id="active"))
    monkeypatch.setenv("MLFLOW_RUN_ID", "from_environment")

    assert find_target(run_id="named") == Target(SERVER, "named")


def test_the_active_run_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow(SERVER, run_id="active"))
    monkeypatch.setenv("MLFLOW_RUN_ID", "from_environment")

    assert find_target().run_id == "active"


def test_the_environments_run_comes_before_one_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow(SERVER))
    monkeypatch.setenv("MLFLOW_RUN_ID", "from_environment")

    assert find_target().run_id == "from_environment"


def test_a_run_in_the_environment_needs_no_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "from_environment")

    assert find_target().run_id == "from_environment"


def test_a_named_store_makes_a_run_of_our_own_whatever_is_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow("http://elsewhere:5000", run_id="active"))

    assert find_target(tracking_uri=SERVER) == Target(SERVER)


def test_a_named_experiment_makes_a_run_of_our_own_whatever_is_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", LoadedMlflow(SERVER, run_id="active"))

    assert find_target(experiment="digits").is_owned


def test_a_client_says_where_to_write_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "from_environment")
    client = SimpleNamespace(tracking_uri=SERVER)

    target = find_target(client=client, tracking_uri="http://elsewhere:5000")

    assert target == Target(SERVER)


def test_a_bad_address_from_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:port")

    with pytest.raises(ValueError, match="an MLflow server address looks like"):
        find_target()


@given(user=WORD, password=WORD, scheme=st.sampled_from(["http", "https", "postgresql", "mysql+pymysql", "ftp"]))
def test_no_user_name_or_password_survives_in_an_address(user: str, password: str, scheme: str) -> None:
    shown = without_credentials(f"{scheme}://{user}:{password}@host:5000/name")

    assert shown == f"{scheme}://host:5000/name"


@pytest.mark.parametrize(
    "uri",
    ["http:/user:secret@host", "user:secret@host:5000", "//user:secret@host", "sqlite://user:secret@host/x"],
)
def test_a_malformed_address_is_refused_without_showing_its_password(uri: str) -> None:
    with pytest.raises(ValueError, match="looks like") as refusal:
        checked_uri(uri)

    assert "secret" not in str(refusal.value)
