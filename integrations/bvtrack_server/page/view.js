/** The page as a whole: map, table, legend and changes show the same runs, in sync. */

import { ChangesPanel } from "./changes_panel.js";
import { fillDetails, inOneSentence, showCard, showRegion } from "./card.js";
import { each } from "./foreign.js";
import { groundsInWords, isElsewhere } from "./grounds.js";
import { Legend } from "./legend.js";
import { CAN_OPEN, fillName, linksTo } from "./links.js";
import { RunMap } from "./map.js";
import { MeasureChoice } from "./measure_choice.js";
import { count } from "./number.js";
import { followKeys, followPointer } from "./pointer.js";
import { Folded, repeatsInWords } from "./repeats.js";
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
    this.folded = new Folded([]);
    this.all = [];
    this.shown = [];
    this.chosen = null;
    this.unfolded = null; // the configuration whose repeats are shown as runs
    this.unread = 0;
    this.leftOut = new Set();
    const leaveOut = (run) => this.leaveOut(run);
    this.map = new RunMap(at("plot"), regions, leaveOut);
    this.table = new RunTable(
      { scroller: at("scroller"), columns: at("columns"), body: at("rows") },
      {
        hover: (run) => this.hover(run),
        fillName: (cell, run) => this.fillName(cell, run),
        groundsOf: (run) => this.groundsOf(run),
        whyNotDrawn: (run) => whyNotDrawn(run, this.measures.measure),
        isOfOthers: (run) => isPlaced(run) && run.measure !== this.measures.measure,
        isFirst: (run) => run.id === this.unfolded,
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
  show(all, unread) {
    this.all = all;
    this.folded = new Folded(all);
    this.unread = unread;
    this.leftOut.clear();
    this.tags.offer(this.folded.runs);
    this.measures.offer(this.folded.runs.filter(isPlaced));
    this.map.makeRoomFor(all.filter((run) => this.isOnMap(run)));
    this.draw();
  }

  /** Show the runs by another measure, without a selection among those before. */
  changeMeasure() {
    this.map.fit();
    this.select([]);
    this.show(this.all, this.unread);
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
    const isSound = (run) => !this.leftOut.has(run);
    const tagged = this.folded.runs.filter((run) => isSound(run) && this.tags.holds(run));
    this.legend.count(tagged.filter((run) => this.isOnMap(run)));
    const whole = tagged.filter((run) => this.legend.shows(run));
    const repeatsOf = (runs) => runs.flatMap((run) => this.folded.repeatsOf(run)).filter(isSound);
    const onMap = (runs) => runs.filter((run) => this.isOnMap(run));
    this.shown = [...whole, ...repeatsOf(whole.filter((run) => run.id === this.unfolded))];
    const folded = onMap(repeatsOf(whole.filter((run) => run.id !== this.unfolded)));
    this.map.show(onMap(this.shown), { folded, chosen: this.chosen });
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

  /** Select these; a repeat stands for its configuration, and one that is selected alone is unfolded. */
  select(runs) {
    const whole = d3.union(runs.map((run) => this.folded.wholeOf(run)));
    const [first] = whole;
    this.unfolded = whole.size === 1 && first.repeats !== null ? first.id : null;
    const repeats = this.unfolded === null ? [] : this.folded.repeatsOf(first);
    this.chosen = whole.size > 0 ? new Set([...whole, ...repeats].map((run) => run.id)) : null;
    this.draw();
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
    const unfolded = listed.find((run) => run.id === this.unfolded) ?? null;
    at("summary").textContent = summaryOf(listed, { selectedOf: this.chosen ? this.shown.length : null, unfolded, measure, unread });
    at("repeats").hidden = unfolded === null;
    if (unfolded) each([unfolded], (run) => fillDetails(at("repeats"), { run, grounds: this.groundsOf(run) }), () => this.leaveOut(unfolded));
    at("empty").hidden = this.map.runs.length > 0;
    at("empty").textContent = this.emptiness();
    at("others").textContent = othersInWords(this.shown.filter(isPlaced), measure);
    at("caption").textContent = captionOf(listed.filter((run) => this.isOnMap(run)), this.map.regions());
  }

  /** Why the map is empty, if it is. */
  emptiness() {
    if (this.folded.runs.length === 0) return "No run here has a diagnosis by bvtrack yet.";
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

  /** The name in a table's cell; of a configuration with what unfolds its repeats. */
  fillName(cell, run) {
    fillName(cell, run, this.linkTo);
    if (run.repeats === null) {
      cell.classList.toggle("repeat", this.folded.wholeOf(run) !== run);
      return;
    }
    const isUnfolded = run.id === this.unfolded;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "unfold";
    button.textContent = count(run.repeats.n ?? this.folded.repeatsOf(run).length);
    button.title = `${isUnfolded ? "Fold" : "Unfold"} the ${repeatsInWords(run.repeats)}`;
    button.setAttribute("aria-label", `${repeatsInWords(run.repeats)} of ${run.name}`);
    button.setAttribute("aria-expanded", isUnfolded);
    button.addEventListener("click", () => this.select(isUnfolded ? [] : [run]));
    cell.prepend(button);
  }

  /** Open a run's page; a configuration is unfolded first. */
  open(run) {
    const isFolded = run && run.repeats !== null && run.id !== this.unfolded;
    const address = run && !isFolded && CAN_OPEN && this.linkTo(run);
    if (address) window.open(address, "_blank", "noopener");
    else this.select(run ? [run] : []);
  }

  drawChanges() {
    this.changes.show(this.listed().filter((run) => this.isOnMap(run)));
  }
}
