/** MLflow's own REST API, asked with the user's own session: permissions are MLflow's. */

const API = "../ajax-api/2.0/mlflow/";
const PAGE_SIZE = 1000;
const DIAGNOSED = "tags.`bvtrack.gaps` IS NOT NULL";

/** All experiments that the user may see, the latest first. */
export async function experiments() {
  const found = [];
  let token;
  do {
    const answer = await post("experiments/search", { max_results: PAGE_SIZE, order_by: ["last_update_time DESC"], page_token: token });
    found.push(...(answer.experiments || []));
    token = answer.next_page_token;
  } while (token);
  return found.map(({ experiment_id, name }) => ({ id: experiment_id, name }));
}

/** The experiment of the newest run that has a place on the map. */
export async function newestExperiment(ids) {
  const query = { experiment_ids: ids, filter: DIAGNOSED, max_results: 1, order_by: ["attributes.start_time DESC"] };
  return (await post("runs/search", query)).runs?.[0]?.info.experiment_id;
}

/** The runs that meet all conditions, a thousand at a time, in MLflow's REST shape. */
export async function* pagesOfRuns(ids, conditions, signal) {
  const filter = [DIAGNOSED, ...conditions.filter(Boolean)].join(" AND ");
  let token;
  do {
    const answer = await post("runs/search", { experiment_ids: ids, filter, max_results: PAGE_SIZE, page_token: token }, signal);
    yield answer.runs || [];
    token = answer.next_page_token;
  } while (token);
}

async function post(path, query, signal) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(API + path, { method: "POST", headers, body: JSON.stringify(query), signal });
  if (!answer.ok) throw new Error(await problem(answer));
  return answer.json();
}

/** MLflow's message in one line. */
async function problem(answer) {
  const body = await answer.text();
  if (answer.status === 401) return "MLflow asks who you are: log in to it, and load this page again.";
  try {
    return JSON.parse(body).message.replace(/\s+/g, " ").trim();
  } catch {
    return `MLflow answered ${answer.status} ${answer.statusText}.`;
  }
}
