from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser import Browser, Page, expect, settled_box
from logged_runs import LoggedRun, log_runs, many_runs
from mlflow import MlflowClient
from servers import Server, running

MINUS = "\u2212"
HOSTILE = "<img src=x onerror=alert(1)>"
EXPERIMENTS = ("many", "three", "live", "hostile", "pending")
N_MANY = 2500
"""Three of MLflow's pages; `tests/benchmarks/map.py` paints 10,000."""
THREE = (
    LoggedRun(
        "biased",
        {"train_error": 0.15, "dev_error": 0.16, "n_train": 5000, "n_dev": 5000, "human_error": 0.0},
        {"lr": "0.01", "width": "8"},
    ),
    LoggedRun(
        "overfit", {"train_error": 0.01, "dev_error": 0.11, "n_train": 5000, "n_dev": 5000}, {"lr": "0.01", "width": "64"}
    ),
    LoggedRun(
        "good", {"train_error": 0.01, "dev_error": 0.01, "n_train": 50_000, "n_dev": 50_000}, {"lr": "0.1", "width": "64"}
    ),
)

PENDING = dict.fromkeys(("bvtrack.diagnosis", "bvtrack.next_step", "bvtrack.certainty", "bvtrack.split"), "pending")


@dataclass(frozen=True)
class Site:
    """A server with the map, its store, and the ids of its experiments by name."""

    server: Server
    store: str
    ids: dict[str, int]

    def open(self, page: Page, experiment: str, *, n_runs: int) -> None:
        page.goto(f"{self.server.uri}/bvtrack/")
        page.get_by_label("Experiment").select_option(experiment)
        shows(page, n_runs)


def shows(page: Page, n_runs: int) -> None:
    words = f"{n_runs:,} run{'s' if n_runs != 1 else ''}"
    expect(page.locator("#summary")).to_have_text(re.compile(rf"^{words}(,.*)?$"))
    page.wait_for_load_state("networkidle")


