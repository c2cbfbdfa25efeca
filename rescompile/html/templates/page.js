"use strict";
// The page is whole without this: it adds sorting, folding of everything at once, and copying.
{
  const ORDERS = ["none", "descending", "ascending"];

  const cellOf = (row, column) => row.cells[column];

  function keyOf(cell) {
    const text = cell.dataset.key ?? cell.firstChild?.textContent ?? "";
    const number = Number(text.replaceAll(",", ""));
    return text.trim() === "" || Number.isNaN(number) ? text : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a === b ? 0 : a < b ? -1 : 1;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  // Rows are sorted by a column; where they are equal, and for "none", as they stood at first.
  function sort(table, column, order) {
    const body = table.tBodies[0];
    const rows = table.initial.map((row, at) => ({ row, at, key: keyOf(cellOf(row, column)) }));
    const sign = { none: 0, ascending: 1, descending: -1 }[order];
    rows.sort((a, b) => sign * compare(a.key, b.key) || a.at - b.at);
    body.append(...rows.map(({ row }) => row));
    for (const [i, head] of [...table.tHead.rows[0].cells].entries()) {
      head.setAttribute("aria-sort", i === column ? order : "none");
    }
  }

  function makeSortable(table) {
    table.initial = [...table.tBodies[0].rows];
    if (table.initial.length < 2) return;
    for (const [i, head] of [...table.tHead.rows[0].cells].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const now = ORDERS.indexOf(head.getAttribute("aria-sort"));
        sort(table, i, ORDERS[(now + 1) % ORDERS.length]);
      });
    }
  }

  // What an address points to is never folded away.
  function show() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
    target.scrollIntoView();
  }

  async function copy(button) {
    const code = button.closest("details").querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here: select the text instead";
    }
  }

  document.querySelectorAll("table").forEach(makeSortable);
  for (const tools of document.querySelectorAll(".tools")) tools.hidden = false;
  for (const button of document.querySelectorAll("[data-fold]")) {
    button.addEventListener("click", () => {
      for (const fold of document.querySelectorAll("details")) fold.open = button.dataset.fold !== "";
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button));
  }
  addEventListener("hashchange", show);
  show();
}
