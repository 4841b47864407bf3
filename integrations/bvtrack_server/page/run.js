/** A run for the map, from the shape of MLflow's REST API. Gaps and errors are in points of error (percent). */

import { baselineOf } from "./baseline.js";
import { dataOf, latestOf, lengthOf } from "./datasets.js";
import { asLine, asList, asText, byKey, each, inRange, isObject, parsed } from "./foreign.js";
import { measureInWords, measureOf } from "./measure.js";
import { stepInWords } from "./next_step.js";
import { repeatsOf } from "./repeats.js";
import { splitOf } from "./split.js";

const KEPT_BY_MLFLOW = /^mlflow\./;
const MODEL = "bvtrack.model";
const OF_THE_MODEL = `${MODEL}.`; // tags of version 0.1, one for each fact
const IN_NO_FILTER = new Set(["bvtrack.gaps", "bvtrack.id", "bvtrack.repeats", MODEL]);
const VERDICT = "bvtrack/verdict/";
const A_NUMBER = /^-?\d+(\.\d+)?(e[-+]?\d+)?$/;
const LAST_MOMENT = 8.64e15;
export const PENDING = "pending";

/** The runs by id, and the number that cannot be read. */
export function readRuns(answers) {
  let unread = 0;
  const read = each(asList(answers), toRun, () => (unread += 1));
  return { runs: new Map(read.map((run) => [run.id, run])), unread };
}

/** Each field is of its type and range, or `null` or empty, so that later code cannot fail on it. */
function toRun({ info, data, inputs }) {
  const id = asText(info.run_id);
  if (!id) throw new TypeError("expected a run with an id");
  const tags = byKey(data?.tags);
  const said = parsed(tags.get("bvtrack.gaps"));
  const { steps, values } = latestOf(data?.metrics);
  const diagnosis = asLine(tags.get("bvtrack.diagnosis")) || "undetermined";
  const errors = errorsOf(said, values);
  const isErrorRate = said.unit === undefined;
  return {
    id,
    experiment: asText(info.experiment_id),
    name: asLine(info.run_name) || asLine(id),
    isRunning: info.status === "RUNNING",
    started: toMoment(info.start_time),
    diagnosis,
    certainty: known(tags.get("bvtrack.certainty")),
    ...verdictOf(tags, { diagnosis, isErrorRate, hasDev: errors.dev !== null }),
    parent: asText(tags.get("mlflow.parentRunId")),
    repeats: repeatsOf(said, tags),
    measure: measureOf(tags.get("bvtrack.measure")),
    isErrorRate,
    bias: toGap(said.gaps?.avoidable_bias) ?? ofVerdict(values, "avoidable_bias"),
    variance: toGap(said.gaps?.variance) ?? ofVerdict(values, "variance"),
    ...errors,
    nDev: toCount(said.n?.dev),
    baseline: baselineOf({ source: tags.get("bvtrack.baseline"), human: toPoints(said.human ?? 0), isErrorRate }),
    grounds: groundsOf(said, tags),
    data: dataOf(inputs),
    length: lengthOf({ steps, said, epoch: tags.get("bvtrack.epoch") }),
    tags: shownTags(tags),
    settings: settingsOf(byKey(data?.params), tags),
  };
}

/** True if its gaps are known, by whatever measure, and it has a verdict. */
export function isPlaced(run) {
  return run.bias !== null && run.variance !== null && run.diagnosis !== PENDING;
}

/** Why a run is not on the map of this measure; `null` if it is. */
export function whyNotDrawn(run, measure) {
  if (run.diagnosis === PENDING) return "no verdict yet";
  if (!isPlaced(run)) return "its bias and variance are not known";
  return run.measure === measure ? null : `another measure: ${measureInWords(run.measure)}`;
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

function verdictOf(tags, { diagnosis, isErrorRate, hasDev }) {
  const id = known(tags.get("bvtrack.next_step"));
  const [codes, distribution, recipe] = ["split", "distribution", "recipe"].map((name) => asText(tags.get(`bvtrack.${name}`)).trim());
  return {
    nextStep: stepInWords({ id, recipe, diagnosis, hasDev, isErrorRate, model: modelOf(tags) }),
    split: splitOf({ codes, distribution, nextStep: id }),
  };
}

/** The errors of the tagged epoch, in points. */
function errorsOf(said, values) {
  const read = (name) => toPoints(said.errors?.[name]) ?? toPoints(values.get(`${VERDICT}${name}_error`));
  return { train: read("train"), dev: read("dev"), test: read("test") };
}

/** A line that says something: not that there is nothing yet. */
function known(text) {
  const line = asLine(text);
  return line === PENDING ? "" : line;
}

function ofVerdict(values, name) {
  return toGap([values.get(`${VERDICT}${name}`)]);
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
  const share = inRange(fraction, least, 1);
  return share === null ? null : share * 100;
}

/** A gap between two errors, with its interval's bounds. */
function toGap(parts) {
  const [value, low, high] = asList(parts).slice(0, 3).map((part) => toPoints(part, -1));
  return value === null || value === undefined ? null : { value, low: low ?? null, high: high ?? null };
}

function shownTags(tags) {
  return new Map([...tags].filter(([key]) => key && !KEPT_BY_MLFLOW.test(key) && !IN_NO_FILTER.has(key)));
}

/** bvtrack's facts about the model, from its tag. */
function modelOf(tags) {
  const facts = parsed(tags.get(MODEL));
  return isObject(facts) ? facts : {};
}

/** The logged parameters; if there are none, bvtrack's facts about the model, from one tag or an earlier version's many. */
function settingsOf(params, tags) {
  if (params.size > 0) return params;
  const told = Object.entries(modelOf(tags)).filter(([, fact]) => ["string", "number", "boolean"].includes(typeof fact));
  const before = [...tags].filter(([key]) => key.startsWith(OF_THE_MODEL)).map(([key, value]) => [key.slice(OF_THE_MODEL.length), value]);
  return new Map([...before, ...told].map(([key, value]) => [asText(key), settingInWords(value)]));
}

/** The same for the same fact, as a number or as text: of version 0.1 it is `1e-05` and `True`. */
function settingInWords(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  const isNumber = typeof value === "number" || A_NUMBER.test(asText(value));
  return isNumber ? String(Number(value)) : asText(value);
}
