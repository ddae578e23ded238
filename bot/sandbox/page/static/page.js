// The page kept in step with the workspace: pieces come by the stream and replace those of the same id.
"use strict";

const byId = (id) => document.getElementById(id);
const me = document.body.dataset.me;

// ---------------------------------------------------------------- pieces that replace others

// What a person has opened, typed or focused is theirs: a piece that is drawn anew keeps it.
function replaceKeeping(old, fresh) {
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  const caret = active && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
  for (const details of old.querySelectorAll("details[id][open]")) fresh.querySelector("#" + CSS.escape(details.id))?.setAttribute("open", "");
  for (const field of old.querySelectorAll("input[id].draft, textarea[id].draft, dialog [id]")) {
    const same = fresh.querySelector("#" + CSS.escape(field.id));
    if (same && "value" in field && field.type !== "checkbox" && field.type !== "radio") same.value = field.value;
    if (same && "checked" in field) same.checked = field.checked;
  }
  old.replaceWith(fresh);
  if (active?.id) {
    const again = byId(active.id);
    again?.focus({ preventScroll: true });
    if (again && caret && caret[0] !== null && again.setSelectionRange) again.setSelectionRange(...caret);
  }
}

function place(list, item) {
  const newest = list.dataset.newest === "first";
  const items = [...list.children].filter((one) => one.dataset.ts);
  // Nearly always the newest: look from that end.
  if (newest) {
    const next = items.find((one) => one.dataset.ts <= item.dataset.ts);
    list.insertBefore(item, next ?? null);
  } else {
    let at = items.length;
    while (at && items[at - 1].dataset.ts > item.dataset.ts) at -= 1;
    list.insertBefore(item, items[at] ?? null);
  }
}

function patch(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const messages = byId("messages");
  const following = stuck || Date.now() - acted < 6000;
  const before = messages?.lastElementChild;
  for (const fresh of [...holder.content.children]) {
    localise(fresh);
    const old = fresh.id && byId(fresh.id);
    if (old?.closest(".wire-row") && old.querySelector("details[open]")) {
      old.querySelector("summary").replaceWith(fresh.querySelector("summary"));
      continue;
    }
    if (fresh.id === "modal") {
      patchModal(old, fresh);
      continue;
    }
    if (old) {
      hearReplies(old, fresh);
      replaceKeeping(old, fresh);
    } else if (fresh.dataset.into && byId(fresh.dataset.into)) {
      place(byId(fresh.dataset.into), fresh);
      if (fresh.dataset.into === "messages") arrived(fresh, following);
      if (fresh.dataset.into === "wire") trim(byId("wire"), 120);
    } else {
      continue;
    }
    htmx.process(byId(fresh.id) ?? fresh);
  }
  if (messages) follow(messages, before, following);
}

// To the end, unless the first new message is taller than what can be seen: then to its top, where its fact stands.
function follow(messages, before, following) {
  const first = before?.isConnected ? before.nextElementSibling : null;
  if (first && following && messages.scrollHeight - first.offsetTop > messages.clientHeight) {
    messages.scrollTop = first.offsetTop - 4;
    stuck = false;
  } else if (first ? following : stuck) toEnd(messages);
}

function trim(list, most) {
  while (list.children.length > most) list.lastElementChild.remove();
}

// ---------------------------------------------------------------- messages

const atEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 80;
// Whether the end is what is looked at: then it stays in sight, whatever comes or is drawn late.
let stuck = true;
const toEnd = (list) => {
  list.scrollTop = list.scrollHeight;
  byId("newer").hidden = true;
  stuck = true;
};

function arrived(item, following) {
  hear(item);
  if (!following && item.dataset.by !== me) byId("newer").hidden = false;
}

// Read out what is new, once; an edit of a card is not news.
function hear(item) {
  if (!item.dataset.heard || item.dataset.by === me) return;
  byId("heard").textContent = item.dataset.heard;
}

function hearReplies(old, fresh) {
  for (const reply of fresh.querySelectorAll("li.reply")) {
    if (byId(reply.id)) continue;
    hear(reply);
    fresh.querySelector("details.thread")?.setAttribute("open", "");
  }
}

// ---------------------------------------------------------------- what went wrong, what was taken

function toast(text, bad) {
  const line = document.createElement("p");
  line.className = bad ? "toast bad" : "toast";
  line.textContent = text;
  const box = byId("toasts");
  while (box.children.length > 2) box.firstElementChild.remove();
  box.append(line);
  setTimeout(() => line.remove(), 9000);
}

// What answers an act of one's own is brought into sight.
let acted = 0;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig?.verb === "post") acted = Date.now();
});

document.addEventListener("fw:refused", (event) => toast(event.detail.text, true));

