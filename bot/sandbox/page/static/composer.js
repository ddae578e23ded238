// The composer: drafts that survive a reload, commands completed and explained while they are typed.
"use strict";

const COMMANDS = JSON.parse(byId("commands").textContent);
const say = byId("say");
const box = byId("completion");
const optionList = byId("options");
const usage = byId("usage");

// ---------------------------------------------------------------- drafts

const draftKey = (field) => `fw-draft-${location.pathname}-${field.id}`;

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches(".draft")) return;
  if (field.value) sessionStorage.setItem(draftKey(field), field.value);
  else sessionStorage.removeItem(draftKey(field));
});

for (const field of document.querySelectorAll(".draft")) {
  const kept = sessionStorage.getItem(draftKey(field));
  if (kept) field.value = kept;
}

// ---------------------------------------------------------------- what may come next

// "/jobs failed repost" → the command, its words so far, and the word being typed.
function parsed(text) {
  const command = COMMANDS.filter((one) => text === one.name || text.startsWith(one.name + " ")).sort((a, b) => b.name.length - a.name.length)[0];
  if (!command || text === command.name) return { command: null };
  const words = text.slice(command.name.length).trimStart().match(/"[^"]*"?|\S+/g) ?? [];
  const typing = /\s$/.test(text) ? "" : words.pop() ?? "";
  return { command, words, typing };
}

function expected({ command, words, typing }) {
  const options = command.parameters.filter((one) => one.option);
  const places = command.parameters.filter((one) => !one.option);
  const last = options.find((one) => !one.flag && one.option === words.at(-1));
  if (last) return { now: last, at: "value" };
  let taken = 0;
  for (let at = 0; at < words.length; at += 1) {
    const option = options.find((one) => one.option === words[at]);
    if (option && !option.flag) at += 1;
    else if (!option && !words[at].startsWith("--")) taken += 1;
  }
  if (typing.startsWith("-")) return { now: options.find((one) => one.option === typing) ?? null, at: "option", options };
  // Free text takes every word that follows.
  const now = places[Math.min(taken, places.length - 1)];
  return { now: taken < places.length ? now : null, at: "place", options };
}

function suggestions(text) {
  if (!text.startsWith("/") || text.includes("\n")) return [];
  const state = parsed(text);
  if (!state.command) {
    const typed = text.toLowerCase().trimEnd();
    const starts = COMMANDS.filter((one) => one.name.startsWith(typed));
    const holds = typed.length > 2 ? COMMANDS.filter((one) => !starts.includes(one) && one.name.includes(typed.slice(1).trim())) : [];
    return [...starts, ...holds].map((one) => ({ text: one.name + (one.parameters.length ? " " : ""), shown: one.name, more: one.summary, risk: one.risk }));
  }
  const { command, words, typing } = state;
  const { now, at, options } = expected(state);
  const head = text.slice(0, text.length - typing.length);
  const choices = at === "option" ? [] : now?.choices ?? [];
  const offered = choices.filter((one) => one.startsWith(typing) && one !== typing).map((one) => ({ text: `${head}${one} `, shown: one, more: "" }));
  if (at !== "value" && (typing.startsWith("-") || (at === "place" && !now)) && options) {
    const left = options.filter((one) => !words.includes(one.option) && one.option.startsWith(typing) && one.option !== typing);
    offered.push(...left.map((one) => ({ text: `${head}${one.option} `, shown: one.shown.replace(/^\[|\]$/g, ""), more: one.help })));
  }
  return offered.slice(0, 12).map((one) => ({ ...one, command: command.name }));
}

// The usage line, the part that is being typed marked.
function explain(text) {
  usage.replaceChildren();
  const state = text.startsWith("/") ? parsed(text) : { command: null };
  if (!state.command) return;
  const { now } = expected(state);
  const line = document.createElement("code");
  line.append(state.command.name);
  for (const one of state.command.parameters) {
    const part = document.createElement(one === now ? "mark" : "span");
    part.textContent = one.shown;
    line.append(" ", part);
  }
  usage.append(line);
  if (now?.help) usage.append(" ", now.help);
}

let selected = -1;

function show() {
  const found = document.activeElement === say ? suggestions(say.value) : [];
  explain(say.value);
  selected = -1;
  say.removeAttribute("aria-activedescendant");
  optionList.replaceChildren(
    ...found.map((one, at) => {
      const item = document.createElement("li");
      item.id = `option-${at}`;
      item.role = "option";
      item.setAttribute("aria-selected", "false");
      item.dataset.text = one.text;
      const name = document.createElement("code");
      name.textContent = one.shown;
      const more = document.createElement("span");
      more.textContent = one.more;
      item.append(name, " ", more);
      return item;
    }),
  );
  box.hidden = document.activeElement !== say || (!found.length && !usage.childNodes.length);
}

function mark(at) {
  const items = [...optionList.children];
  selected = (at + items.length) % items.length;
  for (const [number, item] of items.entries()) item.setAttribute("aria-selected", number === selected);
  say.setAttribute("aria-activedescendant", items[selected].id);
  items[selected].scrollIntoView({ block: "nearest" });
}

function accept(item) {
  say.value = item.dataset.text;
  say.focus();
  say.setSelectionRange(say.value.length, say.value.length);
  say.dispatchEvent(new Event("input", { bubbles: true }));
}

function grow() {
  say.style.height = "auto";
  say.style.height = `${Math.min(say.scrollHeight + 2, 200)}px`;
}

if (say) {
  say.addEventListener("input", () => (show(), grow()));
  say.addEventListener("focus", show);
  say.addEventListener("blur", () => setTimeout(() => (box.hidden = true), 150));
  say.addEventListener("keydown", (event) => {
    const open = !box.hidden && optionList.children.length;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      mark(selected + (event.key === "ArrowDown" ? 1 : selected < 0 ? 0 : -1));
    } else if (open && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      accept(optionList.children[Math.max(selected, 0)]);
    } else if (open && event.key === "Escape") {
      event.stopPropagation();
      box.hidden = true;
    } else if (open && event.key === "Enter" && selected >= 0) {
      event.preventDefault();
      accept(optionList.children[selected]);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      box.hidden = true;
      byId("composer").requestSubmit();
    } else if (event.key === "ArrowUp" && !say.value && list) {
      event.preventDefault();
      step(null, -1);
    }
  });
  optionList.addEventListener("mousedown", (event) => {
    const item = event.target.closest("[role=option]");
    if (!item) return;
    event.preventDefault();
    accept(item);
  });
  grow();
  explain(say.value);
  if (matchMedia("(min-width: 700px)").matches && !location.hash && !document.querySelector("dialog[open]")) say.focus();
}

// The guide puts its commands here, to be read before they are sent.
document.addEventListener("click", (event) => {
  const fill = event.target.closest("[data-fill]");
  if (!fill) return;
  if (!say) return toast("Choose a channel you are in first.", true);
  closePanels();
  say.value = fill.dataset.fill;
  say.focus();
  say.dispatchEvent(new Event("input", { bubbles: true }));
});
