/** Requests to MLflow's own REST API with the user's session: permissions are MLflow's. */

import { asLine, asList, asText, each } from "./foreign.js";

const API = "../ajax-api/2.0/mlflow/";
const PAGE_SIZE = 1000;
const DAY = 24 * 3600 * 1000;
const DIAGNOSED = "tags.`bvtrack.gaps` IS NOT NULL";

/** All experiments that the user may see, latest first. */
export async function experiments() {
  const found = [];
  let token;
  do {
    const answer = await post("experiments/search", { max_results: PAGE_SIZE, order_by: ["last_update_time DESC"], page_token: token });
    found.push(...asList(answer.experiments));
    token = answer.next_page_token;
  } while (token);
  return each(found, toExperiment, () => {});
}

function toExperiment({ experiment_id, name }) {
  const id = asText(experiment_id);
  if (!id) throw new TypeError("expected an experiment with an id");
  return { id, name: asLine(name) || id };
}

/** The experiment with the newest run that can be drawn on the map; start times in the future do not count. */
export async function newestExperiment(ids) {
  const filter = `${DIAGNOSED} AND attributes.start_time < ${Date.now() + DAY}`;
  const query = { experiment_ids: ids, filter, max_results: 1, order_by: ["attributes.start_time DESC"] };
  const [newest] = asList((await post("runs/search", query)).runs);
  return ids.find((id) => id === newest?.info?.experiment_id);
}

/** The runs that meet all conditions, in pages of a thousand, in MLflow's REST shape. */
export async function* pagesOfRuns(ids, conditions, signal) {
  const filter = [DIAGNOSED, ...conditions.filter(Boolean)].join(" AND ");
  let token;
  do {
    const answer = await post("runs/search", { experiment_ids: ids, filter, max_results: PAGE_SIZE, page_token: token }, signal);
    yield asList(answer.runs);
    token = answer.next_page_token;
  } while (token);
}

async function post(path, query, signal) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(API + path, { method: "POST", headers, body: JSON.stringify(query), signal });
  if (!answer.ok) throw new Error(await problem(answer));
  return answer.json();
}

/** MLflow's error message on one line. */
async function problem(answer) {
  const body = await answer.text();
  if (answer.status === 401) return "MLflow asks who you are: log in to it, and load this page again.";
  try {
    return JSON.parse(body).message.replace(/\s+/g, " ").trim();
  } catch {
    return `MLflow answered ${answer.status} ${answer.statusText}.`;
  }
}
