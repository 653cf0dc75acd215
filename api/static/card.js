// One record as a card: what was said, why it was found, what was done about it.

import { dayOf, fill, make } from "./make.js";
import { marked, tone, wordsIn } from "./marks.js";

const MOST_SHOWN = 700;
const AROUND = 220;
const TURNS_AROUND = 2;
const ALIKE_FROM = 0.5;

const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;

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

function textOf({ record, quote, matched }, words, whole = false) {
  const spans = spansOf(record, quote);
  const box = make("div", { class: "text" });
  let cut = false;
  const paragraph = (text, own, isCustomer) => {
    const length = Array.from(text).length;
    const [start, end] = windowOf(length, own, whole);
    cut ||= end - start < length;
    return marked(text, isCustomer ? [...own, ...wordsIn(text, matched)] : own, start, end);
  };
  if (record.turns) {
    const shown = turnsShown(record, spans, whole);
    cut = shown.length < record.turns.length;
    for (const turn of shown) {
      const own = spans.filter((span) => span.turn === turn.number);
      box.append(make("p", { class: turn.speaker }, make("b", {}, words[turn.speaker]), " ", ...paragraph(turn.text, own, turn.speaker === "customer")));
    }
  } else box.append(make("p", {}, ...paragraph(record.text, spans, true)));
  if (cut) {
    const unfold = () => {
      const all = textOf({ record, quote, matched }, words, true);
      box.replaceWith(all);
      all.closest("article")?.focus({ preventScroll: true });
    };
    box.append(make("button", { class: "link", type: "button", onclick: unfold }, words.whole));
  }
  return box;
}

function ratingOf(rating) {
  const value = Number(rating.value.toFixed(1));
  if (rating.scale === "stars") return make("span", { class: "stars", role: "img", "aria-label": `${value}/5` }, "★".repeat(Math.round(value)), make("i", {}, "★".repeat(5 - Math.round(value))));
  return make("span", {}, `${rating.scale.toUpperCase()} ${value}`);
}

/** How alike it is, as a bar with its per cent, and how many say the same. */
function likenessOf({ score, copies }, { words, language }) {
  if (score === undefined) return [];
  const percent = Math.round(score * 100);
  const filled = make("i", {});
  filled.style.width = `${percent}%`;
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, filled);
  const likeness = make("span", { class: score < ALIKE_FROM ? "likeness low" : "likeness", title: words.likeness_title }, bar, fill(words.likeness, { percent }, language));
  if (!(copies > 1)) return [likeness];
  const said = fill(words.copies_title, { n: copies }, language);
  return [likeness, make("span", { class: "copies", title: said, role: "img", "aria-label": said }, `× ${copies.toLocaleString(language)}`)];
}

function headOf(hit, page) {
  const { record } = hit;
  const { words, name, language } = page;
  const head = make("header", {}, ...likenessOf(hit, page));
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
  head.append(make("time", { datetime: record.created_at, title: new Date(record.created_at).toLocaleString() }, dayOf(record.created_at, language)));
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

function durationOf(hours, { words, language }) {
  if (hours < 1) return fill(words.after_minutes, { n: Math.round(hours * 60) }, language);
  if (hours < 72) return fill(words.after_hours, { n: Math.round(hours) }, language);
  return fill(words.after_days, { n: Math.round(hours / 24) }, language);
}

/** What was done about it; a list knows no more than the resolution as it was sent. */
function outcomeOf({ record, outcome }, page) {
  const { words } = page;
  const { resolution, reply, hours } = outcome || { resolution: record.attributes?.resolution };
  const isTimed = typeof hours === "number";
  if (!resolution && !reply && !isTimed) return null;
  const line = make("p", {}, make("b", {}, words.resolution));
  if (resolution) line.append(" ", make("span", { class: "ended" }, String(resolution)));
  else if (!isTimed) line.append(" ", words.replied);
  if (isTimed) line.append(" · ", make("span", { class: "hours" }, durationOf(hours, page)));
  if (typeof outcome?.rating === "number" && record.rating) line.append(` · ${words.rated} `, ratingOf(record.rating));
  return make("div", { class: "resolution" }, line, reply ? make("details", {}, make("summary", {}, words.reply), make("p", { class: "reply" }, reply)) : null);
}

function footOf(hit, page) {
  const { record, score } = hit;
  const { words } = page;
  const { product, region } = record.attributes || {};
  const from = [record.source, product, region].filter((part) => typeof part === "string").join(" · ");
  const foot = make("footer", {}, make("span", { class: "source" }, from));
  if (record.sentiment === undefined) return foot;
  const button = (label, title, onclick) => make("button", { class: "quiet", type: "button", title, onclick }, label);
  foot.append(button(words.similar, words.similar_title, () => page.onSimilar(record)));
  if (score !== undefined && page.onExample) {
    foot.append(button(words.more_like, words.more_like_title, () => page.onExample("like", record)));
    foot.append(button(words.less_like, words.less_like_title, () => page.onExample("unlike", record)));
  }
  return foot;
}

/**
 * @param hit {record, quote, score, matched, outcome, copies}; only the record in a list
 * @param page {words, language, name(kind, id), onSimilar(record), onExample(key, record)}
 */
export function card(hit, page) {
  const { record } = hit;
  const article = make("article", { lang: record.language === "zh" ? "zh-CN" : record.language, tabindex: "-1" }, headOf(hit, page), textOf(hit, page.words));
  for (const part of [chipsOf(record, page.name), outcomeOf(hit, page)]) if (part) article.append(part);
  article.append(footOf(hit, page));
  return make("li", {}, article);
}
