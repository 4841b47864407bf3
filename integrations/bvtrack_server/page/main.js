/** Starts the page, with the runs embedded in it or with those of its server. */

import { addressOfRuns } from "./links.js";
import { Source } from "./source.js";
import { setOptions } from "./tag_filter.js";
import { readRuns } from "./run.js";
import { View } from "./view.js";

const ALL = "all";
const byId = (id) => document.getElementById(id);
const inPage = byId("data");

if (inPage) startFromPage(JSON.parse(inPage.textContent));
else await startFromServer();

function startFromPage({ runs, title, trackingUri, regions }) {
  document.body.classList.add("alone");
  byId("title").textContent = title;
  const read = readRuns(runs);
  new View(regions, trackingUri).show([...read.runs.values()], read.unread);
}

async function startFromServer() {
  const view = new View(await (await fetch("regions.json")).json(), "..");
  const source = new Source({
    runs: (runs, { isFirst, unread }) => (isFirst ? view.showOthers(runs, unread) : view.show(runs, unread)),
    problem: say,
  });
  try {
    const { all, newest } = await source.experiments();
    setOptions(byId("experiment"), [ALL, ...all.map(({ id }) => id)], namesOf(all));
    byId("experiment").value = newest ?? ALL;
    byId("filters").addEventListener("change", (event) => event.target.closest(".needs-server") && load(source, all));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    await load(source, all);
  } catch (error) {
    say(error.message);
  }
}

function load(source, all) {
  const chosen = byId("experiment").value;
  linkToRuns(all.find(({ id }) => id === chosen));
  const ids = chosen === ALL ? all.map(({ id }) => id) : [chosen];
  return source.load({ ids, hours: Number(byId("time").value), filter: byId("filter").value });
}

/** The link to MLflow leads to the same runs, if they are those of one experiment. */
function linkToRuns(experiment) {
  byId("mlflow").href = experiment ? addressOfRuns(experiment) : "../#/experiments";
  byId("mlflow").textContent = experiment ? "These runs in MLflow" : "MLflow";
}

function namesOf(all) {
  const names = new Map(all.map(({ id, name }) => [id, name]));
  return (id) => (id === ALL ? "all" : names.get(id));
}

function say(message) {
  byId("problem").hidden = message === null;
  byId("problem").textContent = message ?? "";
}
