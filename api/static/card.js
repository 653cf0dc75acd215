// One record as a card. Texts reach the page as text nodes only.

const MOST_SHOWN = 700;
const AROUND = 220;
const TURNS_AROUND = 2;

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Between -1 and 1: how it looks. */
export function tone(sentiment) {
  if (sentiment <= -0.6) return "worst";
  if (sentiment <= -0.25) return "bad";
  if (sentiment < 0.25) return "plain";
  return sentiment < 0.6 ? "good" : "best";
}

const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;

/** Offsets count code points, as Python does; JavaScript's strings count UTF-16 units. */
function marked(text, spans, start, end) {
  const points = Array.from(text);
  const stop = Math.min(end, points.length);
  const edges = new Set([start, stop]);
  for (const span of spans) for (const edge of [span.start, span.end]) if (edge > start && edge < stop) edges.add(edge);
  const order = [...edges].sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i + 1 < order.length; i += 1) {
    const piece = points.slice(order[i], order[i + 1]).join("");
    const over = spans.filter((span) => span.start <= order[i] && span.end >= order[i + 1]);
    const hit = over.find((span) => span.kind === "hit");
    const read = over.find((span) => span.kind !== "hit");
    let node = document.createTextNode(piece);
    if (read) node = make("span", { class: `read ${read.kind}` }, node);
    if (hit) node = make("mark", {}, node);
    parts.push(node);
  }
  if (start > 0) parts.unshift("… ");
  if (stop < points.length) parts.push(" …");
  return parts;
}

function spansOf(record, quote) {
  const spans = (record.observations || []).map((o) => ({ ...o.quote, kind: tone(o.sentiment) }));
  spans.push(...(record.risks || []).map((r) => ({ ...r.quote, kind: "worst" })));
  if (quote) spans.push({ ...quote, kind: "hit" });
  return spans;
}

function windowOf(length, spans, whole) {
  if (whole || length <= MOST_SHOWN) return [0, length];
  const first = spans.find((span) => span.kind === "hit") || spans[0];
  const start = first && first.start > MOST_SHOWN - AROUND ? first.start - AROUND : 0;
  return [start, start + MOST_SHOWN];
}

function turnsShown(record, spans, whole) {
  const all = record.turns.map((turn, number) => ({ ...turn, number }));
  if (whole || all.length <= 2 * TURNS_AROUND + 2) return all;
  const first = spans.find((span) => span.kind === "hit") || spans[0];
  const centre = first ? first.turn : all.findIndex((turn) => turn.speaker === "customer");
  return all.filter((turn) => Math.abs(turn.number - centre) <= TURNS_AROUND);
}

function textOf(record, quote, words, whole = false) {
  const spans = spansOf(record, quote);
  const box = make("div", { class: "text" });
  let cut;
  if (record.turns) {
    const shown = turnsShown(record, spans, whole);
    cut = shown.length < record.turns.length;
    for (const turn of shown) {
      const own = spans.filter((span) => span.turn === turn.number);
      const [start, end] = windowOf(Array.from(turn.text).length, own, whole);
      cut ||= end - start < Array.from(turn.text).length;
      box.append(make("p", { class: turn.speaker }, make("b", {}, words[turn.speaker]), " ", ...marked(turn.text, own, start, end)));
    }
  } else {
    const length = Array.from(record.text).length;
    const [start, end] = windowOf(length, spans, whole);
    cut = end - start < length;
    box.append(make("p", {}, ...marked(record.text, spans, start, end)));
  }
  if (cut) box.append(make("button", { class: "link", type: "button", onclick: () => box.replaceWith(textOf(record, quote, words, true)) }, words.whole));
  return box;
}

function ratingOf(rating) {
  const value = Number(rating.value.toFixed(1));
  if (rating.scale === "stars") return make("span", { class: "stars", "aria-label": `${value}/5` }, "★".repeat(Math.round(value)), make("i", {}, "★".repeat(5 - Math.round(value))));
  return make("span", {}, `${rating.scale.toUpperCase()} ${value}`);
}

function headOf(record, page) {
  const { words, name, language } = page;
  const at = new Date(record.created_at);
  const head = make("header", {});
  if (record.sentiment === undefined) head.append(make("span", { class: "score plain" }, "…"), make("span", {}, words.waiting));
  else {
    head.append(
      make("strong", { class: `score ${tone(record.sentiment)}`, title: `${words.sentiment}: ${words[record.label]}` }, signed(record.sentiment)),
      make("span", { class: "intent" }, name("intents", record.intent)),
    );
  }
  head.append(make("span", {}, words[record.channel]));
  if (record.rating) head.append(ratingOf(record.rating));
  if (record.corrected) head.append(make("span", { class: "corrected" }, words.corrected));
  const day = at.toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { year: "numeric", month: "short", day: "numeric" });
  head.append(make("time", { datetime: record.created_at, title: at.toLocaleString() }, day));
  return head;
}

function chipsOf(record, name) {
  const seen = new Set();
  const chips = (record.observations || []).map((o) => {
    const label = o.cause ? `${name("touchpoints", o.touchpoint)} · ${name("causes", o.cause)}` : name("touchpoints", o.touchpoint);
    if (seen.has(label)) return null;
    seen.add(label);
    return make("li", { class: tone(o.sentiment) }, label);
  });
  for (const id of new Set((record.risks || []).map((r) => r.id))) chips.push(make("li", { class: "risk" }, `⚠ ${name("risks", id)}`));
  return chips.some(Boolean) ? make("ul", { class: "chips" }, ...chips) : null;
}

/**
 * @param hit {record, quote, score}; quote and score only in answers to a search
 * @param page {words, language, name(kind, id), onSimilar(record)}
 */
export function card(hit, page) {
  const { record, quote, score } = hit;
  const { words, name } = page;
  const { resolution, product, region } = record.attributes || {};
  const likeness = score === undefined ? null : words.likeness.replace("{percent}", Math.round(score * 100));
  const from = [likeness, record.source, product, region].filter((part) => typeof part === "string").join(" · ");
  const foot = make("footer", {}, make("span", { class: "source" }, from));
  if (record.sentiment !== undefined) foot.append(make("button", { class: "quiet", type: "button", onclick: () => page.onSimilar(record) }, words.similar));
  const article = make("article", { lang: record.language === "zh" ? "zh-CN" : record.language }, headOf(record, page), textOf(record, quote, words));
  const chips = chipsOf(record, name);
  if (chips) article.append(chips);
  if (resolution) article.append(make("p", { class: "resolution" }, make("b", {}, words.resolution), " ", String(resolution)));
  article.append(foot);
  return make("li", {}, article);
}
