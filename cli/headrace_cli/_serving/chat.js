"use strict";
const at = (id) => document.getElementById(id);

async function about() {
  const told = await (await fetch("/api/about")).json();
  at("agent").textContent = told.agent;
  document.title = told.agent;
  at("secret").hidden = !told.token;
}

function say(who, text) {
  const item = document.createElement("li");
  item.className = who === "You" ? "you" : "agent";
  const name = document.createElement("b");
  name.textContent = who;
  const words = document.createElement("span");
  words.textContent = text;
  item.append(name, words);
  at("said").append(item);
  item.scrollIntoView({ block: "end" });
  return words;
}

function shown(outputs) {
  return outputs.map((one) => (typeof one === "string" ? one : JSON.stringify(one, null, 2))).join("\n\n");
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
      yield [first.slice("event: ".length), JSON.parse(second.slice("data: ".length))];
    }
  }
}

async function ask(message) {
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
  if (at("token").value) headers.Authorization = "Bearer " + at("token").value;
  const body = JSON.stringify({ key: at("key").value, message });
  const response = await fetch("/api/chat", { method: "POST", headers, body });
  if (!response.ok) throw new Error((await response.json()).error);
  const words = say(at("agent").textContent, "");
  for await (const [what, data] of events(response)) {
    if (what === "delta") words.textContent += data;
    else if (what === "restart") words.textContent = "";
    else if (what === "done") words.textContent = shown(data);
    else throw new Error(data);
    words.scrollIntoView({ block: "end" });
  }
}

at("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = at("message").value.trim();
  if (!message) return;
  at("send").disabled = true;
  at("status").textContent = "Waiting for the answer";
  say("You", message);
  try {
    await ask(message);
    at("message").value = "";
    at("status").textContent = "";
  } catch (error) {
    at("status").textContent = error.message;
  }
  at("send").disabled = false;
  at("message").focus();
});

at("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    at("ask").requestSubmit();
  }
});

at("key").value = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
about().catch(() => { at("status").textContent = "The server does not answer."; });
