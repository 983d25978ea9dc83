"use strict";

/* Variants, the order of a table's rows, and which rows are drawn. Names are only ever compared
   and shown as text. */

const every = (selector, within = document) => [...within.querySelectorAll(selector)];

function showVariant(index) {
  every("[role=tab]").forEach((tab, place) => {
    tab.setAttribute("aria-selected", String(place === index));
    tab.tabIndex = place === index ? 0 : -1;
    if (place === index) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  every(".panel").forEach((panel, place) => { panel.hidden = place !== index; });
  document.dispatchEvent(new CustomEvent("variant", { detail: index }));
}

function followTabs() {
  const tabs = every("[role=tab]");
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => showVariant(place));
    tab.addEventListener("keydown", (event) => {
      const ends = { Home: 0, End: tabs.length - 1 };
      const step = steps[event.key];
      const to = step ? (place + step + tabs.length) % tabs.length : ends[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      showVariant(to);
      tabs[to].focus();
    });
  });
}

/* A column's head sorts by it: best first, then the other way round, then as it was. What papers
   say is not ranked and stays as it is. */

function nextSort(head) {
  const first = head.dataset.better === "lower" ? "ascending" : "descending";
  const second = first === "ascending" ? "descending" : "ascending";
  return { [first]: second, [second]: null }[head.getAttribute("aria-sort")] ?? (
    head.hasAttribute("aria-sort") ? null : first);
}

function sortBy(table, column, way) {
  const sign = way === "descending" ? -1 : 1;
  every("tbody:not(.paper)", table).forEach((body) => {
    const lines = every(".line", body);
    const value = (line) => parseFloat(line.cells[column].dataset.value ?? "NaN");
    const place = (line) => Number(line.dataset.place);
    lines.sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      if (!way || (isNaN(a) && isNaN(b)) || a === b) return place(one) - place(other);
      if (isNaN(a) || isNaN(b)) return isNaN(a) ? 1 : -1;
      return sign * (a - b);
    });
    body.append(...lines);
  });
}

function followHeads() {
  every("table").forEach((table) => {
    every(".line", table).forEach((line, place) => { line.dataset.place = place; });
    every("thead th", table).forEach((head, column, heads) => {
      head.querySelector(".sort")?.addEventListener("click", () => {
        const way = nextSort(head);
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        if (way) head.setAttribute("aria-sort", way);
        sortBy(table, column, way);
      });
    });
  });
}

function followLegends() {
  every("[data-shows]").forEach((button) => {
    button.addEventListener("click", () => {
      const row = button.dataset.shows;
      const shown = button.getAttribute("aria-pressed") !== "true";
      every("[data-shows]").filter((one) => one.dataset.shows === row)
        .forEach((one) => one.setAttribute("aria-pressed", String(shown)));
      every("[data-row]").filter((one) => one.dataset.row === row)
        .forEach((one) => one.classList.toggle("off", !shown));
    });
  });
}

followTabs();
followHeads();
followLegends();
