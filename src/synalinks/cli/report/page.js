"use strict";
// The samples: filtered, and only those in view drawn. Every text enters the page as text, never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const text = (number) => (number === null || number === undefined ? "" : data.texts[number]);
const by = (id) => document.getElementById(id);
const ROW = 34;
const number = (value, digits) => (value === null ? "" : value.toLocaleString("en", { maximumFractionDigits: digits }));
// A JSON object in a cell: the value of its only field, else its fields, each with its name.
function brief(words) {
  try {
    const value = JSON.parse(words), names = value && !Array.isArray(value) && typeof value === "object" ? Object.keys(value) : [];
    const said = (name) => (typeof value[name] === "string" ? value[name] : JSON.stringify(value[name]));
    return names.length ? names.map((name) => (names.length > 1 ? name + ": " : "") + said(name)).join(", ") : words;
  } catch { return words; }
}
const dash = (value) => (value === null || value === "" ? "-" : String(value));
const place = (s) => (s.epoch === null ? "" : s.epoch + (s.step === null ? "" : "." + s.step));
const state = (s) => [s.failed && "failed: " + s.failed, !s.failed && s.wrong && "wrong", s.changed && "changed",
  s.inferred && "reward of an equal answer"];
const COLUMNS = [
  ["epoch.step", (s) => dash(place(s))], ["phase", (s) => dash(s.phase)], ["sample", (s) => dash(s.sample), "number"],
  ["input", (s) => brief(text(s.input))], ["prediction", (s) => brief(text(s.prediction))], ["target", (s) => brief(text(s.target))],
  ["reward", (s) => number(s.reward, 3), "number"], ["tokens", (s) => number(s.tokens, 0), "number"],
  ["seconds", (s) => number(s.seconds, 2), "number"],
  ["state", (s) => state(s).filter(Boolean).join(", ")],
];
// Two runs sample by sample: of each phase, what the last epoch of either gave.
const [A, B] = data.runs;
const COMPARED = [
  ["sample", (p) => dash(p.sample)], ["phase", (p) => dash(p.phase)], ["gain", (p) => signed(p.gain), "number"],
  ["input", (p) => brief(text(p.input))], [A, (p) => brief(text(p.first.prediction))], [B, (p) => brief(text(p.second.prediction))],
  ["first", (p) => number(p.first.reward, 3), "number"], ["second", (p) => number(p.second.reward, 3), "number"],
  ["tokens", (p) => signed(p.second.tokens - p.first.tokens), "number"], ["state", (p) => p.outcome],
];
const signed = (value) => (value === null ? "" : (value > 0 ? "+" : "") + number(value, 3));

function pairs() {
  const last = [new Map(), new Map()];
  for (const s of data.samples) {
    if (s.run > 1 || s.sample === null || s.phase === "candidate") continue;
    const key = s.phase + " " + s.sample, before = last[s.run].get(key);
    if (!before || (s.epoch ?? 0) >= (before.epoch ?? 0)) last[s.run].set(key, s);
  }
  return [...last[0]].filter(([key]) => last[1].has(key)).map(([key, first]) => pair(first, last[1].get(key)));
}

function pair(first, second) {
  const known = first.reward !== null && second.reward !== null;
  const gain = known ? second.reward - first.reward : null;
  const score = known ? gain : Number(first.wrong) - Number(second.wrong);
  const changed = text(first.prediction) !== text(second.prediction);
  const { sample, phase, input, target } = first;
  return { sample, phase, input, target, prediction: second.prediction, first, second, gain, changed, epoch: null, run: 0,
    failed: first.failed || second.failed, wrong: first.wrong || second.wrong,
    outcome: score > 0 ? "better" : score < 0 ? "worse" : changed ? "other" : "same" };
}

const views = { samples: { rows: data.samples, columns: COLUMNS }, compared: { rows: data.runs.length > 1 ? pairs() : [], columns: COMPARED } };
let view = views.samples;
let shown = view.rows;
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
  const table = by("table");
  const first = Math.max(0, Math.floor((table.scrollTop - ROW) / ROW) - 5);
  const last = Math.min(shown.length, first + Math.ceil(table.clientHeight / ROW) + 12);
  const rows = [];
  for (let i = first; i < last; i++) {
    const sample = shown[i];
    const row = element("div", "", i === chosen ? "row chosen" : "row");
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", i + 2);
    row.setAttribute("aria-selected", i === chosen);
    row.style.top = i * ROW + "px";
    row.dataset.index = i;
    for (const [name, value, kind] of view.columns) {
      const shownText = value(sample).slice(0, 300).replace(/\s+/g, " ");
      const cell = element("span", shownText, kind || (name === "state" && bad(sample) ? "bad" : ""));
      cell.setAttribute("role", "gridcell");
      row.append(cell);
    }
    rows.push(row);
  }
  by("body").replaceChildren(...rows);
}

