/** Where a run stands in MLflow: in the view for model training, whatever the user saw last. */

const VIEW = "?workflowType=machine_learning";

/** A function from a run to its address, which is `null` where `base` is no server: a file or a database has no pages. */
export function linksTo(base) {
  if (!/^(\.\.$|https?:\/\/)/.test(base ?? "")) return () => null;
  const start = `${base.replace(/\/$/, "")}/#/experiments/`;
  return (run) => `${start}${encodeURIComponent(run.experiment)}/runs/${encodeURIComponent(run.id)}${VIEW}`;
}

/** The run's name in a table's cell, as a link; without a page to open, with its id to be copied. */
export function fillName(cell, run, linkTo) {
  const address = linkTo(run);
  const name = document.createElement(address ? "a" : "span");
  name.textContent = run.name;
  name.title = address ? run.name : `${run.name} (${run.id})`;
  cell.append(name);
  if (address) openIn(name, address);
  else cell.append(copyable(run.id));
}

function openIn(link, address) {
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener";
}

function copyable(id) {
  const code = document.createElement("code");
  code.textContent = id;
  return code;
}
