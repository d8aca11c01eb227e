// What docproc says of the thing that was chosen.

const detail = byId("detail");

const facts = (entries) => make("dl", { class: "facts" }, ...entries.filter(([, value]) => value !== undefined && value !== null && value !== "")
  .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

const bars = (score) => {
  const most = Math.max(...score.w.map((part) => Math.abs(part[2])), 1e-9);
  return make("table", { class: "why" }, make("caption", { class: "hidden" }, `What moved ${score.n}`), make("tbody", {}, ...score.w.map(([feature, value, effect]) => {
    const width = (Math.abs(effect) / most) * 50;
    return make("tr", {}, make("th", { scope: "row" }, feature),
      make("td", {}, draw("svg", { viewBox: "0 0 100 8", width: 100, height: 8, role: "img", "aria-label": effect < 0 ? "lowers it" : "raises it" },
        draw("rect", { class: effect < 0 ? "down" : "up", x: effect < 0 ? 50 - width : 50, width, height: 8 }),
        draw("rect", { class: "axis", x: 49.75, width: 0.5, height: 8 }))),
      make("td", { class: "n" }, shown(value)));
  })));
};

const scoresOn = (data, kind, id) => data.scores.filter((score) => score.on?.[kind] === id);
const scoreParts = (scores) => scores.flatMap((score) => [
  make("h3", {}, `${score.n}: `, make("b", {}, score.k ? `${score.k} (${percent(score.v)})` : percent(score.v)), score.f && !score.k ? " – above the threshold" : ""),
  bars(score),
  score.q ? make("ul", { class: "said" }, ...score.q.map(([page, id, text]) => make("li", {}, make("a", { href: link(page, "q", id) }, text, " ", make("span", { class: "of" }, `p. ${page}`))))) : null,
]);

const scaleName = (power) => ({ 3: "thousands", 6: "millions", 9: "billions" })[power] ?? `10^${power}`;
const doubt = (thing) => (thing.r ? "in doubt: below the threshold, or readable in two ways" : null);

const valueParts = (figure) => [
  make("p", { class: "big" }, figure.v === undefined ? figure.d ?? figure.x : `${shown(figure.v)}${figure.k === "PERCENT" ? "%" : ""} ${figure.m ?? ""} ${figure.u ?? ""}`.trim()),
  make("blockquote", {}, figure.x),
];
const figureFacts = (figure) => [
    ["Kind", figure.k.toLowerCase().replace("_", " ")],
    ["Unit", figure.u], ["Currency", figure.m], ["Scale", figure.e ? `in ${scaleName(figure.e)}` : null], ["Period", figure.d],
    ["May also be", figure.a?.map(shown).join(" or ")],
    ["Confidence", sure(figure.c)], ["Review", doubt(figure)],
    ["Read by", `rules${core.models.confidence_estimator ? `; confidence by ${core.models.confidence_estimator}` : ""}`],
];
const figureParts = (figure, data) => [
  ...valueParts(figure),
  facts([
    ...figureFacts(figure),
    ["Stands in", figure.t ? make("a", { href: link(data.p, "c", figure.t.join(".")) }, `table ${figure.t[0]}, row ${figure.t[1] + 1}, column ${figure.t[2] + 1}`)
      : figure.q !== undefined ? make("a", { href: link(data.p, "q", figure.q) }, "a sentence") : null],
  ]),
];

const kinds = {
  f: ({ finding }) => [`Finding: ${finding.k}`, [make("p", {}, finding.x), finding.z.length > 1 ? make("p", { class: "of" }, "All its places are marked on the pages.") : null]],
  g: ({ figure, data }) => ["Figure", figureParts(figure, data)],
  c: ({ cell, data }) => {
    const figure = data.figureOf.get(`${cell.t}.${cell.r}.${cell.k}`);
    const row = data.cellOf.get(`${cell.t}.${cell.r}.0`);
    const table = tables.get(cell.t);
    const where = [
      ["Row", row && row !== cell ? row.x : `${cell.r + 1}`], ["Column", table?.d?.[cell.k] ?? `${cell.k + 1}`],
      ["Notes", cell.n], ["Table", make("a", { href: link(table.z[0][0], "t", cell.t) }, table?.x || `table ${cell.t}`)],
    ];
    return [cell.h ? "Header cell" : "Cell", figure ? [...valueParts(figure), facts([...where, ...figureFacts(figure)])]
      : [make("blockquote", {}, cell.x), cell.v === undefined ? null : make("p", { class: "big" }, shown(cell.v)), facts(where)]];
  },
  q: ({ sentence }) => ["Sentence", [
    make("blockquote", {}, sentence.x),
    facts([
      ["Tone", sentence.l ? `${sentence.l}, ${sure(sentence.c)}` : "not known: no text model was loaded"],
      ["Probabilities", sentence.l ? core.labels.map((label, at) => `${label} ${percent(sentence.p?.[at] ?? 0)}`).join(", ") : null],
      ["Review", doubt(sentence)], ["Model", sentence.l ? core.models.text : null],
      ["Section", titleOf(sentence.s) ? make("a", { href: link(core.sections[sentence.s], "s", sentence.s) }, titleOf(sentence.s)) : null],
    ]),
  ]],
  m: ({ name, data }) => ["Name", [make("p", { class: "big" }, name.x), facts([["Type", name.k], ["Confidence", sure(name.c)], ["Review", doubt(name)],
    ["Model", core.models.entities ?? core.models.text], ["Stands in", make("a", { href: link(data.p, "q", name.q) }, "a sentence")]])]],
  b: ({ block, data }) => ["Layout block", [
    facts([["Label", block.l], ["Confidence", sure(block.c)], ["Review", doubt(block)], ["Reading order", `${block.o + 1} on this page`], ["Model", [core.models.layout, core.models.line_labels].filter(Boolean).join(" with ")]]),
    make("blockquote", {}, block.x ?? textOf(block, data)),
  ]],
  t: ({ table, data }) => ["Table", [
    make("p", {}, table.x || "Without a caption"),
    facts([["Size", `${table.rows} rows, ${table.columns} columns`], ["Scale", table.e ? `in ${scaleName(table.e)} (stated ${{ table: "in the table", page: "on the page", heading: "under the heading", part: "in a title further up", document: "for the document", other_tables: "nowhere; as the other tables" }[table.from] ?? ""})` : null], ["Currency", table.m], ["Columns", table.d.filter(Boolean).join("; ")]]),
    ...scoreParts(scoresOn(data, "table", table.i)),
  ]],
  s: ({ section, data }) => ["Section", [
    make("p", { class: "big" }, section.x || "Before the first heading"),
    facts([["Kind", section.k ? `${section.k[0]}, ${percent(section.k[1])}` : null], ["Pages", section.e ? `${data.p} to ${section.e}` : data.p],
      ["Sentences", section.n], ...Object.entries(section.w ?? {}).map(([label, value]) => [label, percent(value)])]),
    ...scoreParts(scoresOn(data, "section", section.i)),
  ]],
  h: ({ hold }) => [`Holds: ${hold.k}`, [make("p", {}, hold.f), facts([["Should be", shown(hold.e)], ["Is printed", shown(hold.v)], ["Rounding allows", shown(hold.o)]])]],
};

// Of a page only what stands out, unless somebody asks by a click beside everything.
const pageDetail = (number, asked) => {
  const scores = scoresOn(arrived.get(number) ?? nothing(number), "page", number);
  return scores.length && (asked || scores.some((score) => score.f)) ? [`Page ${number}`, scoreParts(scores)] : null;
};

const showDetail = (found, target, others, asked) => {
  const said = found ? kinds[found.kind](found) : target.page !== undefined ? pageDetail(target.page, asked) : null;
  detail.hidden = !said;
  if (!said) return;
  const [title, parts] = said;
  const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", closeDetail);
  const also = (others ?? []).filter((other) => other.kind !== target.kind || String(other.id) !== target.id);
  detail.replaceChildren(
    make("header", {}, make("h2", {}, title), make("span", { class: "of" }, target.page ? `page ${target.page}` : ""), close),
    ...parts.filter(Boolean),
    ...(also.length ? [make("p", { class: "also" }, make("span", { class: "of" }, "Also here:"), ...also.map((other) => make("a", { href: link(target.page, other.kind, other.id) }, other.title)))] : []));
  detail.scrollTop = 0;
};
const closeDetail = () => {
  detail.hidden = true;
  mark([]);
};
