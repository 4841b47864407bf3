/** The runs as a table: only visible rows are in the document, so that ten thousand scroll like ten. */

import { each } from "./foreign.js";
import { inWords, kindOf, symbolOf } from "./diagnosis.js";
import { count, moment, points, signed } from "./number.js";

const SPARE_ROWS = 8;

/** The most important first, for those on the right may be out of sight. */
const COLUMNS = [
  { key: "run", name: "Run", value: (run) => run.name.toLowerCase() },
  { key: "diagnosis", name: "Diagnosis", value: (run) => run.diagnosis, fill: fillDiagnosis },
  { key: "dev", name: "Dev error", value: (run) => run.dev, text: (run) => points(run.dev) },
  { key: "next", name: "Next step", value: (run) => run.nextStep, fill: (cell, run) => fillLines(cell, run.nextStep) },
  { key: "split", name: "Split", value: (run) => [run.split.faults.length ? 0 : 1, run.split.label].join(" "), fill: fillSplit },
  { key: "bias", name: "Bias", value: (run) => run.bias?.value, text: (run) => signed(run.bias?.value ?? null) },
  { key: "variance", name: "Variance", value: (run) => run.variance?.value, text: (run) => signed(run.variance?.value ?? null) },
  { key: "count", name: "Dev examples", value: (run) => run.nDev, text: (run) => count(run.nDev) },
  { key: "started", name: "Started", value: (run) => run.started, text: (run) => moment(run.started) },
];
const NUMBERS = new Set(["dev", "bias", "variance", "count"]);

export class RunTable {
  /**
   * `on` holds the callbacks `hover(run)`, and `leaveOut(run)` for one that cannot be drawn; `fillName(cell, run)` puts
   * the run's link, or its id, into a cell; `groundsOf(run)` are words on its diagnosis, or `null`, and `whyNotDrawn(run)`
   * those on a run that is not on the map; runs that are `isOfOthers(run)`, by another measure, come last, and the one that
   * `isFirst(run)`, whose repeats the others are, first.
   */
  constructor({ scroller, columns, body }, on) {
    Object.assign(this, { scroller, columns, body, ...on, runs: [], by: "Started", isDescending: true });
    columns.append(...COLUMNS.map((column) => this.headerOf(column)));
    scroller.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(scroller);
    body.addEventListener("mouseover", (event) => this.hover(this.runOf(event.target)));
    body.addEventListener("mouseleave", () => this.hover(null));
    body.addEventListener("focusin", (event) => this.hover(this.runOf(event.target)));
  }

  show(runs) {
    this.runs = [...runs];
    this.sort();
  }

  /** Draw the row of this run as the one under the pointer. */
  mark(run) {
    this.marked = run?.id;
    for (const row of this.body.rows) row.classList.toggle("marked", row.dataset.id === this.marked);
  }

  sort() {
    const { value } = COLUMNS.find((column) => column.name === this.by);
    const order = this.isDescending ? d3.descending : d3.ascending;
    const places = new Map(this.runs.map((run) => [run, this.isFirst(run) ? -1 : this.isOfOthers(run) ? 2 : isMissing(value(run)) ? 1 : 0]));
    this.runs.sort((a, b) => places.get(a) - places.get(b) || order(value(a), value(b)));
    for (const header of this.columns.cells) {
      header.setAttribute("aria-sort", header.dataset.name !== this.by ? "none" : this.isDescending ? "descending" : "ascending");
    }
    this.scroller.firstElementChild.setAttribute("aria-rowcount", this.runs.length + 1);
    this.draw();
  }

  draw() {
    const height = heightOfRows(this.scroller);
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / height) - SPARE_ROWS);
    const n = Math.ceil(this.scroller.clientHeight / height) + 2 * SPARE_ROWS;
    const seen = this.runs.slice(first, first + n);
    const focused = this.runOf(document.activeElement)?.id;
    const below = Math.max(0, this.runs.length - first - seen.length);
    const rows = each(seen.entries(), ([index, run]) => this.rowOf(run, first + index), ([, run]) => this.leaveOut(run));
    this.body.replaceChildren(gap(first * height), ...rows, gap(below * height));
    if (focused) this.body.querySelector(`[data-id="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
  }

  rowOf(run, index) {
    const row = document.createElement("tr");
    row.dataset.id = run.id;
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", index + 2);
    row.classList.toggle("marked", run.id === this.marked);
    row.classList.toggle("undrawn", this.whyNotDrawn(run) !== null);
    for (const column of COLUMNS) this.fill(row.insertCell(), column, run);
    return row;
  }

  fill(cell, { key, text, fill }, run) {
    cell.className = NUMBERS.has(key) ? `number ${key}` : key;
    cell.setAttribute("role", "cell");
    if (key === "run") this.fillName(cell, run);
    else if (fill) fill(cell, run, { grounds: this.groundsOf(run), whyNotDrawn: this.whyNotDrawn(run) });
    else cell.textContent = text(run);
  }

  headerOf({ key, name }) {
    const header = document.createElement("th");
    header.scope = "col";
    header.setAttribute("role", "columnheader");
    header.dataset.name = name;
    header.className = NUMBERS.has(key) ? `number ${key}` : key;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      this.isDescending = this.by === name ? !this.isDescending : NUMBERS.has(key) || name === "Started";
      this.by = name;
      this.sort();
    });
    header.append(button);
    return header;
  }

  runOf(element) {
    const id = element?.closest?.("tr")?.dataset.id;
    return id ? this.runs.find((run) => run.id === id) ?? null : null;
  }
}

function fillDiagnosis(cell, run, { grounds, whyNotDrawn }) {
  const marks = { isStruck: run.split.faults.length > 0, isRepeated: run.repeats !== null };
  const label = lines(inWords(run.diagnosis));
  if (whyNotDrawn) label.append(aside(` · not on the map: ${whyNotDrawn}`));
  cell.append(symbolOf(kindOf(run.diagnosis), marks), label);
  cell.title = [run.certainty, whyNotDrawn && `Not on the map: ${whyNotDrawn}`, grounds].filter(Boolean).join(". ");
}

function fillSplit(cell, run) {
  fillLines(cell, run.split.label);
  if (run.split.faults.length === 0) return;
  cell.classList.add("faulty");
  cell.title = run.split.faults.join("; ");
}

function fillLines(cell, words) {
  cell.append(lines(words || "–"));
  cell.title = words;
}

/** Words on as many lines as a row has. */
function lines(words) {
  const element = document.createElement("span");
  element.className = "lines";
  element.textContent = words;
  return element;
}

function aside(words) {
  const element = document.createElement("small");
  element.textContent = words;
  return element;
}

/** The height of a row, which the style sheet decides on. */
function heightOfRows(scroller) {
  return Number.parseFloat(getComputedStyle(scroller).getPropertyValue("--row")) || 36;
}

/** An empty row as high as the rows that it replaces. */
function gap(height) {
  const row = document.createElement("tr");
  row.className = "gap";
  row.setAttribute("aria-hidden", "true");
  row.style.height = `${height}px`;
  return row;
}

function isMissing(value) {
  return value === null || value === undefined || value === "";
}
