/** A run as the map needs it, from the shape of MLflow's REST API. Gaps and errors are in points of error (percent). */

const KEPT_BY_MLFLOW = /^mlflow\./;
const OF_THE_MODEL = "bvtrack.model.";

export function toRun({ info, data }) {
  const tags = byKey(data.tags);
  const said = parsed(tags["bvtrack.gaps"]);
  return {
    id: info.run_id,
    experiment: info.experiment_id,
    name: info.run_name || info.run_id,
    isRunning: info.status === "RUNNING",
    started: Number(info.start_time) || 0,
    diagnosis: tags["bvtrack.diagnosis"] || "undetermined",
    certainty: tags["bvtrack.certainty"] || "",
    nextStep: (tags["bvtrack.recipe"] || "").split(" > ")[0],
    bias: toGap(said.gaps?.avoidable_bias),
    variance: toGap(said.gaps?.variance),
    train: toPoints(said.errors?.train),
    dev: toPoints(said.errors?.dev),
    nDev: said.n?.dev ?? null,
    human: toPoints(said.human) ?? 0,
    tags: shownTags(tags),
    settings: settingsOf(byKey(data.params), tags),
  };
}

export function isPlaced(run) {
  return run.bias !== null && run.variance !== null;
}

function byKey(pairs) {
  return Object.fromEntries((pairs || []).map(({ key, value }) => [key, value]));
}

function parsed(text) {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
}

function toPoints(fraction) {
  return Number.isFinite(fraction) ? fraction * 100 : null;
}

function toGap(parts) {
  if (!Array.isArray(parts) || !Number.isFinite(parts[0])) return null;
  const [value, low, high] = parts.map(toPoints);
  return { value, low: low ?? null, high: high ?? null };
}

function shownTags(tags) {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !KEPT_BY_MLFLOW.test(key) && key !== "bvtrack.gaps"));
}

/** What was logged as parameters; where nothing was, what bvtrack has found out about the model. */
function settingsOf(params, tags) {
  if (Object.keys(params).length > 0) return params;
  const found = Object.entries(tags).filter(([key]) => key.startsWith(OF_THE_MODEL));
  return Object.fromEntries(found.map(([key, value]) => [key.slice(OF_THE_MODEL.length), value]));
}
