// The pages: frames of the right size from the beginning, filled when they come near, emptied when they are far.

const sheets = byId("sheets");
const layers = new Set(["findings"]);
const LAYERS = ["findings", "blocks", "order", "tables", "figures", "names", "tone"];
let zoom = 1;
let current = 0;
let marked = [];
let tops = [];

const rectangle = ([x0, y0, x1, y1], className, pad = 0) => draw("rect", {
  class: `box ${className}`, x: x0 - pad, y: y0 - pad, width: Math.max(x1 - x0, 1) + 2 * pad, height: Math.max(y1 - y0, 1) + 2 * pad,
});

const drawers = {
  findings: (page) => core.findings.flatMap((finding) =>
    finding.z.filter((place) => place[0] === page.number).map((place) => rectangle(place[1], finding.s, 1.5))),
  blocks: (page, data) => data.blocks.flatMap((block) => {
    const width = block.l.length * 4 + 6;
    const left = Math.max(block.b[2] + 1 - width, block.b[0] - 1);
    return [
      rectangle(block.b, block.r ? "doubt" : "", 1),
      draw("rect", { class: "tag", x: left, y: block.b[1] - 9.5, width, height: 8.5 }),
      draw("text", { x: left + 3, y: block.b[1] - 3 }, block.l),
    ];
  }),
  order: (page, data) => {
    const points = [...data.blocks].sort((a, b) => a.o - b.o).map((block) => [Math.max(block.b[0] - 9, 7), (block.b[1] + block.b[3]) / 2]);
    return [
      draw("polyline", { points: points.map((point) => point.join(",")).join(" ") }),
      ...points.flatMap(([x, y], at) => [
        draw("circle", { cx: x, cy: y, r: 6 }), draw("text", { x, y }, String(at + 1)),
      ]),
    ];
  },
  tables: (page, data) => [
    ...data.cells.map((cell) => rectangle(cell.b, cell.h ? "cell head" : "cell", 0.8)),
    ...core.tables.flatMap((table) =>
      table.z.filter((place) => place[0] === page.number).map((place) => rectangle(place[1], "", 3))),
  ],
  figures: (page, data) => data.figures.filter((figure) => figure.b).map((figure) => rectangle(figure.b, "", 0.5)),
  names: (page, data) => data.names.map((name) => rectangle(name.b, "", 0.5)),
  tone: (page, data) => data.sentences.filter((sentence) => sentence.l).flatMap((sentence) =>
    sentence.b.map((box) => rectangle(box, toneOf(sentence.l)))),
};

const paint = (page) => {
  if (!page.svg) return;
  const data = arrived.get(page.number) ?? nothing(page.number);
  const groups = LAYERS.filter((layer) => layers.has(layer))
    .map((layer) => draw("g", { class: `l-${layer}` }, ...drawers[layer](page, data)));
  const marks = marked.filter(([number]) => number === page.number);
  const first = marked[0];
  groups.push(draw("g", { class: "l-mark" }, ...marks.map((place) => rectangle(place[1], place === first ? "" : "with", 2))));
  page.svg.replaceChildren(...groups);
};

// Without a picture the text of the blocks stands at its place, as large as fits.
const plain = (page, data) => {
  const cells = data.cells.map((cell) => [cell.b, cell.x]);
  const sentences = new Map();
  for (const sentence of data.sentences) {
    const block = data.blocks.find((one) => sentence.b[0]
      && sentence.b[0][1] >= one.b[1] - 1 && sentence.b[0][1] <= one.b[3] && sentence.b[0][0] >= one.b[0] - 1 && sentence.b[0][0] <= one.b[2]);
    if (block) sentences.set(block, `${sentences.get(block) ?? ""} ${sentence.x}`.trim());
  }
  const blocks = data.blocks.filter((block) => block.x).map((block) => [block.b, block.x]);
  return [...cells, ...[...sentences].map(([block, text]) => [block.b, text]), ...blocks].map(([box, text]) => {
    const scale = page.scale;
    const [width, height, length] = [box[2] - box[0], box[3] - box[1], Math.max(text.length, 1)];
    // One line is as wide as its box; a paragraph fills its box.
    const isLine = height < 15;
    const size = isLine ? Math.min(height * 0.95, width / length / 0.52) : Math.min(14, Math.sqrt((width * height) / length / 0.7));
    const element = make("div", { class: isLine ? "plain line" : "plain" }, text);
    Object.assign(element.style, {
      left: `${box[0] * scale}px`, top: `${box[1] * scale}px`, width: `${(box[2] - box[0]) * scale + 4}px`,
      fontSize: `${Math.max(size, 2) * scale}px`,
    });
    return element;
  });
};

