// Elements, and texts with numbers in them. Texts reach the page as text nodes only.

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** "{n} shown" with {n: 1200} is "1,200 shown". */
export const fill = (text, values, language) => text.replace(/\{(\w+)\}/g, (_, key) => values[key].toLocaleString(language));

export const dayOf = (time, language) => new Date(time).toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { year: "numeric", month: "short", day: "numeric" });
