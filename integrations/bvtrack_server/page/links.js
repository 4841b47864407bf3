/** Links to runs in MLflow's UI, always in its view for model training. */

/** MLflow shows HTML artifacts in a frame whose links lead nowhere. */
export const CAN_OPEN = window.self === window.top;
const VIEW = "?workflowType=machine_learning";

/** A function from a run to its address, which is `null` if `base` is not a server: a file or a database has no pages. */
export function linksTo(base) {
  if (!/^(\.\.$|https?:\/\/)/.test(base ?? "")) return () => null;
  const start = `${base.replace(/\/$/, "")}/#/experiments/`;
  return (run) => `${start}${encodeURIComponent(run.experiment)}/runs/${encodeURIComponent(run.id)}${VIEW}`;
}

/** The address of an experiment's runs in MLflow: as the saved view shows them, if it has that. */
export function addressOfRuns({ id, hasView }) {
  return `../#/experiments/${encodeURIComponent(id)}/runs${VIEW}${hasView ? "&viewStateShareKey=bvtrack" : ""}`;
}

/** The run's name in a table's cell, as a link; if none can be opened, with its address or id to copy. */
export function fillName(cell, run, linkTo) {
  const address = linkTo(run);
  const isLink = address !== null && CAN_OPEN;
  const name = document.createElement(isLink ? "a" : "span");
  name.textContent = name.title = run.name;
  cell.append(name);
  if (isLink) openIn(name, address);
  else cell.append(copyable(address ?? run.id));
}

function openIn(link, address) {
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener";
}

function copyable(text) {
  const code = document.createElement("code");
  code.textContent = code.title = text;
  return code;
}
