// Moments in the reader's own zone: the server writes UTC, which stays in the title.
"use strict";

const DATES = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};

function dayApart(at) {
  const day = (when) => new Date(when.getFullYear(), when.getMonth(), when.getDate()).getTime();
  return Math.round((day(at) - day(new Date())) / 86400000);
}

function said(name, at) {
  const pretty = name.endsWith("_pretty");
  const form = DATES[name.replace("_pretty", "")];
  if (!form) return null;
  if (pretty) {
    const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[dayApart(at)];
    if (near) return near;
  }
  if (name === "date_num") return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
  return at.toLocaleString("en", form);
}

// Text of Slack's date tokens: "{date_short_pretty} at {time}".
function moment(form, at) {
  return form.replace(/\{(\w+)\}/g, (all, name) => said(name, at) ?? all);
}

function localise(root) {
  for (const time of root.querySelectorAll("time[data-form]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.textContent = moment(time.dataset.form, at);
    time.removeAttribute("data-form");
  }
  for (const field of root.querySelectorAll("input[data-epoch]")) {
    if (!field.dataset.epoch) continue;
    const at = new Date(Number(field.dataset.epoch) * 1000);
    field.value = new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    field.removeAttribute("data-epoch");
  }
}
