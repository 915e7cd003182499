
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const data = JSON.parse(one("data").textContent);
  const table = document.querySelector("#accounts table");
  const body = table.tBodies[0];
  const form = document.querySelector(".filters");
  const chips = all(".chip", form);
  const said = (number) => number.toLocaleString("en");
  const covered = data.kinds.map((kind) => data.covered.includes(kind.standing));
  const severity = data.kinds.map((kind) => data.worst.indexOf(kind.standing));
  const rows = all(":scope > tr", body).map((tr, number) => {
    const [host, id, email, kinds, dates, fresh] = data.rows[number];
    const groups = all(".g", tr).map((element) => ({
      element, kind: Number(element.dataset.k), service: element.parentElement.dataset.service,
    }));
    return {
      tr, host, id, email, kinds, groups, number,
      dates: kinds.map((_kind, column) => data.dates[dates[column] || 0]),
      fresh: new Set(fresh),
      text: [host, id, email].join(" ").toLowerCase(),
      gaps: kinds.filter((kind) => kind >= 0 && !covered[kind]).length,
    };
  });
  const byElement = new Map(rows.map((row) => [row.tr, row]));
  document.body.classList.add("live");
  for (const td of all("td[data-service]")) td.dataset.title = data.titles[td.dataset.service];

  // What is chosen: the form is its only place, and the address a copy of it.
  const fields = ["search", "service", "region", "why", "gaps", "new", "full"].map(one).filter(Boolean);
  function chosen() {
    const values = fields.map((field) => [field.id, field.type === "checkbox" ? (field.checked ? "1" : "") : field.value.trim()]);
    const standings = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.standing);
    return Object.fromEntries([...values, ["standing", standings.join(",")]].filter(([, value]) => value));
  }
  function choose(values) {
    for (const field of fields) {
      const value = values[field.id] || "";
      if (field.type === "checkbox") field.checked = value === "1"; else field.value = value;
      if (field.value === "" && field.options) field.selectedIndex = 0;
    }
    const standings = (values.standing || "").split(",");
    for (const chip of chips) chip.setAttribute("aria-pressed", String(standings.includes(chip.dataset.standing)));
    filter();
  }
  function words(choice) {
    const reason = choice.why && one("why").selectedOptions[0].textContent;
    return [
      choice.search && `"${choice.search}"`, data.titles[choice.service], choice.region, reason && `reason ${reason}`,
      choice.standing && choice.standing.split(",").map((standing) => data.labels[standing] || standing).join(" or "),
      choice.gaps && "only gaps", choice.new && "only new gaps",
    ].filter(Boolean).join(" · ");
  }

  // A row stays if one of its cells fits; of its groups of Regions, those stay that have one.
  let shown = [], fits = () => true;
  function filter() {
    const choice = chosen();
    const wanted = choice.standing?.split(",");
    const looks = choice.search?.toLowerCase().split(/\s+/) || [];
    const fitting = data.kinds.map((kind, number) => (!wanted || wanted.includes(kind.standing))
      && !((choice.gaps || choice.new) && covered[number])
      && (!choice.why || [kind.why, kind.noted].includes(Number(choice.why))));
    const columns = data.columns.flatMap(([service, region], number) =>
      (!choice.service || service === choice.service) && (!choice.region || region === choice.region) ? [number] : []);
    fits = (row, column) => fitting[row.kinds[column]] && (!choice.new || row.fresh.has(column));
    const isPlain = !["standing", "gaps", "new", "why", "region", "service"].some((name) => choice[name]);
    shown = [];
    let cells = 0;
    for (const row of rows) {
      const found = looks.every((word) => row.text.includes(word)) ? columns.filter((column) => fits(row, column)) : [];
      close(row);
      row.tr.hidden = !found.length;
      if (!found.length) continue;
      shown.push([row, found]);
      cells += found.length;
      if (isPlain && !row.isCut) continue;
      row.isCut = !isPlain;
      const kept = new Set(found.map((column) => `${data.columns[column][0]} ${row.kinds[column]}`));
      for (const group of row.groups) group.element.hidden = !kept.has(`${group.service} ${group.kind}`);
    }
    const { full, ...rest } = choice;
    const text = words(rest);
    one("shown").textContent = `${said(shown.length)} of ${said(rows.length)} accounts, ${said(cells)} places`;
    one("nothing").hidden = shown.length > 0;
    one("told").textContent = "";
    one("printed").textContent = text ? `Shown: ${text}. ${one("shown").textContent}.` : full ? "All accounts." : "";
    document.body.classList.toggle("chosen", Boolean(text || full));
    const address = new URLSearchParams(choice).toString();
    const here = location.hash.startsWith("#show:");
    if (address || here) history.replaceState(null, "", `#show:${address}`);
    keep(shown[0]?.[0]);
  }
  function fromAddress() {
    if (!location.hash.startsWith("#show:")) return;
    choose(Object.fromEntries(new URLSearchParams(location.hash.slice(6))));
  }

  // Sorting: by the head of a column; a second time turns it round.
  const worst = (row, service) => Math.min(...row.kinds.map((kind, column) =>
    (data.columns[column][0] === service && kind >= 0 ? severity[kind] : 99)));
  const names = new Intl.Collator("en", { numeric: true });
  const sorts = {
    name: (a, b) => names.compare(a.host || a.id, b.host || b.id),
    gaps: (a, b) => b.gaps - a.gaps,
    since: (a, b) => (since(a) || "~").localeCompare(since(b) || "~"),
  };
  function since(row) { return row.dates.filter(Boolean).sort()[0] || ""; }
  function sort(th) {
    const isTurned = th.getAttribute("aria-sort") === "ascending";
    const name = th.dataset.sort;
    const compare = sorts[name] || ((a, b) => worst(a, name) - worst(b, name));
    for (const other of all("[aria-sort]", table)) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", isTurned ? "descending" : "ascending");
    rows.forEach(close);
    rows.sort((a, b) => (isTurned ? -1 : 1) * compare(a, b) || a.number - b.number);
    body.append(...rows.map((row) => row.tr));
    filter();
  }
  for (const th of all("thead th", table)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    button.addEventListener("click", () => sort(th));
    th.replaceChildren(button);
  }

  // More of one account: by a click, or by Enter; the arrows walk. The whole table is one stop of the Tab key.
  let current = null;
  const head = (row) => row.tr.cells[0];
  function keep(row) {
    if (current && current !== row) head(current).removeAttribute("tabindex");
    current = row || null;
    if (!current) return;
    head(current).tabIndex = 0;
    head(current).setAttribute("aria-expanded", String(Boolean(current.more)));
  }
  function add(parent, tag, text, name = "") {
    if (!text) return null;
    const element = parent.appendChild(document.createElement(tag));
    element.textContent = text;
    if (name) element.className = name;
    return element;
  }
  function close(row) {
    if (!row.more) return;
    row.more.remove();
    row.more = null;
    row.tr.classList.remove("open");
    head(row).setAttribute("aria-expanded", "false");
  }
  function open(row) {
    const groups = new Map();
    row.kinds.forEach((kind, column) => {
      if (kind < 0) return;
      const [service, region] = data.columns[column];
      const key = [service, kind, row.dates[column]].join(" ");
      if (!groups.has(key)) groups.set(key, { service, kind: data.kinds[kind], number: kind, date: row.dates[column], regions: [] });
      groups.get(key).regions.push(region);
    });
    row.more = document.createElement("tr");
    row.more.className = "more";
    row.more.setAttribute("role", "row");
    const td = row.more.appendChild(document.createElement("td"));
    td.setAttribute("role", "cell");
    td.setAttribute("aria-colspan", String(data.rows[0].length));
    for (const group of [...groups.values()].sort((a, b) => severity[a.number] - severity[b.number])) {
      const { kind } = group;
      const section = td.appendChild(document.createElement("section"));
      section.className = `s-${kind.standing}`;
      add(section, "strong", `${data.signs[kind.standing]} ${data.titles[group.service]}: ${kind.word}`);
      add(section, "p", group.regions.join(", "), "soft");
      const own = (text) => text && text.replaceAll("ACCOUNT", row.id);
      add(section, "p", own(kind.reason));
      add(section, "p", kind.next, "next");
      add(section, "p", own(kind.note));
      add(section, "p", [kind.code, group.date && `since ${group.date}`].filter(Boolean).join(", "), "soft");
    }
    row.tr.after(row.more);
    row.tr.classList.add("open");
    keep(row);
  }
  const toggle = (row) => { if (row.more) close(row); else open(row); };
  function walk(from, step) {
    const visible = shown.map(([row]) => row).sort((a, b) => rows.indexOf(a) - rows.indexOf(b));
    const at = { Home: 0, End: visible.length - 1 }[step] ?? visible.indexOf(from) + step;
    const row = visible[Math.max(0, Math.min(visible.length - 1, at))];
    keep(row);
    head(row).focus();
  }
  body.addEventListener("click", (event) => {
    const row = byElement.get(event.target.closest("tr"));
    if (row && !String(getSelection())) toggle(row);
  });
  body.addEventListener("keydown", (event) => {
    const row = byElement.get(event.target.closest("tr"));
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: "Home", End: "End" };
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") toggle(row);
    else if (event.key === "Escape") close(row);
    else if (event.key in steps) walk(row, steps[event.key]);
    else return;
    event.preventDefault();
  });

  // What is shown, as files.
  function save(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  const inert = (value) => {
    const text = String(value ?? "");
    return `"${(/^\s*[=+\-@]|^[\t\r\n]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  };
  one("csv").addEventListener("click", () => {
    const lines = shown.flatMap(([row, columns]) => columns.map((column) => {
      const kind = data.kinds[row.kinds[column]], [service, region] = data.columns[column];
      const own = (text) => text && text.replaceAll("ACCOUNT", row.id);
      return [row.host, row.id, row.email, service, region, kind.standing, kind.word, kind.code, own(kind.reason), kind.next,
        own(kind.note), row.dates[column]];
    }));
    const names = "host account_id email service region standing status reason_code reason next_step note since".split(" ");
    save("muster-shown.csv", "text/csv", [names, ...lines].map((line) => `${line.map(inert).join(",")}\r\n`).join(""));
    one("told").textContent = `Saved ${said(lines.length)} lines as muster-shown.csv.`;
  });
  one("limit").addEventListener("click", () => {
    const hosts = shown.map(([row]) => row.host).filter(Boolean);
    save("muster-limit.txt", "text/plain", hosts.map((host) => `${host}\n`).join(""));
    one("told").textContent = `Saved ${said(hosts.length)} hosts: ansible-playbook ... --limit @muster-limit.txt`;
  });

  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  one("all").addEventListener("click", () => choose({}));
  addEventListener("hashchange", () => {
    if (!location.hash.startsWith("#show:")) return;
    fromAddress();
    one("accounts").scrollIntoView();
  });
  for (const link of all(".go")) link.hidden = false;
  form.hidden = false;
  choose({ ...Object.fromEntries(new URLSearchParams(location.hash.startsWith("#show:") ? location.hash.slice(6) : "")) });
})();
