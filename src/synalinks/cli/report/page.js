"use strict";
// The samples: filtered, and only those in view drawn. Every text enters the page as text, never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const text = (number) => (number === null || number === undefined ? "" : data.texts[number]);
const by = (id) => document.getElementById(id);
const ROW = 34;
const number = (value, digits) => (value === null ? "" : value.toLocaleString("en", { maximumFractionDigits: digits }));
const dash = (value) => (value === null || value === "" ? "-" : String(value));
const place = (s) => (s.epoch === null ? "" : s.epoch + (s.step === null ? "" : "." + s.step));
const COLUMNS = [
  ["epoch.step", (s) => dash(place(s))], ["phase", (s) => dash(s.phase)], ["sample", (s) => dash(s.sample), "number"],
  ["input", (s) => text(s.input)], ["prediction", (s) => text(s.prediction)], ["target", (s) => text(s.target)],
  ["reward", (s) => number(s.reward, 3), "number"], ["tokens", (s) => number(s.tokens, 0), "number"],
  ["seconds", (s) => number(s.seconds, 2), "number"],
  ["state", (s) => [s.failed && "failed: " + s.failed, !s.failed && s.wrong && "wrong", s.changed && "changed"].filter(Boolean).join(", ")],
];
let shown = data.samples;
let chosen = -1;

function element(tag, content, name) {
  const made = document.createElement(tag);
  made.textContent = content;
  if (name) made.className = name;
  return made;
}

function fill(id, values, names) {
  const select = by(id);
  select.append(new Option("all", ""));
  for (const value of values) select.append(new Option(names ? names[value] : value, value));
  select.closest("label").hidden = values.length < 2;
}

function draw() {
  const view = by("table");
  const first = Math.max(0, Math.floor((view.scrollTop - ROW) / ROW) - 5);
  const last = Math.min(shown.length, first + Math.ceil(view.clientHeight / ROW) + 12);
  const rows = [];
  for (let i = first; i < last; i++) {
    const sample = shown[i];
    const row = element("div", "", i === chosen ? "row chosen" : "row");
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", i + 2);
    row.setAttribute("aria-selected", i === chosen);
    row.style.top = i * ROW + "px";
    row.dataset.index = i;
    for (const [name, value, kind] of COLUMNS) {
      const shownText = value(sample).slice(0, 300).replace(/\s+/g, " ");
      const cell = element("span", shownText, kind || (name === "state" && (sample.failed || sample.wrong) ? "bad" : ""));
      cell.setAttribute("role", "gridcell");
      row.append(cell);
    }
    rows.push(row);
  }
  by("body").replaceChildren(...rows);
}

function filter() {
  const words = by("search").value.toLowerCase();
  const [run, phase, epoch] = ["run", "phase", "epoch"].map((id) => by(id).value);
  const flags = ["failed", "wrong", "changed"].filter((id) => by(id).checked);
  shown = data.samples.filter((s) =>
    (run === "" || s.run === Number(run)) && (phase === "" || s.phase === phase) && (epoch === "" || s.epoch === Number(epoch))
    && flags.every((flag) => s[flag])
    && (!words || [s.input, s.prediction, s.target].some((one) => text(one).toLowerCase().includes(words))));
  chosen = -1;
  by("count").textContent = shown.length.toLocaleString("en") + " of " + data.samples.length.toLocaleString("en") + " samples";
  by("body").style.height = shown.length * ROW + "px";
  by("table").setAttribute("aria-rowcount", shown.length + 1);
  by("table").scrollTop = 0;
  draw();
}

function choose(index) {
  if (!shown.length) return;
  chosen = Math.max(0, Math.min(shown.length - 1, index));
  const view = by("table");
  const top = chosen * ROW;
  if (top < view.scrollTop) view.scrollTop = top;
  if (top + 2 * ROW > view.scrollTop + view.clientHeight) view.scrollTop = top + 2 * ROW - view.clientHeight;
  draw();
}

function open(index) {
  choose(index);
  const sample = shown[chosen];
  if (!sample) return;
  const parts = [];
  const title = data.runs.length > 1 ? data.runs[sample.run] + ": " : "";
  by("talk-title").textContent = title + "sample " + dash(sample.sample) + ", " + (sample.phase || "call")
    + (sample.epoch === null ? "" : ", epoch " + sample.epoch);
  if (sample.target !== null) parts.push(said("target", text(sample.target)));
  for (const talk of sample.talks) {
    parts.push(element("h3", talk.title));
    for (const [who, what] of talk.said) parts.push(said(who, text(what)));
  }
  if (!sample.talks.length) parts.push(element("p", "The files of this run have no conversations: add its cassette."));
  by("talk-body").replaceChildren(...parts);
  by("talk").showModal();
}

function said(who, what) {
  const made = element("div", "", "said");
  made.append(element("strong", who), element("pre", what));
  return made;
}

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

function key(event) {
  const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
  if (event.ctrlKey || event.metaKey || event.altKey || by("talk").open) return;
  if (typing) {
    if (event.key === "Escape") by("table").focus();
    return;
  }
  const inTable = event.target === by("table");
  const actions = { t: theme, "/": () => by("search").focus(), j: () => choose(chosen + 1), k: () => choose(chosen - 1) };
  const page = Math.floor(by("table").clientHeight / ROW) - 2;
  const inside = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (event.key in actions) actions[event.key]();
  else if (inTable && event.key in inside) choose(chosen + inside[event.key]);
  else if (inTable && event.key === "Enter" && chosen >= 0) open(chosen);
  else return;
  if (event.key === "j" || event.key === "k") by("table").focus({ preventScroll: true });
  event.preventDefault();
}

const values = (name) => [...new Set(data.samples.map((s) => s[name]))].filter((one) => one !== null && one !== "").sort();
fill("run", data.runs.map((_, i) => i), data.runs);
fill("phase", values("phase"));
fill("epoch", values("epoch").sort((a, b) => a - b));
for (const [name, , kind] of COLUMNS) {
  const cell = element("span", name, kind);
  cell.setAttribute("role", "columnheader");
  by("head").append(cell);
}
let waiting = false;
by("table").addEventListener("scroll", () => {
  if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
  waiting = true;
});
by("body").addEventListener("click", (event) => {
  const row = event.target.closest(".row");
  if (row) open(Number(row.dataset.index));
});
by("filters").addEventListener("input", filter);
by("filters").addEventListener("submit", (event) => event.preventDefault());
by("theme").addEventListener("click", theme);
by("close").addEventListener("click", () => by("talk").close());
addEventListener("keydown", key);
addEventListener("resize", draw);
filter();
