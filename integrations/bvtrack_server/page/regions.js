/** The regions of the diagnoses for a baseline, as columns: the tags along one bias, and the variances between them. */

const ROUNDING = 1e-6;
const placeOfBias = d3.bisector((column) => column.bias).left;

/** Columns in order of their bias, in points: `tags` from below, `edges` with the ends of what is possible. */
export function regionsFor(stored, { kind, human }) {
  const entries = stored.entries.filter((entry) => entry.kind === kind);
  if (entries.length === 1) return columnsOf(stored, entries[0]);
  const after = Math.min(Math.max(d3.bisectLeft(entries.map((entry) => entry.human), human / 100), 1), entries.length - 1);
  const [before, next] = [entries[after - 1], entries[after]];
  const share = (human / 100 - before.human) / (next.human - before.human);
  const columns = columnsBetween(columnsOf(stored, before), columnsOf(stored, next), { share, human, least: kind === "reached" ? 0 : -human });
  return kind === "reached" ? [...columnsBelow(stored, human), ...columns.slice(1)] : columns;
}

/** The columns up to an error that another run has reached, which does not matter there: they are stored by train error. */
function columnsBelow(stored, human) {
  const byTrain = columnsOf(stored, stored.entries.find(({ kind }) => kind === "below"));
  const below = [...byTrain.filter(({ bias }) => bias < human), columnAt(byTrain, human)];
  return below.map((column) => ({ ...column, bias: column.bias - human }));
}

/** The tag at a variance; `null` where no errors can be. */
export function tagIn({ tags, edges }, variance) {
  const place = d3.bisectRight(edges, variance) - 1;
  return tags[place] ?? (variance === edges.at(-1) ? tags.at(-1) : null);
}

/** The column at any bias: between two with the same tags on a straight line, else the nearer one. */
export function columnAt(columns, bias) {
  const after = placeOfBias(columns, bias);
  const [left, right] = [columns[after - 1] ?? columns[after], columns[after] ?? columns[after - 1]];
  const { tags, edges } = left === right ? right : mixed(left, right, (bias - left.bias) / (right.bias - left.bias));
  return { bias, tags, edges };
}

function columnsOf({ sequences }, { human, columns }) {
  return columns.map(([bias, sequence, ...edges]) => {
    const train = human + bias;
    return { bias: bias * 100, tags: sequences[sequence], edges: [-train, ...edges, 1 - train].map((edge) => edge * 100) };
  });
}

/** The columns for a human error between those of two others; a bias that only one of them can have is as there. `least` is the first bias. */
function columnsBetween(before, after, { share, human, least }) {
  const most = 100 - human;
  const inside = [...before, ...after].map(({ bias }) => bias).filter((bias) => bias > least && bias < most);
  return d3.sort(new Set([least, ...inside, most])).map((bias) => {
    const both = [before, after].filter((columns) => canBe(bias, columns)).map((columns) => columnAt(columns, bias));
    const { tags, edges } = both.length === 2 ? mixed(...both, share) : both[0];
    const [lowest, highest] = [-human - bias, most - bias];
    const within = edges.slice(1, -1).map((edge) => Math.min(Math.max(edge, lowest), highest));
    return { bias, tags, edges: [lowest, ...within, highest] };
  });
}

function canBe(bias, columns) {
  return bias >= columns[0].bias - ROUNDING && bias <= columns.at(-1).bias + ROUNDING;
}

/** What lies between two columns; a tag that one of them lacks has no height there. */
function mixed(one, other, share) {
  const { tags } = one.tags.length < other.tags.length ? other : one;
  const [from, to] = [edgesFor(tags, one), edgesFor(tags, other)];
  if (!from || !to) return share < 0.5 ? one : other;
  return { tags, edges: from.map((edge, place) => edge + share * (to[place] - edge)) };
}

/** The edges of a column if it had all these tags; `null` if it has others. */
function edgesFor(tags, column) {
  if (tags === column.tags) return column.edges;
  const edges = [column.edges[0]];
  let n = 0;
  for (const tag of tags) {
    if (tag === column.tags[n]) n += 1;
    edges.push(column.edges[n]);
  }
  return n === column.tags.length ? edges : null;
}
