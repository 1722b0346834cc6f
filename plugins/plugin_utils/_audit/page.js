/*
 * Copyright (c) 2026, community.soda contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
(() => {
  "use strict";

  // Text from Soda Cloud or from a host is set through textContent, so it is never markup.
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 100;
  const SIGNS = { urgent: "▲", notice: "◆", good: "✓", other: "○" };
  const LABELS = ["Runner", "State", "Host", "Last contact", "Versions", "Findings"];
  const NAME = 0, ID = 1, HOST = 2, STATE = 3, CONTACT = 4, SEEN = 5, TYPE = 6, VERSIONS = 7, FINDINGS = 8, STALE = 9,
    ISSUED = 10, ACCOUNT = 11;
  const moment = Date.parse(data.moment);
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const number = new Intl.NumberFormat("en");
  const $ = (id) => document.getElementById(id);

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  function sign(level) {
    return element("span", { class: `sign ${level}`, "aria-hidden": "true" }, SIGNS[level]);
  }

  // The text that a search looks in is made once, not at each key press.
  const rows = data.rows.map((row) => ({
    row,
    text: [
      row[NAME], row[ID], row[HOST], row[TYPE], ...row[VERSIONS], data.states[row[STATE]].title,
      ...row[FINDINGS].flatMap(([state, detail]) => [data.states[state].title, detail]), row[STALE] ? "stale" : "",
    ].join("\n").toLowerCase(),
    seen: row[SEEN] === null ? null : Date.parse(row[SEEN]),
  }));

  const view = { words: [], state: null, contact: null, stale: false, by: "state", down: false, page: 0, rows };

  // Sorting. Rows without a value come last in both directions.

  const texts = (index) => (a, b) => collator.compare(a.row[index], b.row[index]);
  const ORDERS = {
    name: { has: (one) => one.row[NAME] !== null, compare: texts(NAME) },
    state: { has: () => true, compare: (a, b) => a.row[STATE] - b.row[STATE] },
    host: { has: (one) => one.row[HOST] !== null, compare: texts(HOST) },
    contact: {
      has: (one) => one.row[CONTACT] === 0 || one.seen !== null,
      compare: (a, b) => age(a) - age(b),
    },
    versions: {
      has: (one) => one.row[VERSIONS].length > 0,
      compare: (a, b) => collator.compare(a.row[VERSIONS].join(), b.row[VERSIONS].join()),
    },
    findings: {
      has: (one) => one.row[FINDINGS].length > 0,
      compare: (a, b) => b.row[FINDINGS].length - a.row[FINDINGS].length || a.row[STATE] - b.row[STATE],
    },
  };

  function age(one) {
    return one.row[CONTACT] === 0 ? -1 : moment - one.seen;
  }

  function sorted(list) {
    const { has, compare } = ORDERS[view.by];
    const way = view.down ? -1 : 1;
    return list.slice().sort((a, b) => (has(b) - has(a)) || (has(a) ? way * compare(a, b) : 0));
  }

  function chosen(one) {
    return (view.state === null || one.row[STATE] === view.state)
      && (view.contact === null || one.row[CONTACT] === view.contact)
      && (!view.stale || one.row[STALE])
      && view.words.every((word) => one.text.includes(word));
  }

  // One row of the table.

  function when(text) {
    return element("time", { datetime: text }, text.replace("T", " ").replace(/(:\d\d)(:\d\d(\.\d+)?)?(Z|\+00:00)$/, "$1 UTC"));
  }

  function ago(seen) {
    const minutes = Math.max(0, Math.floor((moment - seen) / 60000));
    const hours = Math.floor(minutes / 60);
    return minutes < 1 ? "just now"
      : minutes < 120 ? `${minutes} min ago`
      : hours < 48 ? `${hours} hours ago`
      : `${number.format(Math.floor(hours / 24))} days ago`;
  }

  function contact(one) {
    const { row, seen } = one;
    if (row[CONTACT] === 0) {
      return ["Online now"];
    }
    if (Number.isFinite(seen) && seen !== null) {
      return [ago(seen), element("small", {}, when(row[SEEN]))];
    }
    if (row[ISSUED] !== null) {
      return ["Never", element("small", {}, "key issued ", when(row[ISSUED]))];
    }
    return [data.contacts[row[CONTACT]].title];
  }

  function text(value) {
    return element("bdi", { class: "name" }, value);
  }

  // One line for each part. What does not fit is in the title.
  function version(value) {
    return element("bdi", { class: "version", title: value }, value);
  }

  function cell(label, ...children) {
    return element("td", { role: "cell", "data-label": LABELS[label] }, element("div", {}, ...children));
  }

  function line(one) {
    const { row } = one;
    const state = data.states[row[STATE]];
    const small = [row[TYPE], row[ACCOUNT] === null ? null : data.accounts[row[ACCOUNT]]].filter(Boolean).join(" · ");
    const found = element("ul", { class: "findings", role: "list" });
    for (const [kind, detail] of row[FINDINGS]) {
      const item = element("li", { role: "listitem" }, sign(data.states[kind].level), data.states[kind].title);
      if (detail) {
        item.append(element("small", {}, text(detail)));
      }
      found.append(item);
    }
    const runner = element("th", { scope: "row", role: "rowheader" },
      row[NAME] === null ? element("i", {}, "without a name") : text(row[NAME]));
    if (row[ID] !== null) {
      runner.append(element("small", {}, row[ID]));
    }
    if (small) {
      runner.append(element("small", {}, small));
    }
    return element("tr", { role: "row" },
      runner,
      cell(1,
        element("span", { class: `pill ${state.level}` }, sign(state.level), state.title),
        row[STALE] ? element("small", {}, "stale") : ""),
      cell(2, row[HOST] === null ? "–" : text(row[HOST])),
      cell(3, ...contact(one)),
      cell(4, ...(row[VERSIONS].length ? row[VERSIONS].map(version) : ["–"])),
      cell(5, row[FINDINGS].length ? found : "–"));
  }

  // Show the current view.

  function show() {
    const count = view.rows.length;
    const pages = Math.max(1, Math.ceil(count / PAGE));
    view.page = Math.min(view.page, pages - 1);
    const from = view.page * PAGE;
    $("rows").replaceChildren(...view.rows.slice(from, from + PAGE).map(line));
    $("nothing").hidden = count > 0;
    $("table").hidden = count === 0;
    $("range").textContent = count ? `${number.format(from + 1)}–${number.format(Math.min(from + PAGE, count))} of ${number.format(count)}` : "";
    $("previous").disabled = view.page === 0;
    $("next").disabled = view.page === pages - 1;
    $("pages").hidden = pages === 1;
    for (const head of document.querySelectorAll("th[data-by]")) {
      const mine = head.dataset.by === view.by;
      head.setAttribute("aria-sort", mine ? (view.down ? "descending" : "ascending") : "none");
    }
    $("by").value = `${view.by} ${view.down ? "down" : "up"}`;
    for (const [group, value] of [["states", view.state], ["contacts", view.contact]]) {
      for (const button of $(group).querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(Number(button.dataset.value) === value && value !== null));
      }
    }
    $("stale").setAttribute("aria-pressed", String(view.stale));
    $("clear").disabled = !view.words.length && view.state === null && view.contact === null && !view.stale;
  }

  function choose() {
    view.rows = sorted(rows.filter(chosen));
    view.page = 0;
    show();
    $("count").textContent = view.rows.length === rows.length ? number.format(rows.length)
      + (rows.length === 1 ? " row" : " rows") : `${number.format(view.rows.length)} of ${number.format(rows.length)} match`;
  }

  function order(by, down) {
    view.by = by;
    view.down = down;
    view.rows = sorted(view.rows);
    view.page = 0;
    show();
  }

  function turn(step) {
    view.page += step;
    show();
    // The button that was pressed may be disabled now, and the new rows begin with the table.
    $("table").focus({ preventScroll: true });
    $("runners").scrollIntoView();
  }

  // The charts.

  function bars(into, entries, select) {
    const most = Math.max(1, ...entries.map((entry) => entry.count));
    entries.forEach((entry, index) => {
      if (!entry.count && !entry.always) {
        return;
      }
      const fill = element("span", { class: `fill ${entry.level}${entry.count ? "" : " none"}` });
      fill.style.width = `${100 * entry.count / most}%`;
      const button = element("button", { type: "button", class: "bar", "aria-pressed": "false", "data-value": index },
        element("span", {}, sign(entry.level), entry.title),
        element("span", { class: "track", "aria-hidden": "true" }, fill),
        element("span", { class: "count" }, number.format(entry.count)));
      button.addEventListener("click", () => select(index));
      into.append(element("li", {}, button));
    });
  }

  function toggle(field, index) {
    view[field] = view[field] === index ? null : index;
    choose();
    // The table is above the charts, and it may be out of view.
    if (view[field] !== null) {
      $("runners").scrollIntoView();
    }
  }

  bars($("states"), data.states, (index) => toggle("state", index));
  bars($("contacts"), data.contacts, (index) => toggle("contact", index));
  for (const part of document.querySelectorAll(".share span")) {
    part.style.flexGrow = part.dataset.count;
  }

  // Events.

  $("search").addEventListener("input", () => {
    view.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    choose();
  });
  $("clear").addEventListener("click", () => {
    Object.assign(view, { words: [], state: null, contact: null, stale: false });
    $("search").value = "";
    choose();
    $("search").focus();
  });
  $("stale").addEventListener("click", () => {
    view.stale = !view.stale;
    choose();
  });
  for (const head of document.querySelectorAll("th[data-by]")) {
    head.querySelector("button").addEventListener("click", () => {
      order(head.dataset.by, view.by === head.dataset.by && !view.down);
    });
  }
  $("by").addEventListener("change", () => {
    const [by, way] = $("by").value.split(" ");
    order(by, way === "down");
  });
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      $("search").focus();
    } else if (event.key === "Escape" && event.target === $("search")) {
      $("clear").click();
    }
  });

  // A page that was opened from a disk may have no clipboard. Then the text is selected, ready to be copied.
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const command = $(button.dataset.copies);
      getSelection().selectAllChildren(command);
      Promise.resolve(navigator.clipboard && navigator.clipboard.writeText(command.textContent)).then(
        () => { button.textContent = navigator.clipboard ? "Copied" : "Selected"; },
        () => { button.textContent = "Selected"; },
      );
    });
  }

  $("stale").hidden = !rows.some((one) => one.row[STALE]);
  $("nothing").textContent = rows.length ? "No matches." : "No rows.";
  $("tools").hidden = $("count").hidden = rows.length === 0;
  $("meanings").hidden = !rows.some((one) => one.row[FINDINGS].length);
  choose();
  $("app").hidden = false;
})();
