/** The page as a whole: map, table, legend and changes show the same runs, in sync. */

import { ChangesPanel } from "./changes_panel.js";
import { inOneSentence, showCard, showRegion } from "./card.js";
import { each } from "./foreign.js";
import { groundsInWords, isElsewhere } from "./grounds.js";
import { Legend } from "./legend.js";
import { CAN_OPEN, fillName, linksTo } from "./links.js";
import { RunMap } from "./map.js";
import { MeasureChoice } from "./measure_choice.js";
import { followKeys, followPointer } from "./pointer.js";
import { isPlaced, whyNotDrawn } from "./run.js";
import { followEdges } from "./scroll_edges.js";
import { captionOf, othersInWords, summaryOf } from "./summary.js";
import { RunTable } from "./table.js";
import { TagFilter } from "./tag_filter.js";

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
        whyNotDrawn: (run) => whyNotDrawn(run, this.measures.measure),
        isOfOthers: (run) => isPlaced(run) && run.measure !== this.measures.measure,
        leaveOut,
      },
    );
    this.legend = new Legend(at("legend"), () => this.draw());
    this.measures = new MeasureChoice({ label: at("measure-is"), select: at("measure") }, () => this.changeMeasure());
    this.changes = new ChangesPanel(
      { isOn: at("arrows"), parameter: at("parameter"), panel: at("changes"), mean: at("changes-mean"), rows: at("changes-rows") },
      this.map.overlay,
    );
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
    for (const id of ["scroller", "changes-scroller"]) followEdges(at(id));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.map.recolour());
  }

  /** Show these runs, old and new, and the number that could not be read; selection and zoom stay. */
  show(runs, unread) {
    this.runs = runs;
    this.unread = unread;
    this.leftOut.clear();
    this.tags.offer(runs);
    this.measures.offer(runs.filter(isPlaced));
    this.map.makeRoomFor(runs.filter((run) => this.isOnMap(run)));
    this.draw();
  }

  /** Show the runs by another measure, without a selection among those before. */
  changeMeasure() {
    this.map.fit();
    this.select([]);
    this.show(this.runs, this.unread);
  }

  isOnMap(run) {
    return whyNotDrawn(run, this.measures.measure) === null;
  }

  /** Show these runs in place of unrelated ones. */
  showOthers(runs, unread) {
    this.map.fit();
    this.select([]);
    this.show(runs, unread);
  }

  draw() {
    const tagged = this.runs.filter((run) => !this.leftOut.has(run) && this.tags.holds(run));
    this.legend.count(tagged.filter((run) => this.isOnMap(run)));
    this.shown = tagged.filter((run) => this.legend.shows(run));
    this.map.show(this.shown.filter((run) => this.isOnMap(run)));
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
    const unread = this.unread + this.leftOut.size;
    const { measure } = this.measures;
    at("summary").textContent = summaryOf(listed, { selectedOf: this.chosen ? this.shown.length : null, measure, unread });
    at("empty").hidden = this.map.runs.length > 0;
    at("empty").textContent = this.emptiness();
    at("others").textContent = othersInWords(this.shown.filter(isPlaced), measure);
    at("caption").textContent = captionOf(listed.filter((run) => this.isOnMap(run)), this.map.regions());
  }

  /** Why the map is empty, if it is. */
  emptiness() {
    if (this.runs.length === 0) return "No run here has a diagnosis by bvtrack yet.";
    return this.shown.length === 0 ? "No run meets these filters." : "None of these runs can be drawn yet: the table says why.";
  }

  listed() {
    return this.chosen ? this.shown.filter((run) => this.chosen.has(run.id)) : this.shown;
  }

  /** Why a run is diagnosed otherwise than the region it lies in; `null` if it is not. */
  groundsOf(run) {
    if (!this.isOnMap(run)) return null;
    const regions = this.map.regions();
    return isElsewhere(run, regions.columns) ? groundsInWords(run, regions) : null;
  }

  hover(run, here) {
    this.map.hover(run);
    this.table.mark(run);
    at("card").hidden = true;
    const show = () => showCard(at("card"), { run, grounds: this.groundsOf(run) }, here, at("plot"));
    if (run && here) each([run], show, () => this.leaveOut(run));
    const region = !run && here && this.map.unwrittenAt(...here);
    if (region) showRegion(at("card"), region, here, at("plot"));
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
    this.changes.show(this.listed().filter((run) => this.isOnMap(run)));
  }
}
