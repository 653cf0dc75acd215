// The dashboard: from the filters in the address to numbers, figures and what is open. What the figures show is drawn by the service.

import { call, Refusal, rememberKey } from "./client.js";
import { addressOf, draw, frame } from "./figure.js";
import { dayOf, fill, make } from "./make.js";

const { language } = document.body.dataset;
const words = JSON.parse(document.body.dataset.words);
const get = (id) => document.getElementById(id);
const bar = get("bar");
const FIELDS = ["days", "from", "to", "channel", "language", "segment", "touchpoint", "topic"];
const FILTERS = ["channel", "language", "segment", "touchpoint", "topic"];
const FIGURES = [["sentiment"], ["volume"], ["touchpoints"], ["causes"], ["stages"], ["channels"], ["topics", true], ["problems", true]];
const MORE = [["topics_map", true], ["topics_over_time", true], ["topics_by_channel"], ["topics_by_segment"], ["topics_by_touchpoint", true], ["topics_by_cause", true], ["topics_nested"], ["topics_alike"], ["negative_share"], ["segments"]];
const MOST_LISTED = 6;
const dark = matchMedia("(prefers-color-scheme: dark)");
let state = new URLSearchParams(location.hash.slice(1));
let running = null;
let oldest = null;
let page = null;

const given = (key) => state.get(key) || "";
const isoDay = (time) => new Date(time).toISOString().slice(0, 10);

function go(changes) {
  for (const [key, value] of Object.entries(changes)) value ? state.set(key, value) : state.delete(key);
  history.pushState(null, "", `#${state}`);
  show();
}

function toForm() {
  for (const key of FIELDS) bar.elements[key].value = given(key);
  for (const key of ["from", "to"]) bar.elements[key].closest("label").hidden = given("days") !== "own";
}

/** The days that are asked for; the service's own default without any. */
function days() {
  const asked = given("days");
  if (asked === "own") return { since: given("from"), until: given("to") };
  if (asked === "all") return { since: oldest && isoDay(oldest) };
  return asked ? { since: isoDay(Date.now() - (Number(asked) - 1) * 86_400_000) } : {};
}

function parameters() {
  const pairs = Object.entries({ ...days(), ...Object.fromEntries(FILTERS.map((key) => [key, given(key)])) });
  return pairs.filter(([, value]) => value);
}

