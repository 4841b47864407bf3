/** Runs from the server: all that meet the filters, then updates while a training runs. */

import { experiments, newestExperiment, pagesOfDiagnosed, pagesOfRuns } from "./api.js";
import { isSame, readRuns } from "./run.js";

const EVERY = 4000;
const HOUR = 3600 * 1000;
const MOST_IDS = 100;
const IN_A_FILTER = /^[\w-]+$/;

export class Source {
  /** `on` holds the callbacks `runs(all, { isFirst, unread })` and `problem(message)`; `null` clears a message. */
  constructor(on) {
    this.on = on;
    this.runs = new Map();
    this.wish = null;
    setInterval(() => this.running().length > 0 && this.follow(), EVERY);
    document.addEventListener("visibilitychange", () => this.follow());
  }

  async experiments() {
    const all = await experiments();
    return { all, newest: all.length ? await newestExperiment(all.map(({ id }) => id)) : undefined };
  }

  /** Load the runs of these experiments; the runs shown stay if the filter is refused. */
  async load({ ids, hours, filter }) {
    this.loading?.abort();
    const { signal } = (this.loading = new AbortController());
    const since = hours ? `attributes.start_time >= ${Date.now() - hours * HOUR}` : "";
    const wish = { ids, conditions: [since, filter.trim()] };
    const found = new Map();
    let [unread, isFirst] = [0, true];
    try {
      for await (const page of pagesOfRuns(ids, wish.conditions, signal)) {
        if (!isFirst && page.length === 0) continue;
        const read = readRuns(page);
        for (const [id, run] of read.runs) found.set(id, run);
        unread += read.unread;
        Object.assign(this, { wish, runs: found, unread });
        this.on.problem(null);
        this.on.runs([...found.values()], { isFirst, unread });
        isFirst = false;
      }
    } catch (error) {
      if (error.name !== "AbortError") this.on.problem(error.message);
    }
  }

  /** While the page is visible: poll for the runs that were running last time, and for new ones. */
  async follow() {
    if (document.hidden || this.isAsking || !this.wish) return;
    this.isAsking = true;
    try {
      await this.ask();
    } catch {
      // The server may be unreachable for a while: the points stay, and the next poll may succeed.
    } finally {
      this.isAsking = false;
    }
  }

  running() {
    return [...this.runs.values()].filter((run) => run.isRunning && IN_A_FILTER.test(run.id));
  }

  async ask() {
    const { wish, runs } = this;
    const soon = Date.now() + 24 * HOUR;
    const latest = d3.max(runs.values(), (run) => (run.started < soon ? run.started : null)) ?? 0; // start times in the future do not count
    const ids = d3.sort(this.running(), (run) => -run.started).slice(0, MOST_IDS).map((run) => `'${run.id}'`);
    const known = ids.length ? [`attributes.run_id IN (${ids.join(", ")})`] : [];
    let isChanged = false;
    for (const condition of [...known, `attributes.start_time > ${latest}`]) {
      for await (const page of pagesOfDiagnosed(wish.ids, [...wish.conditions, condition])) {
        for (const [id, run] of readRuns(page).runs) {
          isChanged ||= !isSame(run, runs.get(id));
          runs.set(id, run);
        }
      }
    }
    if (isChanged && this.runs === runs) this.on.runs([...runs.values()], { isFirst: false, unread: this.unread });
  }
}
