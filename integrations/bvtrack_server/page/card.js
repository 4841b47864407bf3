/** The details of the run under the pointer. */

import { inWords, kindOf, symbolOf } from "./diagnosis.js";
import { count, gapInWords, moment, points } from "./number.js";

const AWAY = 16;

/** `grounds` are the words for a run that is diagnosed otherwise than its region, else `null`. */
export function showCard(card, { run, grounds }, [x, y], plot) {
  card.replaceChildren(heading(run), list(run, grounds));
  card.hidden = false;
  const isRight = x > plot.clientWidth / 2;
  const isLow = y > plot.clientHeight / 2;
  card.style.left = isRight ? "" : `${x + AWAY}px`;
  card.style.right = isRight ? `${plot.clientWidth - x + AWAY}px` : "";
  card.style.top = isLow ? "" : `${y + AWAY}px`;
  card.style.bottom = isLow ? `${plot.clientHeight - y + AWAY}px` : "";
}

/** The same in few words, for screen readers. */
export function inOneSentence(run, grounds) {
  const said = `${run.name}: ${verdict(run)}; bias ${gapInWords(run.bias)}, variance ${gapInWords(run.variance)}`;
  return grounds ? `${said}. Judged: ${grounds}` : said;
}

function verdict(run) {
  return run.certainty ? `${inWords(run.diagnosis)} (${run.certainty})` : inWords(run.diagnosis);
}

function heading(run) {
  const title = text("p", run.name, "name");
  const line = text("p", verdict(run), "verdict");
  line.prepend(symbolOf(kindOf(run.diagnosis)));
  const whole = document.createElement("div");
  whole.append(title, line);
  return whole;
}

function list(run, grounds) {
  const rows = [
    ...(grounds ? [["Judged", grounds]] : []),
    ["Avoidable bias", gapInWords(run.bias)],
    ["Variance", gapInWords(run.variance)],
    ["Train / dev error", `${points(run.train)} / ${points(run.dev)} %`],
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
