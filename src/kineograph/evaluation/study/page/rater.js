"use strict";

const get = (id) => document.getElementById(id);
const here = location.pathname.replace(/\/$/, "");
const sides = ["first", "second"];
const names = { first: "Video 1", second: "Video 2" };
const clips = Object.fromEntries(
  [...document.querySelectorAll(".clip")].map((figure) => [
    figure.dataset.side,
    { figure, video: figure.querySelector("video"), button: figure.querySelector(".play") },
  ]),
);

let setup = null; // the questions
let task = null; // what the server showed last
let opens = 0; // performance.now() from which the server takes answers
let sending = false;

// ---- talking to the server

async function ask(path, body) {
  const options = body === undefined
    ? {}
    : {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
      };
  const answer = await fetch(`${here}/${path}`, options);
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const error = new Error(told.error || `The server answered ${answer.status}.`);
  error.status = answer.status;
  throw error;
}

// Answers and marks may be sent twice: the first ones stand.
async function insist(path, body) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
    try {
      const told = await ask(path, body);
      hideTrouble();
      return told;
    } catch (error) {
      const passing = error.status === undefined || error.status === 429 || error.status >= 500;
      if (!passing) throw error;
      showTrouble("No connection. Your answer is kept here; trying again …", false);
      await new Promise((done) => setTimeout(done, wait));
    }
  }
}

function showTrouble(text, again = true) {
  get("trouble-text").textContent = text;
  get("again").hidden = !again;
  get("trouble").hidden = false;
}

function hideTrouble() {
  get("trouble").hidden = true;
}

// ---- a task

function show(told) {
  task = told;
  for (const clip of Object.values(clips)) stop(clip);
  get("progress").max = told.total;
  get("progress").value = told.done ? told.total : told.position;
  get("task").hidden = told.done;
  get("done").hidden = !told.done;
  if (told.done) return showDone(told);
  get("where").textContent = `Pair ${told.position + 1} of ${told.total}`;
  opens = performance.now() + 1000 * told.wait;
  showGiven(told);
  for (const side of ["first", "second", "motion"]) load(side);
  buildQuestions();
  update();
  window.scrollTo(0, 0);
  get("where").focus({ preventScroll: true });
}

function showDone(told) {
  get("where").textContent = "All pairs are done";
  get("code").textContent = told.code;
  get("thanks").focus();
}

function showGiven(told) {
  get("given").hidden = !told.text && !told.picture;
  get("text-quote").hidden = !told.text;
  get("text").textContent = told.text;
  get("picture-figure").hidden = !told.picture;
  if (told.picture) get("picture").src = `${here}/${told.position}/picture.jpg`;
  else get("picture").removeAttribute("src");
  clips.motion.figure.hidden = !told.motion;
  document.querySelector(".videos").classList.toggle("three", told.motion);
}

function load(side) {
  const { video, figure } = clips[side];
  figure.classList.remove("playing", "waiting");
  if (figure.hidden) return video.removeAttribute("src");
  video.src = `${here}/${task.position}/${side}.mp4`;
  video.load();
}

function loadAhead() {
  if (!task || task.done || task.position + 1 >= task.total || task.ahead) return;
  task.ahead = true;
  for (const side of sides) {
    fetch(`${here}/${task.position + 1}/${side}.mp4`).then((held) => held.blob()).catch(() => {});
  }
}

// ---- playing

function stop(clip) {
  clip.video.pause();
  clip.figure.classList.remove("playing", "waiting");
}

function play(side) {
  const { video, figure } = clips[side];
  video.play().catch((error) => {
    if (error.name !== "AbortError") failed(side);
  });
  figure.classList.add("playing");
}

function toggle(side) {
  const { video } = clips[side];
  if (video.paused) play(side);
  else stop(clips[side]);
}

function playTogether() {
  const shown = [...sides, ...(task.motion ? ["motion"] : [])];
  for (const side of shown) {
    clips[side].video.currentTime = 0;
    play(side);
  }
}

function failed(side) {
  const name = names[side] || "The wanted motion";
  showTrouble(`${name} could not be loaded. Check the connection.`);
}

// Played through: what was played covers nearly all of it, so jumping to the end does not count.
function playedThrough(video) {
  let played = 0;
  for (let i = 0; i < video.played.length; i += 1) {
    played += video.played.end(i) - video.played.start(i);
  }
  return played >= 0.9 * video.duration;
}

async function ended(side) {
  const { video, figure } = clips[side];
  figure.classList.remove("playing", "waiting");
  if (sides.every((one) => clips[one].video.paused)) stop(clips.motion);
  const index = sides.indexOf(side);
  if (task.watched[index] || !playedThrough(video)) return;
  const { position } = task;
  try {
    await insist("watched", { position, side });
  } catch (error) {
    return begin(); // the server knows better which pair it is
  }
  if (task.position !== position) return;
  task.watched[index] = true;
  update();
  if (task.watched.every(Boolean)) loadAhead();
}

