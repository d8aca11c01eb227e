"use strict";
// The model: what the page brought with it, the data of pages as they are loaded, and what an address points at.
// Everything a document says goes into the page as text (`textContent`), never as markup.

const byId = (id) => document.getElementById(id);
const core = JSON.parse(byId("data").textContent);

// An element with attributes and children; text children become text nodes.
const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
};
const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const pages = core.pages.map(([number, width, height, picture, label]) => ({ number, width, height, picture, label }));
const pageOf = new Map(pages.map((page, at) => [page.number, Object.assign(page, { at })]));
const tables = new Map(core.tables.map((table) => [table.i, table]));
const decimals = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const shown = (value) => decimals.format(value).replace("-", "−");
const percent = (value) => `${Math.round(value * 100)}%`;
// What is not certain does not read as certain.
const sure = (value) => (value > 0.995 && value < 1 ? "> 99%" : percent(value));

// The data of a page come as a script that calls this: a file beside this page, read without a server.
const arrived = new Map();
const asked = new Map();
window.docprocPage = (data) => {
  const cells = new Map(data.cells.map((cell) => [`${cell.t}.${cell.r}.${cell.k}`, cell]));
  const figureOf = new Map();
  for (const figure of data.figures) {
    const cell = figure.t && cells.get(figure.t.join("."));
    figure.x ??= cell?.x ?? "";
    figure.b ??= cell?.b;
    if (figure.t) figureOf.set(figure.t.join("."), figure);
  }
  arrived.set(data.p, Object.assign(data, { cellOf: cells, figureOf }));
};
const nothing = (number) => ({
  p: number, failed: true, blocks: [], cells: [], figures: [], sentences: [], names: [], sections: [], scores: [], holds: [],
  cellOf: new Map(), figureOf: new Map(),
});
const load = (number) => {
  if (!asked.has(number)) {
    asked.set(number, new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = `p${number}.js`;
      script.onload = script.onerror = () => {
        script.remove();
        resolve(arrived.get(number) ?? nothing(number));
      };
      document.head.append(script);
    }));
  }
  return asked.get(number);
};

// Addresses: `#p12&f=3` is finding 3 on page 12, `f=3.1` its second term; t table, c cell (table.row.column), s section,
// q sentence, g figure, m name, b block, h relation that holds (h=5.1 its second term).
const parse = (hash) => {
  const target = {};
  for (const part of decodeURIComponent(hash.replace(/^#/, "")).split("&")) {
    const page = /^p(\d+)$/.exec(part);
    const thing = /^([ftcsqgmbh])=(\d+(?:\.\d+)*)$/.exec(part);
    if (page) target.page = Number(page[1]);
    else if (thing) Object.assign(target, { kind: thing[1], id: thing[2], path: thing[2].split(".").map(Number) });
  }
  return target;
};
const titleOf = (section) =>
  document.querySelector(`#pane-sections a[href="${CSS.escape(link(core.sections[section], "s", section))}"] .heading`)?.textContent;
const link = (page, kind, id) => `#p${page}${kind ? `&${kind}=${id}` : ""}`;

const tonesOf = (sentence) => {
  const sum = { negative: 0, neutral: 0, positive: 0 };
  (sentence.p ?? []).forEach((value, at) => { if (core.tones[at]) sum[core.tones[at]] += value ?? 0; });
  return sum;
};
const toneOf = (label) => core.tones[core.labels.indexOf(label)] ?? "neutral";

// What an address points at: `places` are [page, box], the first is the one to look at. Loads the data of the page.
const resolve = async (target) => {
  const { kind, path, page } = target;
  if (kind === "f") {
    const finding = core.findings[path[0]];
    if (!finding) return null;
    const at = path.length > 1 ? path[1] : finding.terms > 0 ? finding.terms - 1 : 0;
    const places = finding.z.length ? [finding.z[at] ?? finding.z[0], ...finding.z.filter((_, other) => other !== at)] : [];
    return { kind, finding, places };
  }
  if (kind === "t") {
    const table = tables.get(path[0]);
    return table ? { kind, table, data: await load(table.z[0][0]), places: [...table.z] } : null;
  }
  if (kind === "s") {
    const data = await load(core.sections[path[0]] ?? page);
    const section = data.sections.find((one) => one.i === path[0]);
    if (!section) return null;
    const blocks = data.blocks.filter((block) => section.b.includes(block.i));
    return { kind, section, data, places: blocks.map((block) => [data.p, block.b]) };
  }
  if (!kind || !pageOf.has(page)) return null;
  const data = await load(page);
  const here = (thing, name, boxes = [thing?.b]) =>
    thing ? { kind, [name]: thing, data, places: boxes.filter(Boolean).map((box) => [page, box]) } : null;
  if (kind === "c") return here(data.cellOf.get(target.id), "cell");
  if (kind === "g") return here(data.figures.find((figure) => figure.i === path[0]), "figure");
  if (kind === "m") return here(data.names.find((name) => name.i === path[0]), "name");
  if (kind === "b") return here(data.blocks.find((block) => block.i === path[0]), "block");
  if (kind === "q") {
    const sentence = data.sentences.find((one) => one.i === path[0]);
    const found = here(sentence, "sentence", sentence?.b);
    found?.places.push(...(sentence.w ?? []));
    return found;
  }
  if (kind === "h") {
    const hold = data.holds.find((one) => one.i === path[0]);
    if (!hold) return null;
    const at = path.length > 1 ? path[1] : hold.z.length - 1;
    const place = (term) => (term.b ? [term.p, term.b] : null);
    const places = [hold.z[at], ...hold.z.filter((_, other) => other !== at)].map(place).filter(Boolean);
    return { kind, hold, data, places };
  }
  return null;
};
