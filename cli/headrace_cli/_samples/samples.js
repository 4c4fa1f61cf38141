"use strict";
const at = (id) => document.getElementById(id);
const MOST_RECORDS = 500; // of one run, that are shown
let all = []; // what is listed
let queue = []; // what is gone through
let place = 0;
let shown = null; // the sample that is seen
let busy = false;

// The token comes behind the #, which no browser sends anywhere.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
let token = given || "";
try {
  if (given) sessionStorage.setItem("token", given);
  else token = sessionStorage.getItem("token") || "";
} catch { /* not allowed: then a reload asks for the address again */ }
if (given) history.replaceState(null, "", location.pathname);

function status(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

async function ask(path, body) {
  const headers = { Authorization: "Bearer " + token };
  const options = { headers };
  if (body) {
    headers["Content-Type"] = "application/json";
    options.method = "POST";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server cannot be reached.");
  }
  const told = await response.json().catch(() => ({}));
  if (response.status === 401) throw new Error("Open the address that the command has printed, with its token.");
  if (!response.ok) throw new Error(told.error || `The server answered with ${response.status}.`);
  return told;
}

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function element(kind, words, of = "") {
  const made = document.createElement(kind);
  made.textContent = words;
  made.className = of;
  return made;
}

function record(one) {
  const parts = [one.kind, one.name, one.what === "finished" ? "" : one.what];
  if (typeof one.duration === "number") parts.push(`${(one.duration * 1000).toFixed(1)} ms`);
  const told = one.error || (one.data ? JSON.stringify(one.data) : "");
  return element("li", [...parts, told].filter(Boolean).join("  "), one.error ? "bad" : "");
}

function verdict(one) {
  const labels = one.labels.length ? ` [${one.labels.join(", ")}]` : "";
  return element("li", `${one.verdict}, says ${one.by}${labels}${one.note ? ": " + one.note : ""}`, one.verdict);
}

function fill(sample) {
  shown = sample;
  at("name").textContent = `${sample.agent}, key ${text(sample.key)}`;
  const when = new Date(sample.time * 1000).toLocaleString();
  at("about").textContent = [sample.id, when, ...sample.models].join("  ");
  at("input").textContent = text(sample.input);
  at("outputs").replaceChildren(...sample.outputs.map((one) => element("pre", text(one))));
  at("records").replaceChildren(...sample.records.slice(0, MOST_RECORDS).map(record));
  at("verdicts").replaceChildren(...sample.verdicts.map(verdict));
  at("note").value = at("labels").value = "";
  at("sample").hidden = at("judge").hidden = false;
}

async function show() {
  at("back").disabled = place === 0;
  if (place >= queue.length) {
    shown = null;
    at("sample").hidden = at("judge").hidden = true;
    status(queue.length ? "That was the last one." : "There is nothing to judge.");
    return;
  }
  try {
    fill(await ask("/api/samples/" + encodeURIComponent(queue[place].id)));
    status(`${place + 1} of ${queue.length}`);
    window.scrollTo(0, 0);
  } catch (error) {
    status(error.message, true);
  }
}

function choose() {
  queue = at("which").value === "all" ? all : all.filter((one) => !one.mine);
  place = 0;
  return show();
}

async function list() {
  try {
    const told = await ask("/api/samples");
    at("by").textContent = told.by;
    all = told.samples;
    await choose();
  } catch (error) {
    status(error.message, true);
  }
}

async function say(said) {
  if (!shown || busy) return;
  busy = true;
  const labels = at("labels").value.split(",").map((one) => one.trim()).filter(Boolean);
  try {
    await ask("/api/verdicts", { sample: shown.id, verdict: said, note: at("note").value, labels });
    queue[place].mine = true;
    await go(1);
  } catch (error) {
    status(error.message, true); // what was written stays
  }
  busy = false;
}

function go(by) {
  place = Math.max(0, Math.min(queue.length, place + by));
  return show();
}

at("good").addEventListener("click", () => say("good"));
at("bad").addEventListener("click", () => say("bad"));
at("skip").addEventListener("click", () => go(1));
at("back").addEventListener("click", () => go(-1));
at("which").addEventListener("change", choose);
at("judge").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches("textarea, input, select")) return;
  const done = { g: () => say("good"), b: () => say("bad"), s: () => go(1) }[event.key];
  if (done && shown) {
    event.preventDefault();
    done();
  }
});
list();