for (const [side, clip] of Object.entries(clips)) {
  clip.button.addEventListener("click", () => toggle(side));
  clip.video.addEventListener("click", () => toggle(side));
  clip.video.addEventListener("error", () => clip.video.hasAttribute("src") && failed(side));
  clip.video.addEventListener("waiting", () => clip.figure.classList.add("waiting"));
  clip.video.addEventListener("playing", () => {
    clip.figure.classList.remove("waiting");
    clip.figure.classList.add("playing");
    clip.button.setAttribute("aria-label", clip.button.getAttribute("aria-label").replace("Play", "Pause"));
  });
  clip.video.addEventListener("pause", () => {
    clip.figure.classList.remove("playing", "waiting");
    clip.button.setAttribute("aria-label", clip.button.getAttribute("aria-label").replace("Pause", "Play"));
  });
  if (side !== "motion") clip.video.addEventListener("ended", () => ended(side));
}
get("together").addEventListener("click", playTogether);

// ---- questions

function buildQuestions() {
  get("answers").replaceChildren(...setup.questions.map(questionOf));
}

function questionOf(question) {
  const box = document.createElement("fieldset");
  box.className = "question";
  box.dataset.question = question.id;
  const legend = document.createElement("legend");
  legend.textContent = question.text;
  const options = document.createElement("div");
  options.className = "options";
  const choices = question.kind === "choice"
    ? sides.map((side) => ({ id: side, text: names[side] }))
    : question.aspects;
  options.append(...choices.map((one) => optionOf(question, one)));
  box.append(legend, options);
  return box;
}

function optionOf(question, one) {
  const label = document.createElement("label");
  label.className = "option";
  const input = document.createElement("input");
  input.type = question.kind === "choice" ? "radio" : "checkbox";
  input.name = question.id;
  input.value = one.id;
  const text = document.createElement("span");
  text.textContent = one.text;
  label.append(input, text);
  return label;
}

function chosen(question) {
  return [...document.querySelectorAll(`input[name="${question.id}"]:checked`)].map((x) => x.value);
}

function isAnswered(question) {
  const least = question.kind === "choice" ? 1 : question.least;
  return chosen(question).length >= least;
}

// ---- what may be done now

const watchedEnough = () => !setup.watched || task.watched.every(Boolean);

function hintOf() {
  if (!watchedEnough()) {
    const left = sides.filter((side, index) => !task.watched[index]).map((side) => names[side]);
    const which = left.length === 2 ? "both videos" : left[0];
    return `Watch ${which} to the end; then you can answer.`;
  }
  return setup.questions.every(isAnswered) ? "" : "Now answer below. You can watch again.";
}

function update() {
  if (!task || task.done) return;
  sides.forEach((side, index) => {
    clips[side].figure.classList.toggle("watched", task.watched[index]);
    clips[side].figure.querySelector(".mark").textContent = task.watched[index] ? "watched ✓" : "";
  });
  const hint = hintOf();
  if (get("hint").textContent !== hint) get("hint").textContent = hint;
  get("answers").disabled = !watchedEnough() || sending;
  let before = true; // reasons come after what they are reasons for
  for (const question of setup.questions) {
    const box = document.querySelector(`[data-question="${question.id}"]`);
    box.disabled = question.kind === "aspects" && !before;
    before = before && isAnswered(question);
  }
  tick();
}

function tick() {
  if (!task || task.done || !setup) return;
  const left = Math.ceil((opens - performance.now()) / 1000);
  const ready = watchedEnough() && setup.questions.every(isAnswered) && left <= 0 && !sending;
  get("submit").disabled = !ready;
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  const text = left > 0 ? `opens in ${clock}` : "";
  if (get("opens").textContent !== text) get("opens").textContent = text;
}

setInterval(tick, 250);
get("form").addEventListener("change", update);

get("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (get("submit").disabled) return;
  const answers = Object.fromEntries(setup.questions.map((one) => [one.id, chosen(one)]));
  sending = true;
  update();
  try {
    const told = await insist("answers", { position: task.position, answers });
    sending = false;
    show(told.next);
  } catch (error) {
    sending = false;
    update();
    showTrouble(error.message);
  }
});

// ---- the end, and the beginning

get("copy").addEventListener("click", async () => {
  const code = get("code").textContent;
  try {
    await navigator.clipboard.writeText(code);
    get("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(get("code"));
    get("copied").textContent = "It is selected; copy it now.";
  }
});
get("again").addEventListener("click", begin);

async function begin() {
  hideTrouble();
  try {
    setup = setup || (await ask("setup"));
    show(await ask("look", {}));
  } catch (error) {
    showTrouble(error.status ? error.message : "The study cannot be reached. Check the connection.");
  }
}

begin();