@pytest.fixture(scope="module")
def site(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("map")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    store = f"sqlite:///{folder}/mlflow.db"
    ids = {name: int(MlflowClient(store).create_experiment(name)) for name in EXPERIMENTS}
    for run in THREE:
        run.experiment = ids["three"]
    hostile = LoggedRun(HOSTILE, {"train_error": 0.2, "dev_error": 0.3}, {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}, ids["hostile"])
    live = LoggedRun("training", {"train_error": 0.2, "dev_error": 0.2}, experiment=ids["live"], status="RUNNING")
    begun = LoggedRun("begun", {}, tags=PENDING, experiment=ids["pending"], status="RUNNING")
    MlflowClient(store).set_experiment_tag(str(ids["pending"]), "mlflow.sharedViewState.bvtrack", "{}")
    log_runs(store, [*placed(many_runs(N_MANY), ids["many"]), hostile, live, begun, *THREE])
    with running(store, folder, "--app-name", "bvtrack") as server:
        yield Site(server, store, ids)


def placed(runs: Iterator[LoggedRun], experiment: int) -> Iterator[LoggedRun]:
    for run in runs:
        run.experiment = experiment
        yield run


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on which no script may fail."""
    page = browser.new_page(viewport={"width": 1400, "height": 860})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    yield page
    page.context.close()
    assert problems == []


def names_in_table(page: Page) -> list[str]:
    return page.locator("#rows tr[data-id] td:first-child").all_inner_texts()


def colour_at_the_mark(page: Page) -> list[int]:
    """What the canvas shows in the middle of the ringed run, as red, green and blue."""
    colour = page.evaluate(
        """() => {
          const mark = document.querySelector(".marked circle");
          const [x, y] = ["cx", "cy"].map((name) => Number(mark.getAttribute(name)) * devicePixelRatio);
          return [...document.getElementById("points").getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3)];
        }"""
    )
    return list(colour)


def test_the_map_opens_on_the_experiment_with_the_newest_run(site: Site, page: Page) -> None:
    page.goto(f"{site.server.uri}/bvtrack/")

    shows(page, 3)
    expect(page.get_by_label("Experiment")).to_have_value(str(site.ids["three"]))


def test_each_run_is_a_point_coloured_by_its_diagnosis(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    colours = {}
    for name in ("biased", "overfit", "good"):
        page.get_by_role("link", name=name).hover()
        colours[name] = colour_at_the_mark(page)

    assert colours["biased"][2] > 150 > colours["biased"][0]  # blue
    assert colours["overfit"][0] > 150 > colours["overfit"][2]  # orange
    assert colours["good"][1] > 100 > colours["good"][0]  # green


def test_a_click_on_a_point_opens_the_run_in_the_view_for_model_training(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    page.get_by_role("link", name="overfit").hover()
    box = settled_box(page, ".marked circle")
    with page.expect_popup() as popup:
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    (run,) = [run for run in THREE if run.name == "overfit"]
    expect(popup.value).to_have_url(
        re.compile(rf"/#/experiments/{site.ids['three']}/runs/{run.id}\?workflowType=machine_learning$")
    )
    expect(popup.value.get_by_role("heading", name="overfit").first).to_be_visible()


def test_hovering_a_run_shows_its_gaps_with_their_intervals(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    page.locator("#plot").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")

    expect(page.locator("#card")).to_contain_text("+10.0 points (+9.1 to +10.9)")
    expect(page.locator("#said")).to_contain_text("overfit: High variance (certain)")
    assert page.locator("#above .marked path").count() == 2


def test_a_frame_drawn_around_runs_selects_them_and_the_table_follows(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    page.get_by_role("link", name="biased").hover()
    box = settled_box(page, ".marked circle")
    page.mouse.move(box["x"] - 10, box["y"] - 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 30, steps=4)
    expect(page.locator("#above .frame")).to_have_attribute("width", re.compile(r"^(40|39\.9)"))
    page.mouse.up()

    expect(page.locator("#summary")).to_have_text("1 of 3 selected runs")
    assert names_in_table(page) == ["biased"]


def test_the_table_sorts_by_what_its_header_says(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    page.get_by_role("button", name="Variance").click()

    assert names_in_table(page) == ["overfit", "biased", "good"]
    assert page.locator("th[data-name=Variance]").get_attribute("aria-sort") == "descending"


def test_an_mlflow_filter_is_mlflows_to_judge(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    field = page.get_by_label("MLflow filter")
    field.fill("params.width = '64'")
    field.press("Enter")
    shows(page, 2)
    field.fill("params.width = = '64'")
    field.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Invalid clause(s) in filter string")
    shows(page, 2)


def test_runs_are_filtered_by_tag_by_time_and_by_diagnosis(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    page.locator("#tag-name").select_option("bvtrack.diagnosis")
    page.locator("#tag-value").select_option("balanced")
    shows(page, 1)
    page.locator("#tag-name").select_option("")
    page.get_by_label("High bias").uncheck()
    shows(page, 2)
    page.get_by_label("Started").select_option("1")

    shows(page, 0)


def test_arrows_say_what_one_parameter_changed(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    page.get_by_label("Arrows between runs").check()

    assert page.locator(".arrows path").count() == 2
    rows = page.locator("#changes-rows tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["width: 8 → 64", f"{MINUS}14.0", "+9.0"],
        ["lr: 0.01 → 0.1", "0.0", f"{MINUS}10.0"],
    ]


def test_a_hostile_name_is_text_wherever_it_stands(site: Site, page: Page) -> None:
    site.open(page, "hostile", n_runs=1)
    page.locator("#plot").focus()
    page.keyboard.press("ArrowUp")
    page.locator("#tag-name").select_option(HOSTILE)

    expect(page.locator("#card .name")).to_have_text(HOSTILE)
    assert names_in_table(page) == [HOSTILE]
    assert page.locator("img").count() == 0


def test_while_a_training_runs_the_map_follows_it(site: Site, page: Page) -> None:
    site.open(page, "live", n_runs=1)
    (run,) = MlflowClient(site.store).search_runs([str(site.ids["live"])])
    better = LoggedRun("better", {"train_error": 0.0, "dev_error": 0.1, "n_train": 1000, "n_dev": 1000}).all_tags()
    for name in ("bvtrack.diagnosis", "bvtrack.gaps"):
        MlflowClient(site.store).set_tag(run.info.run_id, name, better[name])

    expect(page.locator("#rows")).to_contain_text("High variance")
    log_runs(site.store, [LoggedRun("next", THREE[0].errors, experiment=site.ids["live"])])
    shows(page, 2)


def test_a_run_that_waits_for_its_verdict_is_in_the_table_alone_until_it_has_one(site: Site, page: Page) -> None:
    page.goto(f"{site.server.uri}/bvtrack/")
    page.get_by_label("Experiment").select_option("pending")
    row = page.locator("#rows tr[data-id]")

    expect(page.locator("#summary")).to_have_text("1 run, 1 without a verdict yet")
    expect(row).to_contain_text("Pending · not on the map: no verdict yet")
    expect(page.locator("#empty")).to_have_text("None of these runs can be drawn yet: the table says why.")
    (run,) = MlflowClient(site.store).search_runs([str(site.ids["pending"])])
    for name, value in THREE[0].all_tags().items():
        MlflowClient(site.store).set_tag(run.info.run_id, name, value)
    shows(page, 1)
    expect(row).to_contain_text("High bias")


def test_the_link_to_mlflow_leads_to_the_same_runs_as_the_saved_view_shows_them(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    link = page.get_by_role("link", name="These runs in MLflow")
    runs = f"../#/experiments/{site.ids['three']}/runs?workflowType=machine_learning"
    expect(link).to_have_attribute("href", runs)
    page.get_by_label("Experiment").select_option("pending")
    viewed = f"../#/experiments/{site.ids['pending']}/runs?workflowType=machine_learning&viewStateShareKey=bvtrack"
    expect(link).to_have_attribute("href", viewed)
    page.get_by_label("Experiment").select_option("all")

    expect(page.get_by_role("link", name="MLflow", exact=True)).to_have_attribute("href", "../#/experiments")


def test_where_no_training_runs_nothing_is_asked(site: Site, page: Page) -> None:
    site.open(page, "three", n_runs=3)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(9000)  # two rounds

    assert asked == []


def test_all_of_thousands_of_runs_are_on_the_map_and_few_of_them_rows_of_the_page(site: Site, page: Page) -> None:
    site.open(page, "many", n_runs=N_MANY)

    assert 0 < page.locator("#rows tr").count() < 100
