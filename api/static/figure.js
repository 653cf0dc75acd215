// A figure as the service draws it, and the same as a table. Every point and every row leads to its records.

import { call } from "./client.js";
import { make } from "./make.js";

const CONFIG = { displayModeBar: false, responsive: true, showTips: false };
const SEARCHED = ["channel", "language", "label", "intent", "risk", "touchpoint", "cause", "stage", "topic", "segment", "source", "from", "to"];

/** The address of the search page that lists these records; of the same field what is nearer to the point counts. */
export function addressOf(...keys) {
  const all = Object.assign({}, ...keys);
  const found = new URLSearchParams();
  for (const [field, value] of Object.entries(all)) if (value && (SEARCHED.includes(field) || field.startsWith("attributes."))) found.set(field, value);
  if (all.pair) all.pair.split("/").forEach((value, at) => found.set(["touchpoint", "cause"][at], value));
  if (!all.label) found.set("label", "any");
  return `/#${found}`;
}

function tableOf(meta, shared) {
  const cell = (text, at, row) => {
    const key = meta.keys[row];
    return make("td", {}, at === 0 && key ? make("a", { href: addressOf(shared, key) }, text) : text);
  };
  const head = make("tr", {}, ...meta.columns.map((name) => make("th", { scope: "col" }, name)));
  const rows = meta.rows.map((texts, row) => make("tr", {}, ...texts.map((text, at) => cell(text, at, row))));
  return make("table", {}, make("caption", { class: "unseen" }, meta.title), make("thead", {}, head), make("tbody", {}, ...rows));
}

export function frame(name, isWide, words) {
  const box = make("section", { class: isWide ? "figure wide" : "figure", "data-name": name, "aria-labelledby": `title-${name}` });
  const table = make("details", { hidden: true }, make("summary", {}, words.as_table), make("div", { class: "table", tabindex: "0", role: "group", "aria-label": words.as_table }));
  box.append(make("h2", { id: `title-${name}` }, "…"), make("div", { class: "plot" }), table);
  return box;
}

/**
 * Draw a figure into its frame.
 * @param page {words, language, shared: the filter of the page, query: it as parameters}
 */
export async function draw(box, page, signal) {
  const plot = box.querySelector(".plot");
  const title = box.querySelector("h2");
  plot.setAttribute("aria-busy", "true");
  const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const parameters = new URLSearchParams([...page.query, ["display", page.language], ["theme", theme]]);
  let figure;
  try {
    figure = await call(`/v1/charts/${box.dataset.name}?${parameters}`, null, signal);
  } catch (error) {
    if (!signal.aborted) {
      plot.replaceChildren(make("p", { class: "trouble", role: "alert" }, error.message || page.words.unreachable));
      plot.removeAttribute("aria-busy");
    }
    return null;
  }
  const { meta } = figure.layout;
  title.textContent = meta.title;
  const layout = { ...figure.layout, title: undefined, autosize: true, dragmode: false };
  layout.margin = { ...layout.margin, t: Math.max(12, (layout.margin?.t ?? 72) - 40) };
  if (plot.querySelector(".trouble")) plot.replaceChildren();
  await window.Plotly.react(plot, figure.data, layout, CONFIG);
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `${meta.title}. ${page.words.as_table_hint}`);
  plot.removeAllListeners?.("plotly_click");
  plot.on("plotly_click", (event) => {
    const key = event.points[0]?.customdata;
    if (key) location.assign(addressOf(page.shared, key));
  });
  const details = box.querySelector("details");
  details.hidden = meta.rows.length === 0;
  details.querySelector(".table").replaceChildren(tableOf(meta, page.shared));
  plot.removeAttribute("aria-busy");
  return meta;
}
