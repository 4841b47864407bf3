/** The page as a whole: map, table, legend and changes show the same runs, in sync. */

import { changeInWords, changesBetween, meanInWords } from "./changes.js";
import { inOneSentence, showCard } from "./card.js";
import { each } from "./foreign.js";
import { baselineInWords, groundsInWords, isElsewhere } from "./grounds.js";
import { Legend } from "./legend.js";
import { CAN_OPEN, fillName, linksTo } from "./links.js";
import { RunMap } from "./map.js";
import { count, signed } from "./number.js";
import { followKeys, followPointer } from "./pointer.js";
import { isPlaced } from "./run.js";
import { RunTable } from "./table.js";
import { TagFilter, setOptions } from "./tag_filter.js";

const MOST_ARROWS = 300;
const at = (id) => document.getElementById(id);

export class View {
  /** `base` is the address of MLflow's pages, relative or absolute; `null` if there are none. */
  constructor(regions, base) {
    this.linkTo = linksTo(base);
    this.runs = [];
    this.shown = [];
    this.chosen = null;
    this.unread = 0;
    this.leftOut = new Set();
    const leaveOut = (run) => this.leaveOut(run);
    this.map = new RunMap(at("plot"), regions, leaveOut);
    this.table = new RunTable(
      { scroller: at("scroller"), columns: at("columns"), body: at("rows") },
      {
        hover: (run) => this.hover(run),
        fillName: (cell, run) => fillName(cell, run, this.linkTo),
        groundsOf: (run) => this.groundsOf(run),
        leaveOut,
      },
    );
    this.legend = new Legend(at("legend"), () => this.draw());
    this.tags = new TagFilter({ name: at("tag-name"), is: at("tag-is"), value: at("tag-value") }, () => this.draw());
    this.listen();
  }

