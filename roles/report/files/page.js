
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
    const [host, id, email, kinds, dates] = data.rows[number];
    const groups = all(".g", tr).map((element) => ({
      element, kind: Number(element.dataset.k), service: element.parentElement.dataset.service,
    }));
    return {
      tr, host, id, email, kinds, groups, number,
      dates: kinds.map((_kind, column) => data.dates[dates[column] || 0]),
      text: [host, id, email].join(" ").toLowerCase(),
      gaps: kinds.filter((kind) => kind >= 0 && !covered[kind]).length,
    };
  });
  const byElement = new Map(rows.map((row) => [row.tr, row]));
  document.body.classList.add("live");
  for (const td of all("td[data-service]")) td.dataset.title = data.titles[td.dataset.service];

  // What is chosen: the form and the order of the table are its only place, and the address a copy of it.
  const fields = ["search", "service", "region", "why", "gaps", "new", "full"].map(one).filter(Boolean);
  const heads = all("thead th", table);
  const split = (text) => (text || "").split(",").filter(Boolean);
  // "gaps" and, turned round, "-gaps"; nothing is the order of the report.
  let order = "";
  // What the address asks for and this report does not have. It fits nothing, and is told until somebody chooses anew.
  let lost = {};
  function chosen() {
    const values = fields.map((field) => [field.id, field.type === "checkbox" ? (field.checked ? "1" : "") : field.value.trim()]);
    const pressed = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.standing);
    const standing = [...pressed, ...split(lost.standing)].join(",");
    return Object.fromEntries([...values, ["sort", order], ...Object.entries(lost), ["standing", standing]].filter(([, value]) => value));
  }
  function choose({ sort = "", standing, ...values }) {
    lost = {};
    for (const field of fields) {
      const value = values[field.id] || "";
      delete values[field.id];
      if (field.type === "checkbox") field.checked = value === "1"; else field.value = value;
      if (field.options && field.value !== value) [field.selectedIndex, lost[field.id]] = [0, value];
    }
    const standings = split(standing);
    for (const chip of chips) chip.setAttribute("aria-pressed", String(standings.includes(chip.dataset.standing)));
    const strange = standings.filter((name) => !chips.some((chip) => chip.dataset.standing === name)).join(",");
    const isOrder = !sort || heads.some((th) => th.dataset.sort === sort.replace(/^-/, ""));
    lost = { ...lost, ...values, ...(strange && { standing: strange }), ...(!isOrder && { sort }) };
    arrange(isOrder ? sort : "");
    filter();
  }
  function chooseAnew() {
    lost = {};
    filter();
  }
  function chooseAddress() {
    choose(Object.fromEntries(new URLSearchParams(location.hash.startsWith("#show:") ? location.hash.slice(6) : "")));
  }
  const words = {
    search: (text) => `"${text}"`,
    service: (name) => data.titles[name] || name,
    region: (name) => name,
    why: (id) => `reason ${[...one("why").options].find((option) => option.value === id)?.textContent || id}`,
    standing: (names) => split(names).map((name) => data.labels[name] || name).join(" or "),
    gaps: () => "only gaps",
    new: () => "only new gaps",
  };
  const tell = (choice) => Object.keys(words).filter((name) => choice[name]).map((name) => words[name](choice[name])).join(" · ");

  // A row stays if one of its cells fits; of its groups of Regions, those stay that have one.
  let shown = [], fits = () => true;
  function filter() {
    const choice = chosen();
    const wanted = choice.standing && split(choice.standing);
    const looks = choice.search?.toLowerCase().split(/\s+/) || [];
    const fitting = data.kinds.map((kind, number) => (!wanted || wanted.includes(kind.standing))
      && !(choice.gaps && covered[number]) && (!choice.new || kind.new)
      && (!choice.why || [kind.why, kind.noted].includes(choice.why)));
    const columns = data.columns.flatMap(([service, region], number) =>
      (!choice.service || service === choice.service) && (!choice.region || region === choice.region) ? [number] : []);
    fits = (row, column) => fitting[row.kinds[column]];
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
    const text = tell(choice), missing = Object.entries(lost).map(([name, value]) => tell({ [name]: value }) || `${name}=${value}`);
    one("shown").textContent = `${said(shown.length)} of ${said(rows.length)} accounts, ${said(cells)} places`;
    one("nothing").hidden = shown.length > 0;
    one("told").textContent = "";
    one("lost").textContent = missing.length ? `Not in this report: ${missing.join(" · ")}.` : "";
    one("printed").textContent = text ? `Shown: ${text}. ${one("shown").textContent}.` : choice.full ? "All accounts." : "";
    document.body.classList.toggle("chosen", Boolean(text || choice.full));
    const address = new URLSearchParams(choice).toString();
    const here = location.hash.startsWith("#show:");
    if (address || here) history.replaceState(null, "", `#show:${address}`);
    keep(shown[0]?.[0]);
  }

  // Sorting: by the head of a column; a second time turns it round.
  const worst = (row, service) => Math.min(...row.kinds.map((kind, column) =>
    (data.columns[column][0] === service && kind >= 0 ? severity[kind] : 99)));
  const names = new Intl.Collator("en", { numeric: true });
  const sorts = {
    "": () => 0,
    name: (a, b) => names.compare(a.host || a.id, b.host || b.id),
    gaps: (a, b) => b.gaps - a.gaps,
    since: (a, b) => (since(a) || "~").localeCompare(since(b) || "~"),
  };
  function since(row) { return row.dates.filter(Boolean).sort()[0] || ""; }
  function arrange(wanted) {
    if (wanted === order) return;
    order = wanted;
    const name = wanted.replace(/^-/, ""), isTurned = wanted !== name;
    const compare = sorts[name] || ((a, b) => worst(a, name) - worst(b, name));
    for (const th of heads) {
      if (th.dataset.sort === name) th.setAttribute("aria-sort", isTurned ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    rows.forEach(close);
    rows.sort((a, b) => (isTurned ? -1 : 1) * compare(a, b) || a.number - b.number);
    body.append(...rows.map((row) => row.tr));
  }
  for (const th of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    button.addEventListener("click", () => {
      arrange(order === th.dataset.sort ? `-${order}` : th.dataset.sort);
      filter();
    });
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
      const [service, region] = data.columns[column], date = row.dates[column].slice(0, 10);
      const key = [service, kind, date].join(" ");
      if (!groups.has(key)) groups.set(key, { service, kind: data.kinds[kind], number: kind, date, regions: [] });
      groups.get(key).regions.push(region);
    });
    row.more = document.createElement("tr");
    row.more.className = "more";
    row.more.setAttribute("role", "row");
    const td = row.more.appendChild(document.createElement("td"));
    td.setAttribute("role", "cell");
    td.setAttribute("aria-colspan", String(heads.length));
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
      add(section, "p", [kind.code, group.date && `since ${group.date}`, kind.new && "new"].filter(Boolean).join(", "), "soft");
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
  // The lines of the report's own CSV, without updated_at: the page knows only since when gaps are there.
  one("csv").addEventListener("click", () => {
    const lines = shown.flatMap(([row, columns]) => columns.map((column) => {
      const kind = data.kinds[row.kinds[column]], [service, region] = data.columns[column];
      const own = (text) => text && text.replaceAll("ACCOUNT", row.id);
      return ["yes", row.host, row.id, row.email, service, region, kind.standing, kind.status, kind.code, own(kind.reason), kind.next,
        own(kind.note), row.dates[column], { true: "True", false: "False" }[kind.new]];
    }));
    const names = "listed host account_id email service region standing status reason_code reason next_step note since is_new".split(" ");
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
      chooseAnew();
    });
  }
  form.addEventListener("input", chooseAnew);
  form.addEventListener("submit", (event) => event.preventDefault());
  one("all").addEventListener("click", () => choose({ sort: order }));
  addEventListener("hashchange", () => {
    if (!location.hash.startsWith("#show:")) return;
    chooseAddress();
    one("accounts").scrollIntoView();
  });
  for (const link of all(".go")) link.hidden = false;
  form.hidden = false;
  chooseAddress();
})();