const mount = async (page) => {
  if (page.svg) return;
  page.svg = draw("svg", { viewBox: `0 0 ${page.width} ${page.height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (page.picture) page.sheet.prepend(make("img", { src: `p${page.number}.jpg`, alt: "", decoding: "async", draggable: "false" }));
  page.sheet.append(page.svg);
  const data = await load(page.number);
  if (!page.svg) return;
  if (data.failed) page.sheet.append(make("p", { class: "notice" }, `The data of this page are missing: p${page.number}.js`));
  if (!page.picture) page.svg.before(...plain(page, data));
  paint(page);
};

const unmount = (page) => {
  if (!page.svg) return;
  page.svg = null;
  page.sheet.replaceChildren(page.label_);
};

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const page = pageOf.get(Number(entry.target.dataset.page));
    if (entry.isIntersecting) mount(page); else unmount(page);
  }
}, { root: sheets, rootMargin: "1200px 0px" });

for (const page of pages) {
  const named = page.label && page.label !== String(page.number) ? `Page ${page.number} (${page.label})` : `Page ${page.number}`;
  page.label_ = make("div", { class: "label" }, named);
  page.sheet = make("div", { class: "sheet", role: "img", "aria-label": named, "data-page": page.number }, page.label_);
}
sheets.append(...pages.map((page) => page.sheet));

// Every page as wide as the column, and no page larger than it is printed times the zoom allows.
const layout = () => {
  const room = Math.max(sheets.clientWidth - 32, 200);
  for (const page of pages) {
    page.scale = Math.min(room / page.width, 1.45) * zoom;
    Object.assign(page.sheet.style, { width: `${page.width * page.scale}px`, height: `${page.height * page.scale}px` });
  }
  tops = pages.map((page) => page.sheet.offsetTop - sheets.offsetTop);
};

const relayout = () => {
  const page = pages[current];
  const share = page ? (sheets.scrollTop - tops[current]) / Math.max(page.sheet.offsetHeight, 1) : 0;
  layout();
  if (page) sheets.scrollTop = tops[current] + share * page.sheet.offsetHeight;
  for (const one of pages.filter((other) => other.svg && !other.picture)) { unmount(one); mount(one); }
};

const pageShown = (number) => {
  byId("number").value = number;
  document.dispatchEvent(new CustomEvent("page", { detail: number }));
};

const follow = () => {
  const middle = sheets.scrollTop + sheets.clientHeight * 0.35;
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const at = (low + high + 1) >> 1;
    if (tops[at] <= middle) low = at; else high = at - 1;
  }
  if (low !== current && pages[low]) {
    current = low;
    pageShown(pages[low].number);
  }
};

const goTo = (number, box) => {
  const page = pageOf.get(number);
  if (!page) return;
  const down = box ? box[1] * page.scale - sheets.clientHeight * 0.3 : -8;
  sheets.scrollTop = tops[page.at] + Math.max(down, -8);
  if (box) sheets.scrollLeft = Math.max(box[0] * page.scale - sheets.clientWidth * 0.3, 0);
  current = page.at;
  pageShown(number);
};

const mark = (places) => {
  const before = marked;
  marked = places;
  for (const number of new Set([...before, ...places].map((place) => place[0]))) {
    const page = pageOf.get(number);
    if (page) paint(page);
  }
};

const setLayer = (layer, on) => {
  if (on) layers.add(layer); else layers.delete(layer);
  document.querySelector(`[data-layer="${layer}"]`).setAttribute("aria-pressed", String(on));
  pages.forEach(paint);
};

const setZoom = (factor) => {
  zoom = Math.min(Math.max(factor, 0.4), 4);
  relayout();
};

// Everything at a point, the smallest first.
const thingsAt = (page, data, x, y) => {
  const found = [];
  const add = (kind, id, title, box, tolerance = 1.5) => {
    if (box && x >= box[0] - tolerance && x <= box[2] + tolerance && y >= box[1] - tolerance && y <= box[3] + tolerance) {
      found.push({ kind, id, title, area: (box[2] - box[0]) * (box[3] - box[1]) });
    }
  };
  core.findings.forEach((finding, at) => finding.z.forEach((place) => {
    if (place[0] === page.number) add("f", at, `Finding: ${finding.k}`, place[1]);
  }));
  data.figures.forEach((figure) => add("g", figure.i, "Figure", figure.b));
  data.names.forEach((name) => add("m", name.i, "Name", name.b));
  data.cells.forEach((cell) => add("c", `${cell.t}.${cell.r}.${cell.k}`, "Cell", cell.b));
  data.sentences.forEach((sentence) => sentence.b.forEach((box) => add("q", sentence.i, "Sentence", box)));
  data.blocks.forEach((block) => add("b", block.i, `Block: ${block.l}`, block.b));
  core.tables.forEach((table) => table.z.forEach((place) => {
    if (place[0] === page.number) add("t", table.i, "Table", place[1]);
  }));
  const rank = (thing) => "fgmcqbt".indexOf(thing.kind);
  return found.sort((a, b) => (a.kind === "f" ? 0 : 1) - (b.kind === "f" ? 0 : 1) || a.area - b.area || rank(a) - rank(b))
    .filter((thing, at, all) => all.findIndex((other) => other.kind === thing.kind && other.id === thing.id) === at);
};

sheets.addEventListener("click", async (event) => {
  const sheet = event.target.closest(".sheet");
  if (!sheet || window.getSelection().type === "Range") return;
  const page = pageOf.get(Number(sheet.dataset.page));
  const frame = sheet.getBoundingClientRect();
  const [x, y] = [(event.clientX - frame.left) / page.scale, (event.clientY - frame.top) / page.scale];
  const found = thingsAt(page, await load(page.number), x, y);
  if (found.length) choose(link(page.number, found[0].kind, found[0].id), found); else choose(link(page.number), [], true);
});
sheets.addEventListener("scroll", follow, { passive: true });