  listen() {
    const on = { hover: (run, here) => this.hover(run, here), click: (run) => this.open(run), select: (runs) => this.select(runs) };
    followPointer(this.map, on);
    followKeys(this.map, { ...on, hover: (run) => this.hoverByKey(run) });
    at("zoom-in").addEventListener("click", () => this.map.zoomBy(1.5));
    at("zoom-out").addEventListener("click", () => this.map.zoomBy(1 / 1.5));
    at("fit").addEventListener("click", () => this.showAll());
    at("arrows").addEventListener("change", () => this.drawChanges());
    at("parameter").addEventListener("change", () => this.drawChanges());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.map.recolour());
  }

  /** Show these runs, old and new, and the number that could not be read; selection and zoom stay. */
  show(runs, unread) {
    this.runs = runs;
    this.unread = unread;
    this.leftOut.clear();
    this.tags.offer(runs);
    this.map.makeRoomFor(runs);
    this.draw();
  }

  /** Show these runs in place of unrelated ones. */
  showOthers(runs, unread) {
    this.map.fit();
    this.select([]);
    this.show(runs, unread);
  }

  draw() {
    const tagged = this.runs.filter((run) => !this.leftOut.has(run) && this.tags.holds(run));
    this.legend.count(tagged);
    this.shown = tagged.filter((run) => this.legend.shows(run));
    this.map.show(this.shown);
    this.follow();
    this.drawChanges();
  }

  /** A run that cannot be drawn is counted as unreadable and does not affect the others. */
  leaveOut(run) {
    this.leftOut.add(run);
    this.drawing ??= Promise.resolve().then(() => {
      this.drawing = null;
      this.draw();
    });
  }

  select(runs) {
    this.chosen = runs.length > 0 ? new Set(runs.map((run) => run.id)) : null;
    this.map.choose(this.chosen);
    this.follow();
    this.drawChanges();
  }

  showAll() {
    this.select([]);
    this.map.fit();
  }

  /** The table holds the selected runs, else all that are shown. */
  follow() {
    const listed = this.listed();
    this.table.show(listed);
    const selected = this.chosen ? ` of ${count(this.shown.length)} selected` : "";
    const unplaced = listed.filter((run) => !isPlaced(run)).length;
    const unread = this.unread + this.leftOut.size;
    const rest = (unplaced ? `, ${count(unplaced)} without a place on the map` : "") + (unread ? `, ${runsInWords(unread)} could not be read` : "");
    at("summary").textContent = selected ? `${count(listed.length)}${selected} runs${rest}` : `${runsInWords(listed.length)}${rest}`;
    at("empty").hidden = this.shown.length > 0;
    at("empty").textContent = this.runs.length > 0 ? "No run meets these filters." : "No run here has a diagnosis by bvtrack yet.";
    at("caption").textContent = this.caption(listed);
  }

  listed() {
    return this.chosen ? this.shown.filter((run) => this.chosen.has(run.id)) : this.shown;
  }

  caption(listed) {
    const { baseline, columns } = this.map.regions();
    const others = listed.filter((run) => isElsewhere(run, columns)).length;
    const rest = others ? ` ${runsInWords(others)} ${others === 1 ? "is" : "are"} judged by more than this map shows: pointed at, they say by what.` : "";
    return (
      "Larger symbols: larger dev sets. Solid: the diagnosis is certain. " +
      `Regions: what train and dev error alone give, against ${baselineInWords(baseline)}.${rest}`
    );
  }

  /** Why a run is diagnosed otherwise than the region it lies in; `null` if it is not. */
  groundsOf(run) {
    const regions = this.map.regions();
    return isElsewhere(run, regions.columns) ? groundsInWords(run, regions) : null;
  }

  hover(run, here) {
    this.map.hover(run);
    this.table.mark(run);
    at("card").hidden = true;
    const show = () => showCard(at("card"), { run, grounds: this.groundsOf(run) }, here, at("plot"));
    if (run && here) each([run], show, () => this.leaveOut(run));
  }

  hoverByKey(run) {
    const place = run && this.map.placeOf(run);
    this.hover(run, place && [place.x, place.y]);
    if (run) at("said").textContent = inOneSentence(run, this.groundsOf(run));
  }

  open(run) {
    const address = run && CAN_OPEN && this.linkTo(run);
    if (address) window.open(address, "_blank", "noopener");
    else this.select(run ? [run] : []);
  }

  drawChanges() {
    const isOn = at("arrows").checked;
    at("parameter").hidden = !isOn;
    at("changes").hidden = !isOn;
    const changes = isOn ? changesBetween(this.listed()) : [];
    setOptions(at("parameter"), ["", ...d3.sort(d3.union(changes.map((change) => change.parameter)))], (name) => name || "any parameter");
    const parameter = at("parameter").value;
    const wanted = parameter ? changes.filter((change) => change.parameter === parameter) : changes;
    const widest = d3.sort(wanted, (change) => -Math.hypot(change.bias, change.variance)).slice(0, MOST_ARROWS);
    this.map.overlay.show(widest);
    this.arrows = widest;
    at("changes-mean").textContent = parameter && wanted.length > 1 ? meanInWords(parameter, wanted) : "";
    at("changes-rows").replaceChildren(...widest.map((change) => this.rowOf(change)));
  }

  rowOf(change) {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = changeInWords(change);
    name.title = `${change.from.name} → ${change.to.name}`;
    row.append(name);
    for (const value of [change.bias, change.variance]) {
      const cell = row.insertCell();
      cell.className = `number ${value < -0.05 ? "better" : value > 0.05 ? "worse" : ""}`;
      cell.textContent = signed(value);
    }
    row.addEventListener("mouseenter", () => this.map.overlay.show([change]));
    row.addEventListener("mouseleave", () => this.map.overlay.show(this.arrows));
    return row;
  }
}

function runsInWords(number) {
  return `${count(number)} ${number === 1 ? "run" : "runs"}`;
}
