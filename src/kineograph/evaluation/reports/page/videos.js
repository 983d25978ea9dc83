"use strict";

/* The cases of the chosen variant in the chosen order, and the videos of one of them. */

(() => {
  const part = (id) => document.getElementById(id);
  if (!part("films")) return;
  const told = JSON.parse(part("told").textContent);
  const player = new Player({
    scrub: part("scrub"), frame: part("frame"), play: part("play"), speed: part("speed"),
  });
  const chosen = { variant: 0, metric: told.metric, row: told.row, way: "worst" };
  let order = [];
  let at = 0;

  function made(tag, text = "", kind = "") {
    const element = document.createElement(tag);
    element.textContent = text;
    if (kind) element.className = kind;
    return element;
  }

  function number(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size < 1 ? 3 : 2);
  }

  /* ---- in which order ---- */

  const value = (one) => one.rows[chosen.row]?.values[chosen.metric] ?? null;
  const failed = (one) => Boolean(one.rows[chosen.row]?.failed);

  /* Where neither way is good the largest is first, as if that were the worst. */
  function place(one) {
    const worst = chosen.way === "worst";
    if (failed(one)) return [worst ? 0 : 2, 0];
    if (value(one) === null) return [3, 0];
    const falls = (told.metrics[chosen.metric].better !== "higher") === worst;
    return [1, falls ? -value(one) : value(one)];
  }

  function compare(one, other) {
    const [a, b] = [place(one), place(other)];
    return a[0] - b[0] || a[1] - b[1] || (one.name < other.name ? -1 : 1);
  }

  function list() {
    order = told.cases.filter((one) => one.variant === chosen.variant).sort(compare);
    part("cases").replaceChildren(...order.map(item));
    part("cases").scrollTop = 0;
    show(0);
  }

  function item(one, index) {
    const button = made("button");
    button.type = "button";
    button.append(made("span", one.name));
    button.append(made("span", failed(one) ? "failed" : number(value(one))));
    button.addEventListener("click", () => show(index));
    const held = made("li");
    held.append(button);
    return held;
  }

  /* ---- one case ---- */

  function show(index) {
    at = index;
    [...part("cases").children].forEach((held, place) => {
      if (place === index) held.firstElementChild.setAttribute("aria-current", "true");
      else held.firstElementChild.removeAttribute("aria-current");
    });
    keepInView(part("cases"), part("cases").children[index]);
    build(order[index]);
  }

  function step(by) {
    const to = Math.min(Math.max(at + by, 0), order.length - 1);
    if (to !== at) show(to);
  }

  function keepInView(box, held) {
    if (!held) return;
    const [outer, inner] = [box.getBoundingClientRect(), held.getBoundingClientRect()];
    if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top;
    if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom;
  }

  function build(one) {
    part("case-name").textContent = one ? one.name : "no clip of this variant";
    const media = one ? mediaOf(one) : {};
    const rows = one ? Object.keys(one.rows).map(Number).sort((a, b) => a - b) : [];
    part("films").replaceChildren(...rows.map((row) => film(one, row, media[row])));
    fit();
    const [, , count, fps] = one?.film ?? [1, 1, 1, 1];
    player.load([...part("films").querySelectorAll("video")], count, fps);
  }

  /* As many columns as there is room for, but no row of them with a single video left over. */
  function fit() {
    const count = Math.max(part("films").children.length, 1);
    const most = Math.max(Math.min(Math.floor(part("films").clientWidth / 168), 6), 2);
    const columns = Math.ceil(count / Math.ceil(count / most));
    part("films").style.setProperty("--columns", columns);
  }

  function mediaOf(one) {
    const held = part(`media-${told.cases.indexOf(one)}`);
    return held ? JSON.parse(held.textContent) : {};
  }

  function film(one, row, embedded) {
    const name = made("b", told.rows[row].label);
    name.style.setProperty("--colour", `var(${told.rows[row].ink})`);
    const caption = made("figcaption");
    caption.append(name);
    const figure = made("figure", "", "film");
    figure.append(caption, picture(one, row, embedded), values(one.rows[row]));
    return figure;
  }

  function picture(one, row, embedded) {
    const held = one.rows[row];
    const box = made("div", "", "picture");
    const [width, height] = one.film ?? [16, 9];
    box.style.aspectRatio = `${width} / ${height}`;
    if (held.failed || !(embedded ?? held.video)) {
      box.append(made("p", held.failed ? `failed: ${held.failed}` : "no preview"));
      return box;
    }
    const video = made("video");
    Object.assign(video, { muted: true, playsInline: true, preload: "auto" });
    video.src = embedded ?? held.video;
    video.setAttribute("aria-label", `${told.rows[row].label}, ${one.name}`);
    video.addEventListener("error", () => {
      box.replaceChildren(made("p", `this browser cannot play ${held.video} beside this page`));
    });
    box.append(video);
    return box;
  }

  function values(held) {
    const listed = made("dl");
    told.metrics.forEach((metric, index) => {
      const found = held.values[index];
      if (found !== null) listed.append(line(metric.title, number(found), index === chosen.metric));
    });
    if (held.seconds !== undefined) listed.append(line("made in", `${number(held.seconds)} s`));
    return listed;
  }

  function line(name, text, by = false) {
    const held = made("div", "", by ? "by" : "");
    held.append(made("dt", name), made("dd", text));
    return held;
  }

  /* ---- hands ---- */

  const keys = {
    " ": () => player.toggle(), ArrowLeft: () => player.step(-1), ArrowRight: () => player.step(1),
    n: () => step(1), p: () => step(-1),
  };

  function pressed(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const typed = event.target.matches("select") || event.ctrlKey || event.metaKey || event.altKey;
    const slides = event.target.matches("input") && key.startsWith("Arrow");
    const pushes = event.target.matches("button") && key === " ";
    if (typed || slides || pushes || !keys[key]) return;
    event.preventDefault();
    keys[key]();
  }

  function choose(name, id) {
    if (!part(id)) return;
    part(id).value = chosen[name];
    part(id).addEventListener("change", (event) => {
      chosen[name] = name === "way" ? event.target.value : Number(event.target.value);
      list();
    });
  }

  choose("metric", "by-metric");
  choose("row", "by-row");
  choose("way", "by-way");
  part("back").addEventListener("click", () => player.step(-1));
  part("forth").addEventListener("click", () => player.step(1));
  part("videos").addEventListener("keydown", pressed);
  document.addEventListener("variant", (event) => {
    chosen.variant = event.detail;
    if (part("videos-variant")) part("videos-variant").textContent = told.variants[chosen.variant];
    list();
  });
  window.addEventListener("resize", fit);
  list();
})();
