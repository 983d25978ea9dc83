"use strict";

const get = (id) => document.getElementById(id);
const here = location.pathname.replace(/\/$/, "");
get("csv").href = `${here}/votes.csv`;
get("json").href = `${here}/votes.json`;

const numbers = [
  ["raters", "Raters"],
  ["finished", "Finished"],
  ["discarded", "Discarded"],
  ["pairs", "Pairs"],
  ["pairs_complete", "Complete pairs"],
  ["median_seconds", "Median seconds a pair"],
];

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function stateOf(person) {
  if (!person.valid) return "discarded";
  return person.finished === null ? "under way" : "finished";
}

function show(told) {
  get("title").textContent = told.title;
  get("about").textContent = `${told.protocol}: ${told.systems.join(", ")}`;
  get("numbers").replaceChildren(
    ...numbers.map(([name, title]) => {
      const box = document.createElement("div");
      box.append(element("dt", title), element("dd", told[name] ?? "–"));
      return box;
    }),
  );
  get("answers").max = told.answers_wanted;
  get("answers").value = told.answers;
  get("share").textContent = `${told.answers} of ${told.answers_wanted}`;
  get("people").replaceChildren(
    ...told.people.map((person) => {
      const row = document.createElement("tr");
      const began = new Date(person.started * 1000).toLocaleString();
      const tests = `${person.tests_passed} passed, ${person.tests_failed} failed`;
      const cells = [person.rater, person.outside, person.code];
      cells.push(`${person.answered} of ${person.tasks}`, tests, began, stateOf(person));
      row.append(...cells.map((text) => element("td", text)));
      return row;
    }),
  );
}

async function refresh() {
  try {
    const answer = await fetch(`${here}/progress`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    get("state").textContent = "";
  } catch (error) {
    get("state").textContent = `The server does not answer (${error.message}); trying again.`;
  }
  setTimeout(refresh, 5000);
}

refresh();
