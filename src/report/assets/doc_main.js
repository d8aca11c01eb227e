// Addresses and keys: every choice is an address, so that it can be sent, and "back" works.

let others = [];
let clicked = false;
let turn = 0;

const choose = (hash, things = [], asked = false) => {
  others = things;
  clicked = asked;
  if (location.hash === hash) route(); else location.hash = hash;
};

const highlight = (hash) => {
  document.querySelectorAll(".chosen").forEach((element) => element.classList.remove("chosen"));
  for (const anchor of panes.flatMap((pane) => [...pane.querySelectorAll(`a[href="${CSS.escape(hash)}"]`)])) {
    if (!anchor.closest(".finding")) anchor.classList.add("chosen");
  }
};

const route = async () => {
  const mine = (turn += 1);
  const target = parse(location.hash);
  const found = await resolve(target);
  if (target.page !== undefined && pageOf.has(target.page)) await load(target.page);
  if (mine !== turn) return;
  const place = found?.places[0];
  if (place) goTo(place[0], place[1]); else if (target.page !== undefined) goTo(target.page);
  mark(found?.places ?? []);
  showDetail(found, { ...target, page: target.page ?? place?.[0] }, others, clicked);
  others = [];
  clicked = false;
  highlight(location.hash);
  document.querySelectorAll(".finding.open").forEach((element) => element.classList.remove("open"));
  if (found?.kind === "f") {
    const card = byId(`finding-${target.path[0]}`);
    if (openName() !== "findings") openTab("findings");
    card?.classList.add("open");
    card?.scrollIntoView({ block: "nearest" });
    // Where the card is seen, it says all that there is to say.
    detail.hidden = !isNarrow();
  }
  if (target.kind || target.page !== undefined) showPages(true);
  fillPage();
};

const isNarrow = () => byId("swap").offsetParent !== null;

// At phone width pages and panel take turns.
const showPages = (on) => {
  document.body.classList.toggle("on-pages", on);
  byId("swap").setAttribute("aria-pressed", String(on));
  byId("swap").textContent = on ? "Findings" : "Pages";
  if (on && sheets.clientWidth && Math.abs(sheets.clientWidth - measured) > 1) relayout();
};

const stepPage = (by) => {
  const page = pages[Math.min(Math.max(current + by, 0), pages.length - 1)];
  if (page) goTo(page.number);
};

const stepFinding = (by) => {
  if (!core.order.length) return;
  const target = parse(location.hash);
  const at = target.kind === "f" ? core.order.indexOf(target.path[0]) : by > 0 ? -1 : core.order.length;
  const next = core.order[(at + by + core.order.length) % core.order.length];
  const page = core.findings[next].p;
  choose(page ? link(page, "f", next) : `#f=${next}`);
};

const keys = {
  n: () => stepFinding(1),
  b: () => stepFinding(-1),
  j: () => stepPage(1),
  k: () => stepPage(-1),
  "/": () => byId("search").focus(),
  "+": () => setZoom(zoom * 1.2),
  "-": () => setZoom(zoom / 1.2),
  "?": () => byId("keys").showModal(),
  Escape: () => closeDetail(),
};
LAYERS.forEach((layer, at) => { keys[String(at + 1)] = () => setLayer(layer, !layers.has(layer)); });

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

byId("previous").addEventListener("click", () => stepPage(-1));
byId("next").addEventListener("click", () => stepPage(1));
byId("smaller").addEventListener("click", () => setZoom(zoom / 1.2));
byId("larger").addEventListener("click", () => setZoom(zoom * 1.2));
byId("help").addEventListener("click", () => byId("keys").showModal());
byId("swap").addEventListener("click", () => showPages(!document.body.classList.contains("on-pages")));
byId("number").addEventListener("change", () => goTo(Number(byId("number").value)));
for (const button of document.querySelectorAll("[data-layer]")) {
  button.addEventListener("click", () => setLayer(button.dataset.layer, !layers.has(button.dataset.layer)));
}
let pause = 0;
byId("search").addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => search(byId("search").value), 200);
});
byId("search").form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(pause);
  search(byId("search").value);
});
// The same address again marks it again.
document.addEventListener("click", (event) => {
  const anchor = event.target.closest('a[href^="#p"], a[href^="#f"]');
  if (anchor && anchor.getAttribute("href") === location.hash) route();
});
window.addEventListener("hashchange", route);

let measured = 0;
byId("of").textContent = `of ${pages.length ? pages[pages.length - 1].number : 0}`;
byId("number").max = pages.length ? pages[pages.length - 1].number : 1;
layout();
measured = sheets.clientWidth;
new ResizeObserver(() => {
  if (!sheets.clientWidth || Math.abs(sheets.clientWidth - measured) <= 1) return;
  measured = sheets.clientWidth;
  relayout();
}).observe(sheets);
pages.forEach((page) => near.observe(page.sheet));
if (pages.length) pageShown(pages[0].number);
if (location.hash) route();
