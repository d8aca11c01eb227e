// The panel beside the pages: tabs, and the lists that are filled when they are looked at.

const tabs = [...document.querySelectorAll('[role="tab"]')];
const panes = [...document.querySelectorAll(".pane")];
const paneOf = (name) => byId(`pane-${name}`);

const openTab = (name) => {
  for (const tab of tabs) {
    const open = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(open));
    tab.tabIndex = open ? 0 : -1;
    if (open) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (name === "sections") drawTones();
  for (const pane of panes) pane.toggleAttribute("data-open", pane.id === `pane-${name}`);
  fillPage();
};
const openName = () => panes.find((pane) => pane.hasAttribute("data-open")).id.replace("pane-", "");

for (const tab of tabs) {
  tab.addEventListener("click", () => openTab(tab.id.replace("tab-", "")));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    openTab(next.id.replace("tab-", ""));
    next.focus();
  });
}

const valueOf = (figure) => {
  if (figure.v === undefined) return figure.d ?? figure.x;
  if (figure.k === "PERCENT") return `${shown(figure.v)}%`;
  const value = Math.abs(figure.v) >= 1e6 ? compact.format(figure.v).replace("-", "−") : shown(figure.v);
  return [value, figure.m, figure.u].filter(Boolean).join(" ");
};

const figureItem = (page, figure) => make("li", {}, make("a", { href: link(page, "g", figure.i) },
  make("span", { class: figure.r ? "doubt" : "" }, figure.x),
  make("span", { class: "value" }, valueOf(figure)),
  make("span", { class: "of" }, [figure.k.toLowerCase().replace("_", " "), figure.d, sure(figure.c)].filter(Boolean).join(" · "))));

const sentenceItem = (page, sentence) => make("li", { class: sentence.l ? toneOf(sentence.l) : "" },
  make("a", { href: link(page, "q", sentence.i) }, sentence.x, " ",
    make("span", { class: "of" }, sentence.l ? `${sentence.l}, ${percent(sentence.c)}` : "")));

// The tones of sections are drawn when they are first looked at: there may be thousands.
const toneBar = ([negative, positive]) => draw("svg", { class: "tone", viewBox: "0 0 60 8", width: 60, height: 8, role: "img",
  "aria-label": `${percent(negative / 1000)} negative, ${percent(positive / 1000)} positive` },
  draw("rect", { class: "track", width: 60, height: 8 }),
  draw("rect", { class: "negative", width: negative * 0.06, height: 8 }),
  draw("rect", { class: "positive", x: 60 - positive * 0.06, width: positive * 0.06, height: 8 }));
const drawTones = () => {
  for (const element of document.querySelectorAll("[data-tone]")) {
    element.append(toneBar(element.dataset.tone.split(" ").map(Number)));
    element.removeAttribute("data-tone");
  }
};

// Lists of what is on the page that is shown.
let filled = {};
const fillPage = async () => {
  const name = openName();
  const number = pages[current]?.number;
  if (number === undefined || filled[name] === number || !["figures", "sentences"].includes(name)) return;
  filled[name] = number;
  const data = await load(number);
  if (filled[name] !== number) return;
  const list = byId(`${name}-list`);
  if (name === "figures") {
    list.replaceChildren(make("h3", {}, `On page ${number}`), make("ul", { class: "list" }, ...data.figures.map((figure) => figureItem(number, figure))));
    if (!data.figures.length) list.append(make("p", { class: "none" }, "No figures on this page."));
  } else {
    byId("sentences-title").textContent = `On page ${number}`;
    list.replaceChildren(...data.sentences.map((sentence) => sentenceItem(number, sentence)));
    if (!data.sentences.length) list.append(make("li", { class: "none" }, "No sentences on this page."));
  }
};
document.addEventListener("page", fillPage);

