"""`mlflow server --app-name bvtrack`: MLflow's own app with the map in front, under `/bvtrack/`."""

from __future__ import annotations

from fastapi import FastAPI

from bvtrack_server.pages import add_pages, check_that_it_is_uvicorn


def create_app() -> FastAPI:
    """MLflow's UI and REST API, unchanged, and the map.

    Raises `RuntimeError` under gunicorn or waitress, which cannot serve it.
    """
    check_that_it_is_uvicorn()
    import mlflow.server
    from mlflow.server.fastapi_app import create_fastapi_app

    return add_pages(create_fastapi_app(mlflow.server.app))
