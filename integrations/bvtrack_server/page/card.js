/** The details of the run under the pointer. */

import { inWords, kindOf, symbolOf } from "./diagnosis.js";
import { begun } from "./foreign.js";
import { measureInWords } from "./measure.js";
import { count, gapInWords, moment, points } from "./number.js";
import { repeatsInWords, spreadInWords, tagsInWords } from "./repeats.js";

const AWAY = 16;

/** `grounds` are the words for a run that is diagnosed otherwise than its region, else `null`. */
export function showCard(card, { run, grounds }, [x, y], plot) {
  fillDetails(card, { run, grounds });
  card.hidden = false;
  place(card, [x, y], plot);
}

/** The name, the verdict and the numbers of a run. */
export function fillDetails(element, { run, grounds }) {
  element.replaceChildren(heading(run), list(run, grounds));
}

/** Beside this position, towards the middle of the plot. */
function place(card, [x, y], plot) {
  const isRight = x > plot.clientWidth / 2;
  const isLow = y > plot.clientHeight / 2;
  card.style.left = isRight ? "" : `${x + AWAY}px`;
  card.style.right = isRight ? `${plot.clientWidth - x + AWAY}px` : "";
  card.style.top = isLow ? "" : `${y + AWAY}px`;
  card.style.bottom = isLow ? `${plot.clientHeight - y + AWAY}px` : "";
}

/** The name of the region under the pointer, where there is no run. */
export function showRegion(card, name, here, plot) {
  card.replaceChildren(text("p", `Region: ${name}`, "verdict"));
  card.hidden = false;
  place(card, here, plot);
}

/** The same in few words, for screen readers. */
export function inOneSentence(run, grounds) {
  const name = run.repeats === null ? run.name : `${run.name}, ${repeatsInWords(run.repeats)}`;
  const said = `${name}: ${verdict(run)}; bias ${gapInWords(run.bias)}, variance ${gapInWords(run.variance)}`;
  const alone = run.repeats?.tags.length ? [`By themselves: ${tagsInWords(run.repeats)}`] : [];
  return [said, ...alone, ...(run.split.faults.length ? [`The split: ${run.split.faults.join("; ")}`] : []), ...(grounds ? [`Judged: ${grounds}`] : [])].join(". ");
}

function verdict(run) {
  return run.certainty ? `${inWords(run.diagnosis)} (${run.certainty})` : inWords(run.diagnosis);
}

function heading(run) {
  const title = text("p", run.name, "name");
  const line = text("p", verdict(run), "verdict");
  line.prepend(symbolOf(kindOf(run.diagnosis), { isStruck: run.split.faults.length > 0, isRepeated: run.repeats !== null }));
  const whole = document.createElement("div");
  whole.append(title, line);
  return whole;
}

function list(run, grounds) {
  const rows = [
    ...(run.repeats === null ? [] : [["Over", repeatsInWords(run.repeats)]]),
    ...(grounds ? [["Judged", grounds]] : []),
    ...(run.split.faults.length ? [["Split", run.split.faults.join("; ")]] : []),
    ["Avoidable bias", gapInWords(run.bias)],
    ["Variance", gapInWords(run.variance)],
    ...(run.repeats === null ? [errors(run)] : [...errorsOverRepeats(run), ["By themselves", tagsInWords(run.repeats) || "–"]]),
    ["Dev examples", count(run.nDev)],
    ["Next step", run.nextStep || "–"],
    ["Started", run.isRunning ? `${moment(run.started)}, still running` : moment(run.started)],
  ];
  const whole = document.createElement("dl");
  for (const [name, value] of rows) whole.append(text("dt", name), text("dd", value));
  return whole;
}

function errors(run) {
  const name = run.isErrorRate ? "Train / dev error" : `Train / dev, ${measureInWords(run.measure)}`;
  return [name, `${points(run.train)} / ${points(run.dev)} %`];
}

function errorsOverRepeats(run) {
  const of = run.isErrorRate ? "error" : measureInWords(run.measure);
  const sets = ["train", "dev", "test"].filter((set) => run[set] !== null);
  return sets.map((set) => [`${begun(set)} ${of}`, spreadInWords(run[set], run.repeats[set])]);
}

function text(tag, content, className = "") {
  const element = document.createElement(tag);
  element.textContent = content;
  element.className = className;
  return element;
}