document.addEventListener("fw:taken", (event) => {
  byId("toasts").replaceChildren(); // what went wrong before is over
  const field = byId(event.target.dataset?.clears ?? "");
  if (!field) return;
  field.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

for (const broken of ["htmx:sendError", "htmx:timeout", "htmx:responseError"])
  document.addEventListener(broken, (event) => {
    if (event.detail.xhr?.status === 403) toast(event.detail.xhr.responseText, true);
    else toast("The sandbox did not answer. What you typed is kept; try again.", true);
    const box = event.detail.elt;
    if (box.matches?.("[role=switch]")) box.checked = !box.checked;
  });

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-press]");
  if (link) htmx.ajax("POST", link.dataset.press, { source: link, values: { action: link.dataset.action }, swap: "none" });
});

// ---------------------------------------------------------------- the stream

let source = null;

function away(gone) {
  const line = byId("away");
  if (!gone) line.hidden = true;
  else if (line.hidden) {
    line.textContent = "The sandbox has stopped, or cannot be reached. What you typed is kept; this page comes back by itself once it runs again.";
    line.hidden = false;
  }
}

function connect(url) {
  source = new EventSource(url);
  source.addEventListener("open", () => away(false));
  source.addEventListener("error", () => setTimeout(() => source.readyState !== EventSource.OPEN && away(true), 1500));
  source.addEventListener("reload", (event) => {
    // Of another night: its channels are not those that were here.
    if (event.data === "anew") location.assign(location.pathname.split("/").slice(0, 3).join("/"));
    else location.reload();
  });
  source.addEventListener("over", () => away(true));
  source.addEventListener("gone", (event) => {
    for (const id of event.data.split(" ")) byId(id)?.remove();
  });
  return source;
}

htmx.createEventSource = connect;
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  event.preventDefault();
  patch(event.detail.data);
});
addEventListener("beforeunload", () => source?.close());

// ---------------------------------------------------------------- menus, tabs, panels

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target) || event.target.closest(".menu-items button, .menu-items a")) menu.open = false;
  const reply = event.target.closest("[data-reply]");
  if (reply) {
    const thread = byId(reply.dataset.reply + "-thread");
    thread.open = true;
    byId(reply.dataset.reply + "-answer")?.focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else closePanels();
});

const tabs = [...document.querySelectorAll("[role=tab]")];

function choose(tab, focus) {
  for (const one of tabs) {
    const on = one === tab;
    one.setAttribute("aria-selected", on);
    one.tabIndex = on ? 0 : -1;
    byId(one.getAttribute("aria-controls")).hidden = !on;
  }
  sessionStorage.setItem("fw-tab", tab.id);
  if (focus) tab.focus();
}

for (const [at, tab] of tabs.entries()) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) choose(tabs[(at + step + tabs.length) % tabs.length], true);
    if (event.key === "Home") choose(tabs[0], true);
    if (event.key === "End") choose(tabs.at(-1), true);
  });
}

function panel(name, open) {
  document.body.classList.toggle(`show-${name}`, open);
  byId(`show-${name}`).setAttribute("aria-expanded", open);
}

function closePanels() {
  for (const name of ["rooms", "side"]) if (document.body.classList.contains(`show-${name}`)) (panel(name, false), byId(`show-${name}`).focus());
}

byId("show-rooms").addEventListener("click", () => panel("rooms", !document.body.classList.contains("show-rooms")));
byId("show-side").addEventListener("click", () => (panel("side", true), document.querySelector("[role=tab][aria-selected=true]").focus()));
byId("hide-side").addEventListener("click", closePanels);

// ---------------------------------------------------------------- messages by keyboard

const list = byId("messages");

function step(from, by) {
  const items = [...list.querySelectorAll(":scope > .message")];
  const at = items.indexOf(from);
  const next = at < 0 ? items.at(-1) : items[at + by];
  if (next) next.focus();
  else if (by > 0) byId("say")?.focus();
}

list?.addEventListener("keydown", (event) => {
  const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!way || event.target.closest("input, textarea, select, summary")) return;
  event.preventDefault();
  step(event.target.closest(".messages > .message"), way);
});

list?.addEventListener("scroll", () => {
  stuck = atEnd(list);
  if (stuck) byId("newer").hidden = true;
}, { passive: true });
list?.addEventListener("load", () => stuck && toEnd(list), true);

byId("newer")?.addEventListener("click", () => toEnd(list));

// ---------------------------------------------------------------- at the start

localise(document);
document.addEventListener("htmx:afterSwap", (event) => localise(event.detail.target.parentElement ?? document));
choose(byId(sessionStorage.getItem("fw-tab") ?? "") ?? tabs[0]);
if (location.hash) stuck = false;
if (list && !location.hash) toEnd(list);
if (location.hash) byId(location.hash.slice(1))?.focus();
addEventListener("hashchange", () => byId(location.hash.slice(1))?.focus());
if (list) new ResizeObserver(() => stuck && toEnd(list)).observe(list);
showModal();
