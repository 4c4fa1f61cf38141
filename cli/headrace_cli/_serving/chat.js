"use strict";
const at = (id) => document.getElementById(id);
const MOST_KEPT = 200; // messages that a reload shows again
const UNREACHABLE = "The server cannot be reached; looking for it.";
let said = [];
let stopping = null; // what ends the answer that is being read

// ---------------------------------------------------------------- what is shown
function status(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

function follow(change) {
  const log = at("log");
  const below = log.scrollHeight - log.scrollTop - log.clientHeight;
  change();
  if (below < 40) log.scrollTop = log.scrollHeight; // who has scrolled up is reading
}

function show(entry) {
  const item = document.createElement("li");
  item.className = entry.you ? "you" : "agent";
  const name = document.createElement("b");
  name.textContent = entry.you ? "You" : at("agent").textContent;
  const words = document.createElement("span");
  words.textContent = entry.text;
  item.append(name, words);
  follow(() => at("said").append(item));
  if (entry.wrong) mark(item, entry.wrong);
  return item;
}

function mark(item, text) {
  const wrong = document.createElement("em");
  wrong.textContent = text;
  follow(() => item.append(wrong));
}

function shown(outputs) {
  if (!outputs.length) return "(no output)";
  return outputs.map((one) => (typeof one === "string" ? one : JSON.stringify(one, null, 2))).join("\n\n");
}

// ---------------------------------------------------------------- what a reload finds again
const place = () => "said:" + at("key").value;

function keep(entry) {
  said = [...said, entry].slice(-MOST_KEPT);
  try {
    sessionStorage.setItem(place(), JSON.stringify(said));
  } catch { /* full, or not allowed: then a reload shows nothing */ }
}

function recall() {
  try {
    sessionStorage.setItem("key", at("key").value);
    said = JSON.parse(sessionStorage.getItem(place())) || [];
  } catch {
    said = [];
  }
  at("said").replaceChildren();
  said.forEach(show);
}

// ---------------------------------------------------------------- the server
async function about() {
  const response = await fetch("/api/about");
  const told = await response.json();
  at("agent").textContent = told.agent;
  at("whose").textContent = told.key || "Conversation";
  document.title = told.agent;
  at("secret").hidden = !told.token;
  if (!response.ok) throw new Error();
}

let looking = false;
async function lookForServer() {
  if (looking) return;
  looking = true;
  for (;;) {
    try {
      await about();
      status("The server is there again.");
      break;
    } catch {
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
  looking = false;
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const [first, second] = text.slice(0, end).split("\n");
      if (second) yield [first.slice("event: ".length), JSON.parse(second.slice("data: ".length))];
    }
  }
}

async function refusal(response) {
  if (response.status === 401) at("token").focus();
  try {
    return (await response.json()).error;
  } catch {
    return `The server answered with ${response.status}.`;
  }
}

/** Asks; gives whether the question was taken, and what went wrong: an error, or nothing. */
async function ask(message) {
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
  if (at("token").value) headers.Authorization = "Bearer " + at("token").value;
  const body = JSON.stringify({ key: at("key").value, message });
  let response;
  try {
    response = await fetch("/api/chat", { method: "POST", headers, body, signal: stopping.signal });
  } catch (error) {
    if (error.name === "AbortError") return [false, ""];
    lookForServer();
    return [false, UNREACHABLE];
  }
  if (!response.ok) return [false, await refusal(response)];
  return [true, await listen(response)];
}

/** Shows an answer while it comes; gives what went wrong. */
async function listen(response) {
  keep({ you: true, text: at("said").lastChild.querySelector("span").textContent });
  const item = show({ you: false, text: "" });
  const words = item.querySelector("span");
  item.setAttribute("aria-busy", "true"); // it is read out when it is whole
  let stopped = false;
  let wrong = "The connection broke before the answer was whole; the agent may have finished it.";
  try {
    for await (const [what, data] of events(response)) {
      if (what === "delta") follow(() => { words.textContent += data; });
      else if (what === "restart") words.textContent = "";
      else if (what === "done") {
        follow(() => { words.textContent = shown(data); });
        wrong = "";
        break;
      } else {
        wrong = data[0].toUpperCase() + data.slice(1) + ".";
        break;
      }
    }
  } catch (error) {
    if (error.name === "AbortError") {
      stopped = true;
      wrong = "You have stopped listening; the agent goes on.";
    } else lookForServer();
  }
  item.removeAttribute("aria-busy");
  if (wrong) mark(item, wrong);
  keep({ you: false, text: words.textContent, wrong });
  return stopped ? "" : wrong;
}

// ---------------------------------------------------------------- the form
at("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = at("message").value.trim();
  if (!message || stopping) return;
  stopping = new AbortController();
  at("send").hidden = at("key").disabled = true;
  at("stop").hidden = false;
  status("Waiting for the answer");
  const item = show({ you: true, text: message });
  at("log").scrollTop = at("log").scrollHeight;
  at("message").value = "";
  const [taken, wrong] = await ask(message);
  if (!taken) item.remove();
  status(taken ? "" : wrong, true);
  if ((!taken || wrong) && !at("message").value) at("message").value = message; // to be sent again
  stopping = null;
  at("send").hidden = at("key").disabled = false;
  at("stop").hidden = true;
  if (document.activeElement !== at("token")) at("message").focus();
});

at("stop").addEventListener("click", () => stopping.abort());

at("message").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  at("ask").requestSubmit();
});

at("key").addEventListener("change", recall);

function name() {
  try {
    const before = sessionStorage.getItem("key");
    if (before) return before;
  } catch { /* not allowed */ }
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

at("key").value = name();
about().then(recall, () => {
  recall();
  status(UNREACHABLE, true);
  lookForServer();
});
at("message").focus();
