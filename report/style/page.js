// What the page does beyond being read; without it all is there: contents that follow, a switch of colours, claims that
// sort and filter, data as CSV, figures enlarged.
"use strict";

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// Contents: a button on a phone, and the section that is being read is marked.
const contents = document.getElementById("TOC");
const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
const menu = element("button", { id: "menu", type: "button", textContent: "Contents" });
menu.setAttribute("aria-expanded", "false");
menu.setAttribute("aria-controls", "TOC");
const openMenu = (open) => {
  document.body.classList.toggle("menu-open", open);
  menu.setAttribute("aria-expanded", String(open));
};
menu.addEventListener("click", () => openMenu(!document.body.classList.contains("menu-open")));
contents.addEventListener("click", (event) => { if (event.target.closest("a")) openMenu(false); });
contents.before(menu);

const headings = [...document.querySelectorAll("h1[id], h2[id]")].filter((heading) => links.has(heading.id));
const markSection = () => {
  const passed = headings.filter((heading) => heading.getBoundingClientRect().top < 120);
  const current = links.get((passed.at(-1) ?? headings[0])?.id);
  for (const link of links.values()) link.toggleAttribute("aria-current", link === current);
  if (current && contents.scrollHeight > contents.clientHeight) {
    const top = current.offsetTop - contents.offsetTop;
    if (top < contents.scrollTop || top > contents.scrollTop + contents.clientHeight - 60) contents.scrollTop = top - 120;
  }
};
addEventListener("scroll", () => requestAnimationFrame(markSection), { passive: true });
markSection();

// Colours: those of the system until the reader chooses; where nothing can be kept, the choice lasts for a visit.
const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* nothing to keep it in */ } };
const root = document.documentElement;
const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const colours = element("button", { id: "colours", type: "button" });
const nameColours = () => { colours.textContent = isDark() ? "Light" : "Dark"; };
colours.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  keep(root.dataset.theme);
  nameColours();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameColours);
nameColours();
menu.before(colours);

// What is linked to is open, and so is everything on paper.
const unfold = (target) => {
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
};
const target = () => { try { return document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return null; } };
const showTarget = () => {
  const shown = target();
  unfold(shown);
  if (shown?.closest("tr[hidden]")) showAllClaims();
  shown?.scrollIntoView();
};
addEventListener("hashchange", showTarget);
addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details")) fold.open = true; });

// Claims: rows of three tables, filtered together, sorted each.
const kinds = { "tbl-verdicts": "papers' claims", "tbl-questions": "our questions", "tbl-checks": "checks" };
const text = (node) => node?.textContent.trim() ?? "";
const claims = Object.entries(kinds).flatMap(([id, kind]) => {
  const table = document.querySelector(`table#${id}, #${id} table`) ?? document.getElementById(id)?.closest("table");
  return [...(table?.tBodies[0]?.rows ?? [])].map((row) => ({
    row,
    kind,
    paper: text(row.querySelector(".citation a")?.parentElement).replace(/^[([]|, [^,]*$|[)\]]$/g, "").replace(/,.*$/, ""),
    verdict: text(row.querySelector(".reproduced, .not-reproduced, .inconclusive")),
    figure: text(row.querySelector('a[href^="#fig-"]')),
  }));
});
const filters = {};
const count = element("output", { id: "claims-shown" });
const filterClaims = () => {
  let shown = 0;
  for (const claim of claims) {
    const fits = Object.entries(filters).every(([key, select]) => !select.value || claim[key] === select.value);
    claim.row.hidden = !fits;
    shown += fits;
  }
  for (const table of new Set(claims.map((claim) => claim.row.closest("div.table")))) {
    table.classList.toggle("empty", ![...table.querySelectorAll("tbody tr")].some((row) => !row.hidden));
  }
  count.textContent = `${shown} of ${claims.length} claims`;
};
const showAllClaims = () => {
  for (const select of Object.values(filters)) select.value = "";
  filterClaims();
};
const byNumber = new Intl.Collator("en", { numeric: true });
if (claims.length) {
  const bar = element("form", { id: "claims-filter" });
  for (const key of ["kind", "paper", "verdict", "figure"]) {
    const values = [...new Set(claims.map((claim) => claim[key]).filter(Boolean))].sort(byNumber.compare);
    filters[key] = element("select", { id: `filter-${key}` }, new Option("all", ""), ...values.map((value) => new Option(value)));
    bar.append(element("label", {}, `${key[0].toUpperCase()}${key.slice(1)} `, filters[key]));
  }
  bar.append(count);
  bar.addEventListener("change", filterClaims);
  bar.addEventListener("submit", (event) => event.preventDefault());
  claims[0].row.closest("div.table").before(bar);
  filterClaims();
}
const valueOf = (cell) => {
  const words = text(cell).replaceAll("\u2212", "-").replaceAll(",", "");
  const number = Number.parseFloat(words);
  return Number.isNaN(number) ? words.toLowerCase() : number;
};
const compare = (first, second) =>
  typeof first === "number" && typeof second === "number" ? first - second : byNumber.compare(String(first), String(second));
for (const table of new Set(claims.map((claim) => claim.row.closest("table")))) {
  table.classList.add("claims");
  const names = [...table.tHead.rows[0].cells].map(text);
  for (const { cells } of table.tBodies[0].rows) [...cells].forEach((cell, column) => { cell.dataset.name = names[column]; });
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const sort = element("button", { type: "button", className: "sort" });
    sort.append(...head.childNodes);
    head.append(sort);
    sort.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row.cells[column]), row]);
      rows.sort(([first], [second]) => (up ? compare(first, second) : compare(second, first)));
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
}
// From a figure to its claims: those of that figure alone.
for (const link of document.querySelectorAll('.provenance a[href^="#claim-"]')) {
  link.addEventListener("click", () => {
    showAllClaims();
    const figure = claims.find((claim) => claim.row.contains(document.getElementById(link.hash.slice(1))))?.figure;
    if (figure && filters.figure) filters.figure.value = figure;
    filterClaims();
  });
}

// Data: a table under a figure comes as CSV at once.
const download = async (link) => {
  const packed = Uint8Array.from(atob(link.href.split(",", 2)[1]), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const address = URL.createObjectURL(await new Response(stream).blob());
  element("a", { href: address, download: link.download.replace(/\.gz$/, "") }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
};
for (const link of document.querySelectorAll('.provenance a[href^="#data-"], a.data')) {
  const source = link.matches("a.data") ? link : document.getElementById(link.hash.slice(1));
  if (!source?.matches("a.data")) continue;
  link.title = "Download as CSV";
  link.addEventListener("click", (event) => {
    event.preventDefault();
    download(source);
  });
}

// Figures: enlarged by a click or Enter, closed by a click or Escape.
const dialog = element("dialog", { id: "enlarged" });
dialog.setAttribute("aria-label", "Figure, enlarged");
dialog.addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => dialog.replaceChildren());
document.body.append(dialog);
for (const plate of document.querySelectorAll(".plate")) {
  const drawing = plate.firstElementChild;
  const enlarge = () => {
    dialog.replaceChildren(element("button", { type: "button", textContent: "Close" }), drawing.cloneNode(true));
    dialog.showModal();
  };
  plate.tabIndex = 0;
  plate.setAttribute("role", "button");
  plate.setAttribute("aria-label", `Enlarge: ${drawing.getAttribute("aria-label")}`);
  plate.addEventListener("click", enlarge);
  plate.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    enlarge();
  });
}

if (location.hash) showTarget();