async function show() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  toForm();
  hide("notice", "key-form");
  try {
    const status = await call("/v1/status", null, signal);
    if (status.records === 0) return empty();
    if (given("days") === "all" && !oldest) oldest = (await call("/v1/feedback?order=oldest&limit=1", null, signal)).items[0]?.created_at;
    const query = parameters();
    const overview = await call(`/v1/overview?${new URLSearchParams([...query, ["display", language]])}`, null, signal);
    const shared = { ...Object.fromEntries(FILTERS.map((key) => [key, given(key)])), from: overview.since, to: overview.until };
    page = { words, language, query, shared };
    numbers(overview);
    get("shown").hidden = false;
    await Promise.all([follow(signal), ...Array.from(shownFigures(), (box) => draw(box, page, signal))]);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

const shownFigures = () => document.querySelectorAll(get("more").open ? ".figure" : "#figures .figure");

function numbers(overview) {
  const n = overview.items[0].value;
  const span = { from: dayOf(overview.since, language), to: dayOf(overview.until, language) };
  get("lead").textContent = fill(n ? words.period : words.none_in_period, span, language);
  get("numbers").replaceChildren(...overview.items.map(tile));
}

function tile({ name, shown, change, better }) {
  const note = change === null || change === undefined ? words.no_before : change.within_chance ? words.within_chance : words.beyond_chance;
  const kind = better === null ? "change" : better ? "change better" : "change worse";
  const told = shown.change === "–" ? [words.no_before] : [make("b", {}, shown.change), ` ${fill(words.was, { before: shown.before }, language)} · ${note}`];
  return make("li", {}, make("h2", {}, name), make("p", { class: "value" }, shown.value), make("p", { class: kind }, ...told));
}

// What is open.

async function follow(signal) {
  const [alerts, flags] = await Promise.all(["/v1/alerts?state=open&limit=", "/v1/flags?state=open&limit="].map((path) => call(path + MOST_LISTED, null, signal)));
  list("alerts", alerts.items.map(alertLine), words.no_alerts);
  list("flags", await Promise.all(flags.items.map((flag) => flagLine(flag, signal))), words.no_flags);
}

function list(id, lines, none) {
  get(id).replaceChildren(...(lines.length ? lines : [make("li", { class: "calm" }, none)]));
}

function alertLine(alert) {
  const key = { from: alert.since, to: alert.until };
  if (alert.series.dimension !== "all") key[alert.series.dimension] = alert.series.value;
  const when = fill(words.since_day, { day: dayOf(alert.since, language) }, language);
  return make("li", {}, make("a", { href: addressOf(key) }, alert.summary[language]), " ", make("span", { class: "when" }, when));
}

async function flagLine(flag, signal) {
  const record = await call(`/v1/feedback/${encodeURIComponent(flag.record_id)}`, null, signal).catch(() => null);
  const said = (record?.text || record?.turns?.find((turn) => turn.speaker === "customer")?.text || flag.record_id).replace(/\s+/g, " ");
  const subject = Array.from(said).slice(0, 90).join("");
  const href = `/#${new URLSearchParams({ similar: flag.record_id, subject })}`;
  const reasons = flag.reasons.map((reason) => reason[language]).join(language === "zh" ? "；" : "; ");
  const due = flag.deadline ? ` · ${fill(words.due, { day: new Date(flag.deadline).toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "short", timeStyle: "short" }) }, language)}` : "";
  return make("li", {}, make("span", { class: "level" }, fill(words.level, { level: flag.level }, language)), " ", make("a", { href }, subject), " ", make("span", { class: "when" }, reasons + due));
}

// Nothing there, and what went wrong.

const hide = (...ids) => ids.forEach((id) => { get(id).hidden = true; });

function notify(...content) {
  get("notice").replaceChildren(...content);
  get("notice").hidden = false;
}

function empty() {
  hide("shown");
  get("lead").textContent = "";
  notify(make("h2", {}, words.none_title), make("p", {}, words.none_hint), make("pre", {}, "cxnlp ingest feedback.csv"));
  setTimeout(show, 10_000);
}

function fail(error) {
  hide("shown");
  if (error.status === 401) {
    get("key-form").hidden = false;
    get("key").focus();
    return;
  }
  const detail = error instanceof Refusal && error.status ? error.message : words.unreachable;
  notify(make("h2", {}, words.failed_title), make("p", {}, detail), make("button", { class: "quiet", type: "button", onclick: show }, words.retry));
}

// What there is to choose.

async function learnChoices() {
  const everything = new URLSearchParams({ display: language, since: "1990-01-01" });
  const [taxonomy, segments, topics] = await Promise.all(["/v1/taxonomy", `/v1/charts/segments?${everything}`, "/v1/topics"].map((path) => call(path).catch(() => null)));
  const option = ([value, label]) => make("option", { value }, label);
  const add = (key, options) => bar.elements[key].append(...options);
  if (taxonomy) {
    add("touchpoint", taxonomy.stages.map((stage) =>
      make("optgroup", { label: stage[language] || stage.id }, ...taxonomy.touchpoints.filter((t) => t.stage === stage.id).map((t) => option([t.id, t[language] || t.id])))));
  }
  if (segments) add("segment", segments.layout.meta.keys.map(({ segment }) => option([segment, segment])));
  if (topics) add("topic", topics.items.map((topic) => option([topic.id, topic.names[language] || topic.names.en || topic.names.zh || topic.label])));
  toForm();
}

bar.addEventListener("submit", (event) => event.preventDefault());
bar.addEventListener("change", () => {
  const fields = Object.fromEntries(FIELDS.map((key) => [key, bar.elements[key].value]));
  if (fields.days !== "own") fields.from = fields.to = "";
  else if (page && !fields.from) Object.assign(fields, { from: page.shared.from, to: page.shared.to });
  go(fields);
});
get("clear").addEventListener("click", () => go(Object.fromEntries(FIELDS.map((key) => [key, ""]))));
get("more").addEventListener("toggle", () => {
  if (get("more").open && page) for (const box of document.querySelectorAll("#more-figures .figure")) draw(box, page, running.signal);
});
get("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  rememberKey(get("key").value);
  start();
});
document.querySelector(".switch").addEventListener("click", (event) => { event.currentTarget.href += location.hash; });
dark.addEventListener("change", show);
addEventListener("popstate", () => { state = new URLSearchParams(location.hash.slice(1)); show(); });

async function start() {
  await show();
  await learnChoices();
}

get("figures").append(...FIGURES.map(([name, isWide]) => frame(name, isWide, words)));
get("more-figures").append(...MORE.map(([name, isWide]) => frame(name, isWide, words)));
start();
