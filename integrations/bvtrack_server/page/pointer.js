/** Pointer and keyboard input on the map. */

const DRAG = 4;
const DIRECTIONS = new Map([["ArrowLeft", [-1, 0]], ["ArrowRight", [1, 0]], ["ArrowUp", [0, -1]], ["ArrowDown", [0, 1]]]);
const ASIDE = 2.5;

export function followPointer(map, on) {
  let start = null;
  const plot = map.plot;
  plot.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && !event.shiftKey && event.isPrimary) start = d3.pointer(event, plot);
  });
  plot.addEventListener("pointermove", (event) => {
    const here = d3.pointer(event, plot);
    if (start && isDrag(start, here)) {
      plot.setPointerCapture(event.pointerId);
      map.overlay.frame(corners(start, here));
    } else if (!start) on.hover(map.runAt(...here), here);
  });
  plot.addEventListener("pointerup", (event) => {
    const here = d3.pointer(event, plot);
    const isTouch = event.pointerType === "touch";
    if (start && isDrag(start, here)) on.select(map.runsIn(...corners(start, here)));
    else if (start && isTouch) tap(map, on, start);
    else if (start) on.click(map.runAt(...start));
    letGoOfFrame();
  });
  plot.addEventListener("pointercancel", letGoOfFrame); // the browser scrolls or zooms the page
  plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && on.hover(null));

  function letGoOfFrame() {
    start = null;
    map.overlay.frame(null);
  }
}

/** Fingers do not hover: the first touch of a run shows it, the second opens it. */
function tap(map, on, here) {
  const run = map.runAt(...here, true);
  if (run !== null && run.id === map.hovered?.id) on.click(run);
  else on.hover(run, here);
}

export function followKeys(map, on) {
  map.plot.addEventListener("keydown", (event) => {
    if (DIRECTIONS.has(event.key)) on.hover(neighbour(map, DIRECTIONS.get(event.key)));
    else if (event.key === "Enter") on.click(map.hovered);
    else if (event.key === "Escape") letGo(on);
    else if (event.key === "+") map.zoomBy(1.5);
    else if (event.key === "-") map.zoomBy(1 / 1.5);
    else return;
    event.preventDefault();
  });
}

function letGo(on) {
  on.hover(null);
  on.select([]);
}

/** The nearest run in this direction, sideways distance counting more; the first run if there is none to start from. */
function neighbour(map, [right, down]) {
  if (!map.hovered) return map.runs[0] ?? null;
  const from = map.placeOf(map.hovered);
  const distance = ({ x, y }) => {
    const [ahead, aside] = right ? [(x - from.x) * right, y - from.y] : [(y - from.y) * down, x - from.x];
    return ahead > 0 ? ahead + ASIDE * Math.abs(aside) : Infinity;
  };
  const nearest = d3.least(map.placed, (a, b) => d3.ascending(distance(a), distance(b)));
  return nearest && distance(nearest) < Infinity ? nearest.run : map.hovered;
}

function isDrag([x, y], [toX, toY]) {
  return Math.hypot(toX - x, toY - y) > DRAG;
}

function corners([x, y], [toX, toY]) {
  return [[Math.min(x, toX), Math.min(y, toY)], [Math.max(x, toX), Math.max(y, toY)]];
}
