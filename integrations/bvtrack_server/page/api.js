/** Requests to MLflow's own REST API with the user's session: permissions are MLflow's. */

import { asLine, asList, asText, byKey, each } from "./foreign.js";

const API = "../ajax-api/2.0/mlflow/";
const PAGE_SIZE = 1000;
const TEXT_OR_NO_NUMBER = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;
const DAY = 24 * 3600 * 1000;
const DIAGNOSIS = "bvtrack.diagnosis";
const GAPS = "bvtrack.gaps";
const HAS_DIAGNOSIS = `tags.\`${DIAGNOSIS}\` IS NOT NULL`; // or `pending`
const HAS_GAPS = `tags.\`${GAPS}\` IS NOT NULL`;
const LACKS_DIAGNOSIS = `tags.\`${DIAGNOSIS}\` IS NULL`;
const SAVED_VIEW = "mlflow.sharedViewState.bvtrack";

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

function toExperiment({ experiment_id, name, tags }) {
  const id = asText(experiment_id);
  if (!id) throw new TypeError("expected an experiment with an id");
  return { id, name: asLine(name) || id, hasView: byKey(tags).has(SAVED_VIEW) };
}

/** The experiment with the newest run that can be drawn on the map, else that waits for a verdict; start times in the future do not count. */
export async function newestExperiment(ids) {
  for (const kind of [HAS_GAPS, HAS_DIAGNOSIS]) {
    const filter = `${kind} AND attributes.start_time < ${Date.now() + DAY}`;
    const query = { experiment_ids: ids, filter, max_results: 1, order_by: ["attributes.start_time DESC"] };
    const [newest] = asList((await post("runs/search", query)).runs);
    const found = ids.find((id) => id === newest?.info?.experiment_id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The diagnosed runs that meet all conditions, in pages of a thousand, in MLflow's REST shape. */
export function pagesOfDiagnosed(ids, conditions, signal) {
  return pages(ids, [HAS_DIAGNOSIS, ...conditions], signal);
}

/** The same, and then those whose diagnosis somebody has taken away; MLflow's filters have no OR. */
export async function* pagesOfRuns(ids, conditions, signal) {
  const others = whole(pages(ids, [HAS_GAPS, LACKS_DIAGNOSIS, ...conditions], signal));
  others.catch(() => {}); // what is wrong with the first request is said of the second
  yield* pagesOfDiagnosed(ids, conditions, signal);
  yield (await others).filter(hasGapsAlone); // a server that ignores the second condition names no run twice
}

async function whole(some) {
  const all = [];
  for await (const page of some) all.push(...page);
  return all;
}

function hasGapsAlone(run) {
  const tags = byKey(run?.data?.tags);
  return tags.has(GAPS) && !tags.has(DIAGNOSIS);
}

async function* pages(ids, conditions, signal) {
  const filter = conditions.filter(Boolean).join(" AND ");
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
  return parsedLeniently(await answer.text());
}

/** JSON in which numbers may be `NaN` or `Infinity`, as Python writes them: those become `null`. */
function parsedLeniently(text) {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(TEXT_OR_NO_NUMBER, (found) => (found.startsWith('"') ? found : "null")));
  }
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
