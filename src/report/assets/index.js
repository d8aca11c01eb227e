"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const texts = JSON.parse(byId("data").textContent);
  const body = byId("rows");
  const rows = [...body.rows];
  const number = (row, key) => Number(row.dataset[key]);
  const name = (a, b) => (a.dataset.name < b.dataset.name ? -1 : a.dataset.name > b.dataset.name ? 1 : 0);
  const most = (key) => (a, b) => number(b, key) - number(a, key) || name(a, b);
  const orders = {
    urgency: (a, b) => number(a, "at") - number(b, "at"),
    name,
    priority: most("priority"),
    negative: most("negative"),
    review: most("review"),
    pages: most("pages"),
  };
  const found = {
    errors: (row) => number(row, "errors") > 0,
    warnings: (row) => number(row, "errors") + number(row, "warnings") > 0,
    none: (row) => number(row, "errors") + number(row, "warnings") === 0,
  };
  const fields = ["search", "status", "findings", "sort"].map(byId);
  const [search, status, findings, sort] = fields;

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = texts[number(row, "at")];
      const fits = words.every((word) => text.includes(word))
        && (!status.value || row.dataset.status === status.value)
        && (!findings.value || found[findings.value](row));
      row.hidden = !fits;
      shown += fits;
    }
    rows.sort(orders[sort.value]);
    body.append(...rows);
    byId("shown").textContent = shown === rows.length ? `${rows.length} shown` : `${shown} of ${rows.length} shown`;
    byId("none").hidden = shown > 0;
    const kept = new URLSearchParams();
    for (const field of fields) if (field.value && field.value !== "urgency") kept.set(field.id, field.value);
    const hash = kept.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  // What was searched for stands in the address, so that "back" from a document finds it again.
  const kept = new URLSearchParams(location.hash.slice(1));
  for (const field of fields) {
    if (kept.has(field.id)) field.value = kept.get(field.id);
    if (field.tagName === "SELECT" && field.selectedIndex < 0) field.selectedIndex = 0;
    field.addEventListener("input", show);
  }
  search.form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
  show();
})();