// A table as a table, each cell with the way to its place.
const tableOf = async (table) => {
  const parts = await Promise.all([...new Set(table.z.map((place) => place[0]))].map(load));
  const cells = parts.flatMap((data) => data.cells.filter((cell) => cell.t === table.i).map((cell) => ({ ...cell, page: data.p, figure: data.figureOf.get(`${cell.t}.${cell.r}.${cell.k}`) })));
  const rows = Array.from({ length: table.rows }, () => []);
  for (const cell of cells) rows[cell.r]?.push(cell);
  const covered = new Set();
  const row = (list, r, head) => {
    const line = make("tr");
    const at = new Map(list.map((cell) => [cell.k, cell]));
    for (let k = 0; k < table.columns; k += 1) {
      if (covered.has(`${r}.${k}`)) continue;
      const cell = at.get(k);
      if (!cell) {
        line.append(make("td"));
        continue;
      }
      const [down, across] = [Math.min(cell.rs ?? 1, table.rows - r), Math.min(cell.ks ?? 1, table.columns - k)];
      for (let dr = 0; dr < down; dr += 1) for (let dk = 0; dk < across; dk += 1) covered.add(`${r + dr}.${k + dk}`);
      const inner = make("a", {
        href: link(cell.page, "c", `${cell.t}.${cell.r}.${cell.k}`),
        class: [cell.figure?.r ? "doubt" : "", cell.d ? `in${Math.min(cell.d, 3)}` : ""].join(" ").trim() || null,
      }, cell.x, cell.n ? make("sup", {}, cell.n) : null);
      const span = { rowspan: down > 1 ? down : null, colspan: across > 1 ? across : null };
      line.append(head || cell.h ? make("th", { ...span, scope: head ? (across > 1 ? "colgroup" : "col") : "row" }, inner) : make("td", span, inner));
    }
    return line;
  };
  const head = rows.slice(0, table.head).map((list, r) => row(list, r, true));
  const rest = rows.slice(table.head).map((list, at) => row(list, at + table.head, false));
  return make("table", { "aria-label": table.x || `Table on page ${table.z[0][0]}` },
    head.length ? make("thead", {}, ...head) : null, make("tbody", {}, ...rest));
};
for (const details of document.querySelectorAll("details.table")) {
  details.addEventListener("toggle", async () => {
    const grid = details.querySelector(".grid");
    if (details.open && !grid.firstChild) grid.replaceChildren(await tableOf(tables.get(Number(details.dataset.table))));
  });
}

// What is in doubt on a page.
for (const details of document.querySelectorAll("details.review")) {
  details.addEventListener("toggle", async () => {
    const list = details.querySelector(".list");
    if (!details.open || list.firstChild) return;
    const page = Number(details.dataset.page);
    const data = await load(page);
    const item = (kind, id, what, text, confidence) => make("li", {}, make("a", { href: link(page, kind, id) },
      make("span", {}, text || "(see the page)"), make("span", { class: "value" }, percent(confidence)), make("span", { class: "of" }, what)));
    const doubt = (things) => things.filter((thing) => thing.r);
    list.append(
      ...doubt(data.figures).map((figure) => item("g", figure.i, figure.a ? `figure; may also be ${figure.a.map(shown).join(" or ")}` : "figure", figure.x, figure.c)),
      ...doubt(data.sentences).map((sentence) => item("q", sentence.i, `tone: ${sentence.l}`, sentence.x, sentence.c)),
      ...doubt(data.names).map((name) => item("m", name.i, `name: ${name.k}`, name.x, name.c)),
      ...doubt(data.blocks).map((block) => item("b", block.i, `layout: ${block.l}`, block.x ?? textOf(block, data), block.c)));
  });
}

const textOf = (block, data) => {
  const inside = ([x0, y0, x1, y1]) => (x0 + x1) / 2 >= block.b[0] && (x0 + x1) / 2 <= block.b[2] && (y0 + y1) / 2 >= block.b[1] && (y0 + y1) / 2 <= block.b[3];
  const sentences = data.sentences.filter((sentence) => sentence.b[0] && inside(sentence.b[0])).map((sentence) => sentence.x);
  const cells = data.cells.filter((cell) => inside(cell.b)).map((cell) => cell.x);
  return (sentences.length ? sentences : cells).join(" ");
};

// Relations that hold, page by page as the list is scrolled.
const holds = byId("holds");
if (holds) {
  let next = 0;
  const more = make("button", { type: "button" }, "Show more");
  const add = async () => {
    let added = 0;
    while (next < pages.length && added < 30) {
      const data = await load(pages[next].number);
      next += 1;
      for (const hold of data.holds) {
        added += 1;
        const details = make("details", { class: "hold" }, make("summary", {}, make("span", { class: "text" }, hold.f),
          make("span", { class: "value" }, shown(hold.v)), make("span", { class: "of" }, `p. ${data.p}`)));
        details.addEventListener("toggle", async () => {
          if (details.open && details.children.length === 1) details.append(await ticksOf(hold, data.p));
        });
        byId("holds-list").append(details);
      }
    }
    more.hidden = next >= pages.length;
  };
  more.addEventListener("click", add);
  holds.append(more);
  holds.addEventListener("toggle", () => { if (holds.open && next === 0) add(); });
}

