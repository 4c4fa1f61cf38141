// The search of the front page. Its data is search.js, which is loaded when somebody begins to search.
// All that it shows is set as text: nothing of the data is ever read as HTML.
"use strict";
(() => {
  const FORM = 1;
  const SHOWN = 20;
  const MOST = 2 ** 24; // more items than any registry has
  const byId = (id) => document.getElementById(id);
  const form = byId("find");
  const input = byId("words");
  const section = byId("results");
  const list = section.querySelector("ol");
  const more = section.querySelector("button");
  const count = byId("count");
  let entries = null;
  let found = [];
  let loading = null;
  let noting = 0;

  // Lower case, without accents, words separated by one blank.
  const plain = (text) =>
    text.toLowerCase().normalize("NFKD").replace(/\p{M}+/gu, "").replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  // Written without blanks between words, so that a word may begin anywhere.
  const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;

  const load = () => {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const here = { createScriptURL: (url) => url };
      const maker = self.trustedTypes ? trustedTypes.createPolicy("registry", here) : here;
      script.src = maker.createScriptURL("search.js");
      script.onload = () => {
        const data = self.headraceRegistry;
        if (data?.form !== FORM) {
          reject(new Error("search.js is of another version: load this page again."));
          return;
        }
        entries = data.items.map(([name, kind, place, text = "", words = "", number = 0]) => {
          const [owner, version, flag] = data.packages[place];
          const title = plain(name);
          const names = ` ${title} ${plain(owner)}`;
          return {
            name, text, owner, version, flag, title, names,
            kind: data.kinds[kind][0],
            label: data.kinds[kind][1],
            all: `${names} ${plain(`${text} ${words}`)}`,
            place: `packages/${encodeURIComponent(owner)}/index.html${number ? `#skill-${number}` : ""}`,
          };
        });
        resolve();
      };
      script.onerror = () => reject(new Error("search.js could not be loaded."));
      document.head.append(script);
    });
    return loading;
  };

  // The lower, the better: the name itself, its beginning, all words in names, some, none.
  const rank = (entry, query, words) => {
    for (const word of words) {
      if (!entry.all.includes(word)) return -1;
    }
    const flagged = entry.flag ? 5000 : 0;
    const length = Math.min(entry.title.length, 999);
    if (entry.title === query) return flagged;
    if (entry.title.startsWith(query)) return flagged + 1000 + length;
    const inNames = words.filter((word) => entry.names.includes(word)).length;
    if (inNames === words.length) return flagged + 2000 + length;
    return flagged + (inNames ? 3000 + length : 4000);
  };

  const search = (query, kind) => {
    // A blank in front: texts begin with one, so a word is found at its beginning only.
    const words = query ? query.split(" ").map((word) => (unspaced.test(word) ? word : ` ${word}`)) : [];
    const hits = [];
    entries.forEach((entry, at) => {
      if (kind && entry.kind !== kind) return;
      const score = words.length ? rank(entry, query, words) : 0;
      if (score >= 0) hits.push(score * MOST + at);
    });
    return [...Float64Array.from(hits).sort()].map((hit) => entries[hit % MOST]);
  };

  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  };

  const marked = (node, text, pattern) => {
    let at = 0;
    for (const hit of pattern ? text.matchAll(pattern) : []) {
      const start = hit.index + hit[1].length;
      node.append(text.slice(at, start), element("mark", "", hit[2]));
      at = start + hit[2].length;
    }
    node.append(text.slice(at));
    return node;
  };

  const show = (entry, pattern) => {
    const item = element("li", "entry");
    const heading = element("h3");
    const link = marked(element("a"), entry.name, pattern);
    link.href = entry.place;
    link.dir = "auto";
    heading.append(link);
    const from = entry.owner === entry.name ? entry.version : `${entry.owner} ${entry.version}`;
    heading.append(" ", element("span", "from", from));
    const text = marked(element("p"), entry.text, pattern);
    text.dir = "auto";
    const tags = element("p", "tags");
    const state = ["", "Yanked", "Reserved name"][entry.flag];
    tags.append(element("span", state ? "tag off" : "tag", state || entry.label));
    item.append(heading, text, tags);
    return item;
  };

  const append = () => {
    const words = plain(input.value).split(" ").filter(Boolean);
    const pattern = words.length
      ? new RegExp(`(^|[^\\p{L}\\p{N}])(${words.sort((a, b) => b.length - a.length).join("|")})`, "giu")
      : null;
    const from = list.childElementCount;
    list.append(...found.slice(from, from + SHOWN).map((entry) => show(entry, pattern)));
    more.hidden = list.childElementCount >= found.length;
  };

  // The address keeps the search, for links and for the way back. Browsers count such changes, so
  // it waits for a pause.
  const note = () => {
    const said = new URLSearchParams({ q: input.value, kind: form.elements.kind.value });
    try {
      history.replaceState(null, "", section.hidden ? "#" : `#${said}`);
    } catch {
      // Some browsers let no page of a folder change its address; nothing else depends on it.
    }
  };

  const update = () => {
    const query = plain(input.value);
    const kind = form.elements.kind.value;
    const searching = Boolean(query || kind);
    section.hidden = !searching;
    byId("all").hidden = searching;
    list.replaceChildren();
    more.hidden = true;
    clearTimeout(noting);
    noting = setTimeout(note, 250);
    if (!searching) {
      count.textContent = "";
      return;
    }
    if (!entries) {
      count.textContent = "Loading the list…";
      load().then(update, (error) => {
        count.textContent = error.message;
      });
      return;
    }
    found = search(query, kind);
    const shown = found.length > SHOWN ? `, the first ${SHOWN} are shown` : "";
    count.textContent = found.length
      ? `${found.length.toLocaleString("en")} found${shown}`
      : "Nothing was found. Try fewer or shorter words, or another kind.";
    append();
  };

  const clear = () => {
    input.value = "";
    form.elements.kind.value = "";
    update();
    input.focus();
  };

  const links = () => [...list.querySelectorAll("a")];
  const step = (by) => {
    const all = links();
    const at = all.indexOf(document.activeElement) + by;
    if (at < 0) input.focus();
    else all[Math.min(at, all.length - 1)]?.focus();
  };

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (key === "/" && target !== input) {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (key === "Escape" && (form.contains(target) || section.contains(target))) {
      event.preventDefault();
      clear();
    } else if (key.startsWith("Arrow") && (target === input || list.contains(target))) {
      if (key !== "ArrowDown" && key !== "ArrowUp") return;
      if (target === input && key === "ArrowUp") return;
      event.preventDefault();
      step(key === "ArrowDown" ? 1 : -1);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    links()[0]?.click();
  });
  form.addEventListener("input", update);
  input.addEventListener("focus", () => load().catch(() => {}));
  more.addEventListener("click", () => {
    const at = list.childElementCount;
    append();
    links()[at]?.focus();
  });

  form.hidden = false;
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.has("q")) {
    input.value = asked.get("q");
    form.elements.kind.value = asked.get("kind") ?? "";
    input.focus();
    update();
  }
})();
