from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, expect
from logged_runs import LoggedRun, log_runs
from servers import Server, running

PASSWORD = "a long password"
AUTH = {"MLFLOW_FLASK_SERVER_SECRET_KEY": "of these tests alone", "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD}
USERS = ("ada", "bob")
ERRORS = {"train_error": 0.1, "dev_error": 0.2}


@pytest.fixture(scope="module")
def prefixed(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("prefixed")
    store = shutil.copy(empty_store, folder)
    log_runs(f"sqlite:///{store}", [LoggedRun("one", ERRORS)])
    with running(f"sqlite:///{store}", folder, "--app-name", "bvtrack", "--static-prefix", "/tracking") as server:
        yield server


@pytest.fixture(scope="module")
def guarded(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with basic auth, two workers and a fresh database of users, in which two of them own an experiment each."""
    folder = tmp_path_factory.mktemp("guarded")
    store = f"sqlite:///{shutil.copy(empty_store, folder)}"
    (folder / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = NO_PERMISSIONS\ndatabase_uri = sqlite:///{folder}/auth.db\nadmin_username = admin\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = {**AUTH, "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini")}
    options = ("--app-name", "bvtrack-basic-auth", "--workers", "2")
    with running(store, folder, *options, environment=environment) as server:
        for user in USERS:
            ask(server, "users/create", by="admin", username=user, password=PASSWORD)
            experiment = int(ask(server, "experiments/create", by=user, name=f"of {user}")["experiment_id"])
            log_runs(store, [LoggedRun(f"run of {user}", ERRORS, experiment=experiment)])
        yield server


def ask(server: Server, path: str, *, by: str, **content: str) -> dict[str, str]:
    request = urllib.request.Request(f"{server.uri}/api/2.0/mlflow/{path}", json.dumps(content).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", f"Basic {base64.b64encode(f'{by}:{PASSWORD}'.encode()).decode()}")
    with urllib.request.urlopen(request) as answer:
        return dict(json.load(answer))


def test_each_user_sees_the_experiments_that_mlflow_lets_them_see(guarded: Server, browser: Browser) -> None:
    for user in USERS:
        context = browser.new_context(http_credentials={"username": user, "password": PASSWORD})
        page = context.new_page()
        page.goto(f"{guarded.uri}/bvtrack/")

        expect(page.locator("#rows tr[data-id] td:first-child")).to_have_text([f"run of {user}"])
        assert page.locator("#experiment option").all_inner_texts() == ["all", f"of {user}"]
        context.close()


def test_who_is_not_logged_in_is_told_so_and_sees_no_data(guarded: Server, browser: Browser) -> None:
    context = browser.new_context(http_credentials={"username": "eve", "password": "wrong"})
    page = context.new_page()
    page.goto(f"{guarded.uri}/bvtrack/")

    expect(page.get_by_role("alert")).to_have_text("MLflow asks who you are: log in to it, and load this page again.")
    assert page.locator("#rows tr[data-id]").count() == 0
    context.close()


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("MLFLOW_FLASK_SERVER_SECRET_KEY", "expects a secret key that all its workers share, and none is set"),
        ("MLFLOW_AUTH_ADMIN_PASSWORD", "needs a password to create the admin user 'admin'"),
    ],
)
def test_basic_auth_without_a_setting_ends_with_one_sentence(missing: str, message: str, store: str) -> None:
    environment = {**os.environ, **AUTH}
    del environment[missing]
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "bvtrack-basic-auth", "--backend-store-uri", store]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1200)

    assert ended.returncode == 1
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_under_another_server_than_uvicorn_the_map_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from bvtrack_server.server import create_app

    monkeypatch.setenv("_MLFLOW_SGI_NAME", "gunicorn")

    with pytest.raises(
        RuntimeError, match="expects uvicorn, MLflow's default server, and got gunicorn; leave out --gunicorn-opts"
    ):
        create_app()


def test_a_static_prefix_moves_the_map_and_all_its_requests(prefixed: Server, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{prefixed.uri}/tracking/bvtrack")

    expect(page.get_by_role("link", name="one")).to_have_attribute("href", re.compile(r"^\.\./#/experiments/0/runs/"))
    assert page.url == f"{prefixed.uri}/tracking/bvtrack/"
    page.context.close()


def test_the_page_is_static_under_a_strict_policy_and_nothing_else_is_added(prefixed: Server) -> None:
    with urllib.request.urlopen(f"{prefixed.uri}/tracking/bvtrack/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{prefixed.uri}/tracking/bvtrack/../server.py")
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(f"{prefixed.uri}/tracking/bvtrack/", data=b"{}")

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
