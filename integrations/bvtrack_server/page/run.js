/** A run for the map, from the shape of MLflow's REST API. Gaps and errors are in points of error (percent). */

import { baselineOf } from "./baseline.js";
import { asLine, asList, asText, byKey, each, inRange, parsed } from "./foreign.js";

const KEPT_BY_MLFLOW = /^mlflow\./;
const OF_THE_MODEL = "bvtrack.model.";
const LAST_MOMENT = 8.64e15;

/** The runs by id, and the number that cannot be read. */
export function readRuns(answers) {
  let unread = 0;
  const read = each(asList(answers), toRun, () => (unread += 1));
  return { runs: new Map(read.map((run) => [run.id, run])), unread };
}

/** Each field is of its type and range, or `null` or empty, so that later code cannot fail on it. */
function toRun({ info, data }) {
  const id = asText(info.run_id);
  if (!id) throw new TypeError("expected a run with an id");
  const tags = byKey(data?.tags);
  const said = parsed(tags.get("bvtrack.gaps"));
  return {
    id,
    experiment: asText(info.experiment_id),
    name: asLine(info.run_name) || asLine(id),
    isRunning: info.status === "RUNNING",
    started: toMoment(info.start_time),
    diagnosis: asLine(tags.get("bvtrack.diagnosis")) || "undetermined",
    certainty: asLine(tags.get("bvtrack.certainty")),
    nextStep: asLine(tags.get("bvtrack.recipe")?.split(" > ")[0]),
    bias: toGap(said.gaps?.avoidable_bias),
    variance: toGap(said.gaps?.variance),
    train: toPoints(said.errors?.train),
    dev: toPoints(said.errors?.dev),
    nDev: toCount(said.n?.dev),
    baseline: baselineOf({ source: tags.get("bvtrack.baseline"), human: toPoints(said.human ?? 0), isErrorRate: said.unit === undefined }),
    grounds: groundsOf(said, tags),
    tags: shownTags(tags),
    settings: settingsOf(byKey(data?.params), tags),
  };
}

export function isPlaced(run) {
  return run.bias !== null && run.variance !== null;
}

/** True if nothing shown of a run has changed. */
export function isSame(run, other) {
  return asJson(run) === asJson(other);
}

function asJson(run) {
  return JSON.stringify(run, (_, value) => (value instanceof Map ? [...value] : value));
}

/** A time in milliseconds, if a calendar date can hold it: nanoseconds would be out of range. */
function toMoment(milliseconds) {
  return Number.isSafeInteger(milliseconds) ? inRange(milliseconds, 1, LAST_MOMENT) : null;
}

/** What a diagnosis may rest on besides the gaps on the map. */
function groundsOf(said, tags) {
  return {
    hasTrainDev: toPoints(said.errors?.train_dev) !== null,
    mismatch: toGap(said.gaps?.data_mismatch),
    overfit: toGap(said.gaps?.dev_overfit),
    measure: asLine(tags.get("bvtrack.measure")),
    version: asLine(tags.get("bvtrack.version")),
  };
}

function toCount(number) {
  return Number.isSafeInteger(number) && number > 0 ? number : null;
}

function toPoints(fraction, least = 0) {
  const known = inRange(fraction, least, 1);
  return known === null ? null : known * 100;
}

/** A gap between two errors, with its interval's bounds. */
function toGap(parts) {
  const [value, low, high] = asList(parts).slice(0, 3).map((part) => toPoints(part, -1));
  return value === null || value === undefined ? null : { value, low: low ?? null, high: high ?? null };
}

function shownTags(tags) {
  return new Map([...tags].filter(([key]) => key && !KEPT_BY_MLFLOW.test(key) && key !== "bvtrack.gaps"));
}

/** The logged parameters; if there are none, bvtrack's facts about the model. */
function settingsOf(params, tags) {
  if (params.size > 0) return params;
  const found = [...tags].filter(([key]) => key.startsWith(OF_THE_MODEL));
  return new Map(found.map(([key, value]) => [key.slice(OF_THE_MODEL.length), value]));
}