const bad = (one) => (one.outcome ? one.outcome === "worse" : one.failed || one.wrong);

function choose_view() {
  view = views[by("view").value] || views.samples;
  for (const id of ["run", "epoch"]) by(id).value = "";
  for (const id of ["run", "epoch"]) by(id).closest("label").hidden = by(id).options.length < 3 || view !== views.samples;
  by("head").replaceChildren(...view.columns.map(([name, , kind]) => {
    const cell = element("span", name, kind);
    cell.setAttribute("role", "columnheader");
    return cell;
  }));
  filter();
}

function filter() {
  const words = by("search").value.toLowerCase();
  const [run, phase, epoch] = ["run", "phase", "epoch"].map((id) => by(id).value);
  const flags = ["failed", "wrong", "changed"].filter((id) => by(id).checked);
  shown = view.rows.filter((s) =>
    (run === "" || s.run === Number(run)) && (phase === "" || s.phase === phase) && (epoch === "" || s.epoch === Number(epoch))
    && flags.every((flag) => s[flag])
    && (!words || [s.input, s.prediction, s.target, s.first && s.first.prediction].some((one) => text(one).toLowerCase().includes(words))));
  chosen = -1;
  by("count").textContent = shown.length.toLocaleString("en") + " of " + view.rows.length.toLocaleString("en") + " samples"
    + (view === views.samples ? "" : ": " + ["better", "worse"].map((word) => shown.filter((p) => p.outcome === word).length + " " + word).join(", "));
  by("body").style.height = shown.length * ROW + "px";
  by("table").setAttribute("aria-rowcount", shown.length + 1);
  by("table").scrollTop = 0;
  draw();
}

function choose(index) {
  if (!shown.length) return;
  chosen = Math.max(0, Math.min(shown.length - 1, index));
  const table = by("table");
  const top = chosen * ROW;
  if (top < table.scrollTop) table.scrollTop = top;
  if (top + 2 * ROW > table.scrollTop + table.clientHeight) table.scrollTop = top + 2 * ROW - table.clientHeight;
  draw();
}

function open(index) {
  choose(index);
  const sample = shown[chosen];
  if (!sample) return;
  const parts = [];
  const title = sample.first || data.runs.length < 2 ? "" : data.runs[sample.run] + ": ";
  by("talk-title").textContent = title + "sample " + dash(sample.sample) + ", " + (sample.phase || "call")
    + (sample.epoch === null ? "" : ", epoch " + sample.epoch);
  if (sample.target !== null) parts.push(said("target", text(sample.target)));
  if (!sample.first) parts.push(...talks(sample));
  else {
    const sides = element("div", "", "runs");
    for (const [name, side] of [[A, sample.first], [B, sample.second]]) {
      const column = element("div", "");
      column.append(element("h3", name + (side.epoch === null ? "" : ", epoch " + side.epoch)), ...talks(side));
      sides.append(column);
    }
    parts.push(sides);
  }
  by("talk").classList.toggle("broad", Boolean(sample.first));
  by("talk-body").replaceChildren(...parts);
  by("talk").showModal();
}

function talks(sample) {
  if (!sample.talks.length) return [element("p", "The files of this run have no conversations: add its cassette.")];
  return sample.talks.flatMap((talk) => [element("h3", talk.title), ...talk.said.map(([who, what]) => said(who, text(what)))]);
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
by("view").append(new Option("all samples", "samples"));
if (views.compared.rows.length) by("view").append(new Option("runs compared", "compared"));
by("view").closest("label").hidden = by("view").options.length < 2;
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
by("view").addEventListener("change", choose_view);
by("filters").addEventListener("submit", (event) => event.preventDefault());
by("theme").addEventListener("click", theme);
by("close").addEventListener("click", () => by("talk").close());
addEventListener("keydown", key);
addEventListener("resize", draw);
choose_view();
