/** The runs as a table: only visible rows are in the document, so that ten thousand scroll like ten. */

import { each } from "./foreign.js";
import { inWords, kindOf, symbolOf } from "./diagnosis.js";
import { count, moment, points, signed } from "./number.js";

const ROW_HEIGHT = 34;
const SPARE_ROWS = 8;

const COLUMNS = [
  { name: "Run", value: (run) => run.name.toLowerCase() },
  { name: "Diagnosis", value: (run) => run.diagnosis, fill: fillDiagnosis },
  { name: "Bias", value: (run) => run.bias?.value, text: (run) => signed(run.bias?.value ?? null) },
  { name: "Variance", value: (run) => run.variance?.value, text: (run) => signed(run.variance?.value ?? null) },
  { name: "Dev error", value: (run) => run.dev, text: (run) => points(run.dev) },
  { name: "Dev examples", value: (run) => run.nDev, text: (run) => count(run.nDev) },
  { name: "Next step", value: (run) => run.nextStep, text: (run) => run.nextStep },
  { name: "Started", value: (run) => run.started, text: (run) => moment(run.started) },
];
const NUMBERS = new Set(["Bias", "Variance", "Dev error", "Dev examples"]);

export class RunTable {
  /**
   * `on` holds the callbacks `hover(run)`, and `leaveOut(run)` for one that cannot be drawn; `fillName(cell, run)` puts
   * the run's link, or its id, into a cell; `groundsOf(run)` are words on its diagnosis, or `null`.
   */
  constructor({ scroller, columns, body }, { hover, fillName, groundsOf, leaveOut }) {
    Object.assign(this, { scroller, columns, body, hover, fillName, groundsOf, leaveOut, runs: [], by: "Started", isDescending: true });
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
    this.runs.sort((a, b) => isMissing(value(a)) - isMissing(value(b)) || order(value(a), value(b)));
    for (const header of this.columns.cells) {
      header.setAttribute("aria-sort", header.dataset.name !== this.by ? "none" : this.isDescending ? "descending" : "ascending");
    }
    this.scroller.firstElementChild.setAttribute("aria-rowcount", this.runs.length + 1);
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const n = Math.ceil(this.scroller.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS;
    const seen = this.runs.slice(first, first + n);
    const focused = this.runOf(document.activeElement)?.id;
    const below = Math.max(0, this.runs.length - first - seen.length);
    const rows = each(seen.entries(), ([index, run]) => this.rowOf(run, first + index), ([, run]) => this.leaveOut(run));
    this.body.replaceChildren(gap(first), ...rows, gap(below));
    if (focused) this.body.querySelector(`[data-id="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
  }

  rowOf(run, index) {
    const row = document.createElement("tr");
    row.dataset.id = run.id;
    row.setAttribute("aria-rowindex", index + 2);
    row.classList.toggle("marked", run.id === this.marked);
    for (const column of COLUMNS) this.fill(row.insertCell(), column, run);
    return row;
  }

  fill(cell, { name, text, fill }, run) {
    if (NUMBERS.has(name)) cell.className = "number";
    if (name === "Run") this.fillName(cell, run);
    else if (fill) fill(cell, run, this.groundsOf(run));
    else cell.textContent = text(run);
  }

  headerOf({ name }) {
    const header = document.createElement("th");
    header.scope = "col";
    header.dataset.name = name;
    if (NUMBERS.has(name)) header.className = "number";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      this.isDescending = this.by === name ? !this.isDescending : NUMBERS.has(name) || name === "Started";
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

function fillDiagnosis(cell, run, grounds) {
  const label = document.createElement("span");
  label.textContent = inWords(run.diagnosis);
  cell.append(symbolOf(kindOf(run.diagnosis)), label);
  cell.title = [run.certainty, grounds].filter(Boolean).join(". ");
}

/** An empty row as high as the rows that it replaces. */
function gap(n) {
  const row = document.createElement("tr");
  row.className = "gap";
  row.setAttribute("aria-hidden", "true");
  row.style.height = `${n * ROW_HEIGHT}px`;
  return row;
}

function isMissing(value) {
  return value === null || value === undefined || value === "";
}
