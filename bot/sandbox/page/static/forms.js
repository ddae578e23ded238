// Forms in a dialog, and the question before what cannot be undone. Loaded before page.js, whose helpers it uses.
"use strict";

// ---------------------------------------------------------------- forms in a dialog

const draftsKey = (view) => `fw-form-${view}`;

function keepForm(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.type === "checkbox" || field.type === "radio") (values[field.name] ??= []).push(...(field.checked ? [field.value] : []));
    else if (field.multiple) values[field.name] = [...field.selectedOptions].map((one) => one.value);
    else values[field.name] = [field.value];
  }
  sessionStorage.setItem(draftsKey(form.dataset.form), JSON.stringify(values));
}

function restoreForm(form) {
  const values = JSON.parse(sessionStorage.getItem(draftsKey(form.dataset.form)) ?? "{}");
  for (const field of form.elements) {
    const kept = values[field.name];
    if (!kept) continue;
    if (field.type === "checkbox" || field.type === "radio") field.checked = kept.includes(field.value);
    else if (field.multiple) for (const one of field.options) one.selected = kept.includes(one.value);
    else field.value = kept[0] ?? "";
  }
}

let opener = null;

function patchModal(old, fresh) {
  const before = old.querySelector("dialog")?.dataset.view;
  const after = fresh.querySelector("dialog")?.dataset.view;
  if (!before && after) opener = document.activeElement?.id;
  const active = old.contains(document.activeElement) ? document.activeElement.id : null;
  old.replaceWith(fresh);
  showModal(active);
  if (before && before !== after) sessionStorage.removeItem(draftsKey(before));
  if (before && !after) (byId(opener ?? "") ?? byId("say"))?.focus({ preventScroll: true });
}

function showModal(focused) {
  const dialog = byId("modal")?.querySelector("dialog");
  if (!dialog) return;
  htmx.process(dialog);
  const form = dialog.querySelector("form");
  restoreForm(form);
  dialog.showModal();
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    dialog.querySelector(".close").click();
  });
  form.addEventListener("input", () => keepForm(form));
  const wrong = dialog.querySelector("[aria-invalid]");
  (wrong ?? byId(focused ?? "") ?? dialog.querySelector("[autofocus], .input input, .input textarea, .input select") ?? dialog.querySelector(".primary"))?.focus();
}

// The browser's own checks, said beside the field instead of in a bubble.
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches?.("form[data-form]")) return;
  for (const old of form.querySelectorAll(".error.own")) old.remove();
  const wrong = [...form.elements].filter((field) => field.willValidate && !field.validity.valid);
  for (const field of wrong) {
    const said = document.createElement("p");
    said.className = "error own";
    said.setAttribute("role", "alert");
    said.id = field.id + "-own";
    said.textContent = field.validity.valueMissing ? "Please fill this in." : field.validationMessage;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), said.id].filter(Boolean).join(" "));
    field.closest(".input").append(said);
  }
  if (wrong.length) {
    event.preventDefault();
    wrong[0].focus();
  }
});

document.addEventListener("htmx:configRequest", (event) => {
  for (const field of event.detail.elt.querySelectorAll?.("input[type=datetime-local]") ?? [])
    if (field.value) event.detail.parameters[field.name] = Math.floor(new Date(field.value).getTime() / 1000);
  if (event.detail.elt.matches?.("input[type=datetime-local]") && event.detail.elt.value)
    event.detail.parameters.choice = Math.floor(new Date(event.detail.elt.value).getTime() / 1000);
});

document.addEventListener("fw:form", (event) => {
  const form = document.querySelector(`form[data-form="${CSS.escape(event.detail.view)}"]`);
  const line = form?.querySelector(".modal-body > .error");
  if (!line) return toast(event.detail.text, true);
  line.textContent = event.detail.text;
  line.hidden = false;
});

document.addEventListener("fw:sent", (event) => sessionStorage.removeItem(draftsKey(event.detail.view)));

// ---------------------------------------------------------------- "are you sure?"

document.addEventListener("htmx:confirm", (event) => {
  const asked = event.detail.elt.dataset?.confirm;
  if (!asked) return;
  event.preventDefault();
  const said = JSON.parse(asked);
  const dialog = byId("sure");
  byId("sure-title").textContent = said.title;
  byId("sure-text").innerHTML = said.text;
  byId("sure-no").textContent = said.no;
  byId("sure-yes").textContent = said.ok;
  byId("sure-yes").className = `button ${said.style || "primary"}`;
  const back = document.activeElement?.id;
  const done = (yes) => {
    dialog.close();
    byId("sure-yes").onclick = byId("sure-no").onclick = dialog.oncancel = null;
    byId(back ?? "")?.focus();
    if (yes) event.detail.issueRequest(true);
    else if (event.detail.elt.form === null && "value" in event.detail.elt) event.detail.elt.value = "";
  };
  byId("sure-yes").onclick = () => done(true);
  byId("sure-no").onclick = () => done(false);
  dialog.oncancel = () => done(false);
  dialog.showModal();
  byId("sure-no").focus();
});
