/** The measure of the map: the most frequent one, until another is chosen. */

import { measureInWords, measuresOf } from "./measure.js";
import { runsInWords } from "./summary.js";
import { setOptions } from "./tag_filter.js";

export class MeasureChoice {
  constructor({ label, select }, change) {
    Object.assign(this, { label, select, isChosen: false });
    select.addEventListener("change", () => {
      this.isChosen = true;
      change();
    });
  }

  /** Offer the measures of these placed runs. */
  offer(runs) {
    const measures = measuresOf(runs);
    const counts = new Map(measures);
    const names = [...counts.keys()];
    this.isChosen &&= counts.has(this.select.value);
    setOptions(this.select, names, (measure) => `${measureInWords(measure)} (${runsInWords(counts.get(measure))})`);
    if (!this.isChosen) this.select.value = names[0] ?? "";
    this.label.hidden = names.length < 2;
    this.measure = names.length ? this.select.value : "";
  }
}
