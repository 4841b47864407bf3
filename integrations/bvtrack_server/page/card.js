/** The details of the run under the pointer. */

import { inWords, kindOf, symbolOf } from "./diagnosis.js";
import { measureInWords } from "./measure.js";
import { count, gapInWords, moment, points } from "./number.js";

const AWAY = 16;

/** `grounds` are the words for a run that is diagnosed otherwise than its region, else `null`. */
export function showCard(card, { run, grounds }, [x, y], plot) {
  card.replaceChildren(heading(run), list(run, grounds));
  card.hidden = false;
  place(card, [x, y], plot);
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
  const said = `${run.name}: ${verdict(run)}; bias ${gapInWords(run.bias)}, variance ${gapInWords(run.variance)}`;
  return [said, ...(run.split.faults.length ? [`The split: ${run.split.faults.join("; ")}`] : []), ...(grounds ? [`Judged: ${grounds}`] : [])].join(". ");
}

function verdict(run) {
  return run.certainty ? `${inWords(run.diagnosis)} (${run.certainty})` : inWords(run.diagnosis);
}

function heading(run) {
  const title = text("p", run.name, "name");
  const line = text("p", verdict(run), "verdict");
  line.prepend(symbolOf(kindOf(run.diagnosis), { isStruck: run.split.faults.length > 0 }));
  const whole = document.createElement("div");
  whole.append(title, line);
  return whole;
}

function list(run, grounds) {
  const rows = [
    ...(grounds ? [["Judged", grounds]] : []),
    ...(run.split.faults.length ? [["Split", run.split.faults.join("; ")]] : []),
    ["Avoidable bias", gapInWords(run.bias)],
    ["Variance", gapInWords(run.variance)],
    [run.isErrorRate ? "Train / dev error" : `Train / dev, ${measureInWords(run.measure)}`, `${points(run.train)} / ${points(run.dev)} %`],
    ["Dev examples", count(run.nDev)],
    ["Next step", run.nextStep || "–"],
    ["Started", run.isRunning ? `${moment(run.started)}, still running` : moment(run.started)],
  ];
  const whole = document.createElement("dl");
  for (const [name, value] of rows) whole.append(text("dt", name), text("dd", value));
  return whole;
}

function text(tag, content, className = "") {
  const element = document.createElement(tag);
  element.textContent = content;
  element.className = className;
  return element;
}
