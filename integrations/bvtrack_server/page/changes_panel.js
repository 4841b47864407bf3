/** The arrows on the map, and the table of what one change did, with a word on each pair that has no arrow. */

import { changeInWords, changesBetween, meanInWords } from "./changes.js";
import { count, signed } from "./number.js";
import { setOptions } from "./tag_filter.js";

const MOST_ARROWS = 300;
const NO_PAIR = "No two of these runs differ in exactly one parameter.";

export class ChangesPanel {
  /** `parts` are the elements by name; `overlay` draws the arrows. */
  constructor(parts, overlay) {
    Object.assign(this, { ...parts, overlay, arrows: [] });
  }

  show(runs) {
    const isOn = this.isOn.checked;
    this.parameter.hidden = !isOn;
    this.panel.hidden = !isOn;
    const found = isOn ? changesBetween(runs) : [];
    setOptions(this.parameter, ["", ...d3.sort(d3.union(found.map((change) => change.parameter)))], (name) => name || "any parameter");
    const parameter = this.parameter.value;
    const wanted = parameter ? found.filter((change) => change.parameter === parameter) : found;
    const [drawn, others] = [true, false].map((isDrawn) => wanted.filter(({ against }) => (against === null) === isDrawn));
    this.arrows = d3.sort(drawn, (change) => -Math.hypot(change.bias, change.variance)).slice(0, MOST_ARROWS);
    this.overlay.show(this.arrows);
    this.mean.textContent = summary(parameter, drawn, others, isOn);
    this.rows.replaceChildren(...[...this.arrows, ...others.slice(0, MOST_ARROWS)].map((change) => this.rowOf(change)));
  }

  rowOf(change) {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = changeInWords(change);
    name.title = `${change.from.name} → ${change.to.name}`;
    row.append(name);
    if (change.against === null) this.fill(row, change);
    else withhold(row, change);
    return row;
  }

  fill(row, change) {
    for (const value of [change.bias, change.variance]) {
      const cell = row.insertCell();
      cell.className = `number ${value < -0.05 ? "better" : value > 0.05 ? "worse" : ""}`;
      cell.textContent = signed(value);
    }
    row.addEventListener("mouseenter", () => this.overlay.show([change]));
    row.addEventListener("mouseleave", () => this.overlay.show(this.arrows));
  }
}

function withhold(row, { against }) {
  const cell = row.insertCell();
  cell.colSpan = 2;
  cell.className = "against";
  cell.textContent = cell.title = `no arrow: ${against}`;
}

function summary(parameter, drawn, others, isOn) {
  if (isOn && !drawn.length && !others.length) return NO_PAIR;
  const mean = parameter && drawn.length > 1 ? [meanInWords(parameter, drawn)] : [];
  const kept = others.length ? [`${count(others.length)} ${others.length === 1 ? "pair has" : "pairs have"} no arrow: see below.`] : [];
  return [...mean, ...kept].join(" ");
}