// The tick sheet of a relation that holds.
const ticksOf = async (hold, page) => {
  const numbers = new Set(hold.z.map((term) => term.p).filter(Boolean));
  const data = new Map(await Promise.all([...numbers].map(async (number) => [number, await load(number)])));
  const row = (term, at, kind) => {
    const cell = term.t && data.get(term.p)?.cellOf.get(term.t.join("."));
    const stub = term.t && data.get(term.p)?.cellOf.get(`${term.t[0]}.${term.t[1]}.0`);
    const name = stub && stub !== cell ? stub.x : term.p ? `on page ${term.p}` : "";
    const sign = kind === "printed" ? "=" : term.f < 0 ? "−" : at ? "+" : "";
    return make("tr", { class: kind }, make("td", { class: "sign" }, sign),
      make("th", { scope: "row" }, make("a", { href: link(page, "h", `${hold.i}.${at}`) }, name)),
      make("td", { class: "on" }, term.b ? cutOut(term.p, term.b) : null),
      make("td", { class: "n" }, cell ? cell.x : shown(term.v), kind === "printed" ? make("span", { class: "ok" }, " ✓") : null));
  };
  const last = hold.z.length - 1;
  return make("table", { class: "ticks" }, make("tbody", {}, ...hold.z.map((term, at) => row(term, at, at === last ? "printed" : null))));
};

// Cut-outs of the page: its picture as the background of a small box, loaded when it is seen.
const cutSize = (box) => {
  const [dx, dy] = [3, 1.5];
  const [width, height] = [box[2] - box[0] + 2 * dx, box[3] - box[1] + 2 * dy];
  const factor = Math.min(1.5, 220 / width, 60 / height);
  return { x: box[0] - dx, y: box[1] - dy, width, height, factor };
};
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    target.style.backgroundImage = `url("p${target.dataset.cut.split(" ")[0]}.jpg")`;
  }
}, { rootMargin: "300px" });
const cutInto = (element) => {
  const [number, ...box] = element.dataset.cut.split(" ").map(Number);
  const page = pageOf.get(number);
  element.setAttribute("aria-hidden", "true");
  if (!page?.picture) {
    element.hidden = true;
    return;
  }
  const { x, y, width, height, factor } = cutSize(box);
  Object.assign(element.style, {
    width: `${width * factor}px`, height: `${height * factor}px`,
    backgroundSize: `${page.width * factor}px ${page.height * factor}px`, backgroundPosition: `${-x * factor}px ${-y * factor}px`,
  });
  seen.observe(element);
};
const cutOut = (page, box) => {
  const element = make("span", { class: "cut", "data-cut": [page, ...box].join(" ") });
  cutInto(element);
  return element;
};
document.querySelectorAll(".cut").forEach(cutInto);

// Search: page after page, so that the first hits of a long document are there at once.
let searching = 0;
const search = async (text) => {
  const turn = (searching += 1);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const pane = paneOf("search");
  if (!words.length) {
    if (openName() === "search") openTab("findings");
    return;
  }
  const list = make("ul", { class: "said" });
  const status = make("p", { class: "of", role: "status" }, "Searching …");
  pane.replaceChildren(make("h2", {}, `“${text}”`), status, list);
  openTab("search");
  const fits = (content) => { const lower = content.toLowerCase(); return words.every((word) => lower.includes(word)); };
  let hits = 0;
  for (const page of pages) {
    const data = await load(page.number);
    if (turn !== searching) return;
    const found = [
      ...data.blocks.filter((block) => block.x && fits(block.x)).map((block) => ["b", block.i, block.x]),
      ...data.sentences.filter((sentence) => fits(sentence.x)).map((sentence) => ["q", sentence.i, sentence.x]),
      ...data.cells.filter((cell) => fits(cell.x)).map((cell) => {
        const stub = data.cellOf.get(`${cell.t}.${cell.r}.0`);
        return ["c", `${cell.t}.${cell.r}.${cell.k}`, stub && stub !== cell ? `${stub.x}: ${cell.x}` : cell.x];
      }),
    ];
    for (const [kind, id, content] of found) {
      hits += 1;
      if (hits <= 300) list.append(make("li", {}, make("a", { href: link(page.number, kind, id) }, content, " ", make("span", { class: "of" }, `p. ${page.number}`))));
    }
  }
  status.textContent = hits > 300 ? `${hits} places; the first 300 are listed` : hits === 1 ? "1 place" : `${hits} places`;
};
