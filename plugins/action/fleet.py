# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a run over a fleet: what is done once, for all hosts or for a batch, and what each host is told.

It is documented in the module of this name, which is documentation alone. The work is in plugin_utils; here it meets
Ansible.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.vars import load_extra_vars
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import as_list
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import (
    FACTS,
    batch_of,
    fault_row,
    message_of,
    rows_of,
    total_stats,
)
from ansible_collections.muster.aws.plugins.plugin_utils._modules import ModulesAction, text_of
from ansible_collections.muster.aws.plugins.plugin_utils._offboard import offboard_batch
from ansible_collections.muster.aws.plugins.plugin_utils._onboard import onboard_batch
from ansible_collections.muster.aws.plugins.plugin_utils._options import path_of
from ansible_collections.muster.aws.plugins.plugin_utils._patterns import Patterns, explain_silent_sources
from ansible_collections.muster.aws.plugins.plugin_utils._preflight import (
    ROLES_FOLDER,
    WRITTEN_AT_THE_END,
    Preflight,
    Stop,
    ask_caller,
    check_caller,
    check_service,
    read_defaults,
    read_spec,
)
from ansible_collections.muster.aws.plugins.plugin_utils._report import collect_accounts as collect_listed
from ansible_collections.muster.aws.plugins.plugin_utils._report import read_baseline
from ansible_collections.muster.aws.plugins.plugin_utils._report_job import report_batch, write_report
from ansible_collections.muster.aws.plugins.plugin_utils._rerun import Call
from ansible_collections.muster.aws.plugins.plugin_utils._roles import ROLES, Role
from ansible_collections.muster.aws.plugins.plugin_utils._state import Run, Runs
from ansible_collections.muster.aws.plugins.plugin_utils._summary import (
    NOTHING_SENT,
    RENDERERS,
    SWITCHING_ON,
    Ending,
    render_markdown,
    summary_lines,
    together,
)
from ansible_collections.muster.aws.plugins.plugin_utils._variables import (
    FleetVariables,
    HostVariables,
    includes_of,
    parents_of,
)
from ansible_collections.muster.aws.plugins.plugin_utils._words import counted, first, listed, some, tally

Result = dict[str, Any]

_PAGE = str(ROLES_FOLDER / "report" / "files")

# How many of the accounts that are to be offboarded are named before it is done.
_NAMED = 20

# What is kept of a module's result between the steps.
_KEPT = ("msg", "unprocessed_accounts")


class ActionModule(ModulesAction):
    """One step: ``preflight``, ``batch``, ``tell`` or ``summary``."""

    _requires_connection = False
    _VALID_ARGS = frozenset({"role", "step"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        super().run(tmp, task_vars)
        self._vars = task_vars or {}
        steps: Mapping[str, Callable[[], Result]] = {
            "preflight": self._preflight,
            "batch": self._batch,
            "tell": self._tell,
            "summary": self._summary,
        }
        role, step = self._task.args.get("role"), self._task.args.get("step")
        if role not in ROLES or step not in steps:
            raise AnsibleError(f"role must be one of {', '.join(ROLES)}, and step one of {', '.join(steps)}")
        self._role: Role = ROLES[role]
        self._runs = Runs(C.DEFAULT_LOCAL_TMP, self._role.name)
        result = steps[step]()
        if self.speaks and step != "tell":
            # It was said: -v would print it a second time, below the summary at that.
            result["_ansible_verbose_override"] = True
        return result

    def _variables_of_hosts(self) -> FleetVariables:
        defaults = read_defaults(self._loader, self._role.name)
        return FleetVariables(self._task, self._vars["hostvars"], self._templar, defaults)

    # What the work on a batch asks for (plugin_utils' Work).

    @property
    def is_check(self) -> bool:
        return bool(self._task.check_mode)

    # Once for all hosts.

    def _preflight(self) -> Result:
        self._refuse_keywords()
        batch = self._vars["ansible_play_batch"]
        if self._runs.resume(self._use(), batch):
            return {"changed": False, "msg": "checked before"}
        self._fleet = self._variables_of_hosts()
        hosts = self._hosts(self._vars["ansible_play_hosts_all"])
        taken, earlier = self._taken(), self._earlier_hosts()
        run = self._runs.begin(self._use(), batch)
        plan: Result = {
            "hosts": list(hosts),
            "stopped": None,
            "untouched": NOTHING_SENT,
            "is_check": self.is_check,
            "options": {},
        }
        try:
            self._check(hosts, plan, taken, earlier)
        except (Stop, AnsibleError, ValueError) as error:
            plan["stopped"] = str(error)
        except Exception as error:
            # Whatever it was, all hosts are told, and the files are written.
            plan["stopped"] = f"{type(error).__name__}: {error}"
        except BaseException as error:
            plan["stopped"] = _out_of_time(error)
        run.keep_plan(plan)
        lines = self._beginning(plan)
        for line in lines:
            self.say(line)
        return {"changed": False, "msg": lines}

    @property
    def _sources(self) -> list[str]:
        return [str(source) for source in self._vars.get("ansible_inventory_sources") or ()]

    def _taken(self) -> dict[str, str]:
        """Return the files that must not be written, and what they are: what would replace them loses that."""
        earlier = [run for name in ROLES for run in Runs(C.DEFAULT_LOCAL_TMP, name)]
        written = [path for run in earlier for path in _results_of(run.plan)]
        results = dict.fromkeys(written, "has the results of an earlier part of this run")
        return {**results, **dict.fromkeys(self._sources, "is the inventory")}

    def _earlier_hosts(self) -> set[str]:
        """Return the hosts that earlier uses of this role in this run have taken."""
        plans = [run.plan for run in self._runs]
        return {host for plan in plans if not plan["stopped"] for host in plan["hosts"]}

    def _use(self) -> str:
        """Return the id of the task by which the play uses the role: what it includes has new ones for each batch."""
        *_inner, use = self._task, *includes_of(self._task)
        return str(use._uuid)

    def _refuse_keywords(self) -> None:
        """Refuse keywords with which hosts would be done twice, or not be told."""
        strategy = str(self._task._parent._play.strategy).rpartition(".")[2]
        if strategy in ("free", "host_pinned"):
            raise AnsibleError(
                f"The strategy {strategy} would do the work of a batch once for each of its hosts. Nothing was sent. "
                "Set strategy: linear in the play, or strategy = linear in ansible.cfg."
            )
        if any(boolean(self._templar.template(each.run_once), strict=False) for each in parents_of(self._task)):
            raise AnsibleError(
                "With run_once, the role would tell the first host only, and no other would fail. Nothing was sent. "
                "Leave run_once out: the role itself does once what is to be done once."
            )

    def _hosts(self, names: Iterable[str]) -> dict[str, HostVariables]:
        """Return the variables of those hosts that a condition on the role does not leave out."""
        found = {host: self._fleet.of(host) for host in names}
        return {host: variables for host, variables in found.items() if self._fleet.takes_part(variables)}

    def _check(
        self, hosts: Mapping[str, HostVariables], plan: Result, taken: Mapping[str, str], earlier: Collection[str]
    ) -> None:
        """Fill in the plan of a run that can begin. Raises Stop; what is known by then stays, such as the files.

        :param taken: Files that must not be written, and what they are.
        :param earlier: The hosts that earlier uses of the role have taken.
        """
        preflight = Preflight(self._role, hosts)
        # Whatever else is wrong, no file is left that tells of an earlier run.
        plan["options"] = preflight.results(taken)
        faults = explain_silent_sources(self._sources, self._fleet.sources, self._vars["groups"], self._loader)
        if faults:
            raise Stop("; ".join(faults))
        options = plan["options"] = preflight.options(taken)
        self._refuse_others(hosts, options)
        self._refuse_batch_size(hosts)
        self._refuse_unnamed(hosts, options, earlier)
        plan.update({"secrets": preflight.secrets, "switched_on": {}, "caller_arn": None})
        plan["accounts"] = preflight.accounts(options["services"])
        if self._role.name == "report":
            plan["inventory"] = self._listed(preflight, hosts, options)
            if options.get("baseline_file"):
                read_baseline(options["baseline_file"], options["administrator_id"])
            plan["caller_arn"] = self._caller_arn(options)
            return
        seen = self.side_by_side(
            {service: partial(self._look_at_service, service, options) for service in options["services"]}
        )
        for service, result in seen.items():
            check_service(self._role, options, service, result, message_of([result]))
        plan["switched_on"] = seen
        if self._role.switches_on and options["enable_services"]:
            self._switch_on(plan)

    def _refuse_unnamed(self, hosts: Collection[str], options: Mapping[str, Any], earlier: Collection[str]) -> None:
        """Offboarding takes hosts that were named, and no more than a limit in one run. Raises Stop."""
        if self._role.name != "offboard":
            return
        limit = self._vars.get("ansible_limit")
        # Where the variable of hosts is given, all are of those that it names.
        is_named = options.get("hosts") or (limit and Patterns(self._vars["groups"]).has_names(limit))
        faults = []
        if not is_named:
            faults.append(f"name the hosts with --limit or -e offboard_hosts= (not named: {some(list(hosts))})")
        number = len({*hosts, *earlier})
        if number > options["limit"]:
            before = f" (with {counted(number - len(hosts), 'account')} before, in this run)" * (number > len(hosts))
            faults.append(f"raise offboard_limit, now {options['limit']}, to their number{before}")
        if faults:
            raise Stop(f"this would offboard {counted(len(hosts), 'account')}: {', and '.join(faults)}")

    def _refuse_others(self, hosts: Iterable[str], options: Mapping[str, Any]) -> None:
        """Refuse hosts that the variable of hosts leaves out: a play's hosts are chosen before it could be read."""
        pattern = options.get("hosts")
        if not pattern:
            return
        named = set(Patterns(self._vars["groups"]).hosts(pattern))
        others = [host for host in hosts if host not in named]
        if others:
            raise Stop(
                f"{self._role.prefix}hosts is {','.join(as_list(pattern))}, and this run has "
                f"{counted(len(others), 'other host')} ({some(others)}): only the playbook of this collection "
                "reads it, with -e. Give it there, or choose hosts with --limit"
            )

    def _refuse_batch_size(self, hosts: Mapping[str, HostVariables]) -> None:
        """Refuse a size of batches that the playbook does not read. What a play of somebody's own reads is its own."""
        name = f"{self._role.prefix}batch_size"
        is_given = any(variables.raw(name) is not None for variables in hosts.values())
        # An import_playbook gives its variables to the play.
        is_read = name in load_extra_vars(self._loader) or name in self._task._parent._play.get_vars()
        if is_given and not is_read and self._task._role is None:
            raise Stop(f"{name} was given by the inventory, and the playbook does not read it there. Give it with -e")

    def _listed(self, preflight: Preflight, hosts: Mapping[str, HostVariables], options: Mapping[str, Any]) -> Result:
        """Return all accounts that the inventory lists: members that it does not are told."""
        rows = {}
        # Ansible's own localhost can be a host of a play, and is in no group.
        for host in dict.fromkeys([*self._vars["groups"]["all"], *hosts]):
            variables = hosts.get(host) or self._fleet.of(host)
            account = preflight.account(variables)
            rows[host] = {
                "report_account_id": account["account_id"],
                "report_account_email": account["email"],
                "report_administrator_id": variables.get("report_administrator_id") or options["administrator_id"],
            }
        return collect_listed(list(hosts), rows, list(rows))

    def _caller_arn(self, options: Mapping[str, Any]) -> str:
        result = ask_caller(self.run_module, options["regions"])
        if result.get("failed"):
            raise Stop(
                f"{str(result.get('msg')).rstrip('.')}. The credentials must be those of the administrator, "
                f"{options['administrator_id']}: aws sts get-caller-identity, run there, tells whose they are"
            )
        check_caller(self._role, options, result["account"])
        return str(result["arn"])

    def _look_at_service(self, service: str, options: Mapping[str, Any]) -> Result:
        """Look at the administrator's own service in every Region, without a write."""
        with self.only_looking():
            return self._run_service(service, options)

    def _run_service(self, service: str, options: Mapping[str, Any]) -> Result:
        facts = FACTS[service]
        result = self.run_module(
            f"muster.aws.{facts.service_module}", regions=options["regions"], concurrency=options["concurrency"]
        )
        return {key: result.get(key) for key in (*_KEPT, facts.kind.rows)}

    def _switch_on(self, plan: Result) -> None:
        """Switch the services on where they are off. In check mode, that is foreseen already."""
        off = [
            service
            for service, seen in plan["switched_on"].items()
            if any(row["actions"] for row in rows_of(seen, FACTS[service].kind.rows))
        ]
        if off and not self.is_check:
            plan["untouched"] = SWITCHING_ON
            jobs = {service: partial(self._run_service, service, plan["options"]) for service in off}
            plan["switched_on"] |= self.side_by_side(jobs)

    def _beginning(self, plan: Mapping[str, Any]) -> list[str]:
        if plan["stopped"]:
            return [f"{plan['untouched']}: what comes before the first account failed, see the end of this run."]
        options, hosts = plan["options"], plan["hosts"]
        services = listed([FACTS[service].title for service in options["services"]])
        where = f"{services}, {counted(len(options['regions']), 'Region')}"
        lines = [f"{self._role.title} {counted(len(hosts), 'account')} in {where}: checked, nothing stands in the way"]
        if self._role.name == "offboard":
            own = options["administrator_id"]
            names = [host for host in hosts if plan["accounts"]["accounts"][host] != own]
            lines.append(f"They become {options['state']}: {first(names, _NAMED)}")
        return lines + self._switched(plan)

    def _switched(self, plan: Mapping[str, Any]) -> list[str]:
        lines = []
        for service, result in plan["switched_on"].items():
            regions = [row["region"] for row in rows_of(result, FACTS[service].kind.rows) if row["actions"]]
            if regions and self._role.switches_on and plan["options"]["enable_services"]:
                word = "would be switched on" if self.is_check else "switched on"
                lines.append(f"{FACTS[service].title} {word} in the administrator: {' '.join(regions)}")
        return lines

    # Once for a batch.

    def _batch(self) -> Result:
        run = self._runs.current
        plan = run.plan if run else {"stopped": "the preflight was left out", "hosts": []}
        chosen = set(plan["hosts"])
        stale, gone = self._recheck(run, plan) if run and not plan["stopped"] else ({}, [])
        # A report is on all hosts at once, and is made with the first batch.
        done = run.hosts_done if run else set()
        chosen -= {*stale, *gone, *done}
        stale = {host: text for host, text in stale.items() if host not in done}
        hosts = [host for host in self._vars["ansible_play_batch"] if host in chosen]
        if run is None or plan["stopped"] or not (hosts or stale):
            return {"changed": False, "msg": plan["stopped"] or "there is nothing to do for the hosts of this batch"}
        batch = self._try_work(plan, hosts) if hosts else {"hosts": {}, "rows": []}
        if stale or gone:
            undone = _undone(plan, stale)
            hosts, rows = {**batch["hosts"], **undone["hosts"]}, [*batch["rows"], *undone["rows"]]
            batch.update(hosts=hosts, rows=rows, gone=gone)
        run.keep_batch(batch)
        line = self._progress(run, plan, batch)
        self.say(line)
        return {"changed": False, "msg": line}

    def _try_work(self, plan: Mapping[str, Any], hosts: list[str]) -> Result:
        try:
            return self._work(plan, self._with_secrets(plan, hosts[0]), hosts)
        except Exception as error:
            # Whatever it was, the hosts of this batch are failed hosts, and the next batch is tried.
            text = text_of(error)
        except BaseException as error:
            text = f"{_out_of_time(error)}. What AWS had accepted by then is not counted as changed"
        return _undone(plan, dict.fromkeys(hosts, text))

    def _recheck(self, run: Run, plan: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
        """Return the hosts of a later batch that are not what was checked, and why; and those that take part no more.

        In plays of somebody's own, what comes before the role may set facts of the hosts of each batch.
        """
        if set(run.seen) == set(run.batch):
            return {}, []
        self._fleet = self._variables_of_hosts()
        hosts = self._hosts(run.batch)
        preflight, checked, accounts = Preflight(self._role, hosts), set(plan["hosts"]), plan["accounts"]
        stale = {}
        for host, variables in hosts.items():
            account = preflight.account(variables)
            if host not in checked:
                stale[host] = _UNCHECKED
            elif (str(account["account_id"]), account["email"]) != (
                accounts["accounts"][host],
                accounts["addresses"][host],
            ):
                stale[host] = _ANOTHER.format(accounts["accounts"][host])
        return stale, [host for host in run.batch if host in checked and host not in hosts]

    def _with_secrets(self, plan: Mapping[str, Any], host: str) -> Result:
        variables = self._variables_of_hosts().of(host)
        secrets = {name: variables.get(f"{self._role.prefix}{name}") or None for name in plan["secrets"]}
        return {**plan["options"], **secrets}

    def _work(self, plan: Mapping[str, Any], options: Mapping[str, Any], hosts: list[str]) -> Result:
        work = _Work(self)
        if self._role.name == "report":
            now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
            result = report_batch(work, options, plan["inventory"], plan["caller_arn"], now)
            report = result.pop("report")
            texts = {} if self.is_check else write_report(report, options, _PAGE)
            written, unwritten = _write_all(texts)
            kept = {"stats": report["summary"], "files": written, "unwritten": unwritten}
            return {**result, **kept, "notes": self._report_notes(report)}
        batch = batch_of(plan["accounts"], hosts, options["services"])
        if self._role.name == "offboard":
            return offboard_batch(work, options, batch)
        return onboard_batch(work, options, batch, plan["switched_on"])

    def _report_notes(self, report: Mapping[str, Any]) -> list[str]:
        totals = report["totals"]
        unread = ", as far as it could be read" if report["problems"] else ""
        note = (
            f"{totals['covered']:,} of {counted(totals['accounts'], 'account')} without a gap, "
            f"{counted(totals['gaps'], 'gap')}, "
            f"{counted(totals['unlisted'], 'member')} that the inventory does not list{unread}"
        )
        return [note, "the page, the CSV and the JSON are not written in check mode"] if self.is_check else [note]

    def _progress(self, run: Run, plan: Mapping[str, Any], batch: Mapping[str, Any]) -> str:
        """Return the line after a batch: which of how many, accounts seen of all, changed, failed."""
        done = run.hosts_done
        # Whoever has failed before, or left the play, comes no more.
        to_come = set(plan["hosts"]).intersection(self._vars["ansible_play_hosts"]) - done
        seen, hosts, size = len(done), len(done) + len(to_come), len(batch["hosts"])
        number = run.batches_done
        of_all = number + ceil(len(to_come) / len(self._vars["ansible_play_batch"]))
        failed = [host for host, verdict in batch["hosts"].items() if verdict["failed"]]
        changed = sum(verdict["changed"] for verdict in batch["hosts"].values())
        gaps = len({row["host"] for row in batch["rows"] if row["failed"]} - set(failed))
        names = f" ({some(failed)})" if failed else ""
        return (
            f"batch {number} of {of_all}: {seen:,} of {counted(hosts, 'account')} seen; "
            f"in this batch {size - len(failed) - gaps:,} {tally(gaps, changed, len(failed), self.is_check)}{names}"
        )

    # Once for each host that has something to be told.

    def _tell(self) -> Result:
        host = self._vars["inventory_hostname"]
        run = self._runs.current
        verdict = run.verdict(host) if run else None
        if verdict is None:
            plan = run.plan if run else {"stopped": None}
            reason = f"{plan['untouched']}: {plan['stopped']}" if plan["stopped"] else _PASSED_OVER
            return {"changed": False, "failed": True, "msg": _short(reason)}
        result = {"changed": verdict["changed"], "failed": verdict["failed"], "msg": verdict["text"]}
        return {**result, "diff": verdict["diff"]} if verdict.get("diff") else result

    # Once, at the end.

    def _summary(self) -> Result:
        run = self._runs.current
        if run is None:
            return {"changed": False, "failed": True, "msg": "Nothing was done: the preflight was left out."}
        plan, batches = run.plan, list(run.batches())
        ending = self._ending(plan, batches)
        if self._is_to_be_continued(run, plan, ending.verdicts):
            return {"changed": False, "msg": "more batches follow"}
        others = [(each.plan, list(each.batches())) for each in self._runs.others]
        endings = [self._ending(*each) for each in others]
        ending = ending.after(endings)
        written, unwritten = self._write_results(plan, ending)
        files = _reports_of(batches) + written
        unwritten = [text for batch in batches for text in batch.get("unwritten", ())] + unwritten
        failed_file = plan["options"].get("failed_file")
        if plan["stopped"]:
            # A command would name all hosts, and whoever pastes it after a brake held would pass it.
            again = ["Run the same again, when that is mended."]
        else:
            named_in = failed_file if failed_file in written else None
            again = self._again(ending.failed_hosts, named_in) if ending.failed_hosts else []
        lines = summary_lines(ending, again, files) + [f"Not written: {text}" for text in unwritten]
        # At once: ansible-runner, and so AWX and ansible-navigator, drop a line that is empty and stands alone.
        self.say("\n".join(["", *lines, "\n"]))
        if unwritten:
            # Ansible keeps the statistics of a task that succeeded, and prints all of one that did not.
            return {"changed": False, "failed": True, "msg": "\n".join(f"Not written: {text}" for text in unwritten)}
        of_others = [path for each in others for path in (*_reports_of(each[1]), *_results_of(each[0]))]
        stats = {self._role.statistic: {**together([*endings, ending]).as_data(), "files": [*of_others, *files]}}
        stats[self._role.name] = self._totals(batches, [batch for each in others for batch in each[1]])
        return {
            "changed": False,
            "msg": lines,
            "ansible_stats": {"data": stats, "aggregate": True, "per_host": False},
        }

    def _is_to_be_continued(self, run: Run, plan: Mapping[str, Any], verdicts: Mapping[str, Any]) -> bool:
        """Tell whether batches of this play follow, in a play of somebody's own that has ``serial``."""
        active, hosts = set(self._vars["ansible_play_hosts"]), set(plan["hosts"])
        if plan["stopped"] or not (active & hosts).difference(run.seen):
            return False
        # Ansible ends a play with a batch of which every host failed and, if it is told so, with the first that fails.
        failed = [
            host for host in run.batch if host not in active or verdicts.get(host, {"failed": host in hosts})["failed"]
        ]
        return len(failed) < len(run.batch) and not (failed and self._task.any_errors_fatal)

    def _ending(self, plan: Mapping[str, Any], batches: Iterable[Mapping[str, Any]]) -> Ending:
        verdicts = {host: verdict for batch in batches for host, verdict in batch["hosts"].items()}
        options = plan["options"]
        gone = {host for batch in batches for host in batch.get("gone", ())}
        return Ending(
            title=self._role.title,
            prefix=self._role.prefix,
            hosts=[host for host in dict.fromkeys([*plan["hosts"], *verdicts]) if host not in gone],
            regions=options.get("regions", []),
            administrator_id=str(options.get("administrator_id", "")),
            rows=[row for batch in batches for row in batch["rows"]],
            verdicts=verdicts,
            stopped=plan["stopped"],
            untouched=plan["untouched"],
            is_check=self.is_check,
            notes=list(dict.fromkeys(note for batch in batches for note in batch.get("notes", ()))),
        )

    def _totals(self, batches: list[dict[str, Any]], of_others: list[dict[str, Any]]) -> Result:
        if self._role.name == "report":
            return next((batch["stats"] for batch in batches if "stats" in batch), {})
        return total_stats(row for batch in (*of_others, *batches) for row in batch["rows"])

    def _write_results(self, plan: Mapping[str, Any], ending: Ending) -> tuple[list[str], list[str]]:
        """Write the files that were asked for; see :func:`_write_all`."""
        options = plan["options"]
        texts = {}
        for path in options.get("results_file") or ():
            render = RENDERERS.get(Path(path).suffix.lower())
            texts |= {path: render(ending)} if render else {}  # the run was stopped for a file of another form
        if options.get("failed_file"):
            texts[options["failed_file"]] = "".join(f"{host}\n" for host in ending.failed_hosts)
        written, unwritten = _write_all(texts)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            try:
                with Path(summary).open("a", encoding="utf-8") as file:
                    file.write(render_markdown(ending) + "\n")
            except OSError as error:
                unwritten.append(f"$GITHUB_STEP_SUMMARY: {error}")
        return written, unwritten

    def _again(self, failed: list[str], failed_file: str | None) -> list[str]:
        if "awx_job_id" in self._vars or "tower_job_id" in self._vars:
            return ["Relaunch this job on its failed hosts, when the cause is mended."]
        playbooks = list(context.CLIARGS.get("args") or [f"muster.aws.{self._role.name}"])
        specs = [read_spec(role) for role in ROLES] if context.CLIARGS.get("extra_vars") else []
        shown = {name for spec in specs for name, row in spec.items() if not row.get("no_log")}
        call = Call(playbooks, self._sources, context.CLIARGS, shown)
        return call.again(failed, failed_file, f"{self._role.prefix}failed_file")


class _Work:
    """What the work on a batch needs, from the action that does it."""

    def __init__(self, action: ActionModule) -> None:
        self._action = action
        self.is_check = action.is_check

    def run(self, module: str, **options: Any) -> Result:
        return self._action.run_module(f"muster.aws.{module}", **options)

    def side_by_side(self, jobs: Mapping[str, Callable[[], Mapping[str, Any]]]) -> dict[str, Any]:
        return self._action.side_by_side(jobs)

    def say(self, text: str) -> None:
        self._action.say(f"  {text}")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


_MEND = "mend that, and run the same again"

_UNCHECKED = "nothing was done: its condition did not hold when everything was checked, before the first batch"

_ANOTHER = (
    "nothing was done: its account was {} when everything was checked, before the first batch, and its id or its "
    "e-mail is another now. Set both in the inventory"
)

_PASSED_OVER = (
    "nothing was done for this host: it was in no batch. Where a condition on the role leaves out the first host of a "
    "batch, the others are left out with it: choose hosts with --limit or the play's hosts instead"
)


def _undone(plan: Mapping[str, Any], texts: Mapping[str, str]) -> Result:
    """Return what became of hosts with which nothing was done: a batch, as a role's work returns it.

    :param texts: Why, by host.
    """
    account_ids, options = plan["accounts"]["accounts"], plan["options"]
    rows = [
        {"host": host, **fault_row(service, (region, account_ids.get(host, "")), text), "next_step": _MEND}
        for host, text in texts.items()
        for service in options["services"]
        for region in options["regions"]
    ]
    hosts = {host: {"changed": False, "failed": True, "text": text} for host, text in texts.items()}
    return {"hosts": hosts, "rows": rows}


def _out_of_time(error: BaseException) -> str:
    """Return what an operator is told of a task whose time is up, which Ansible tells by an error that is no Exception.

    Any other such error goes on: it ends the process.
    """
    if type(error).__name__ != "TaskTimeoutError":
        raise error
    return f"{error} What was under way was ended. Run again, with a longer timeout of the task"


def _write_all(texts: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Write files that only their owner may read.

    :returns: The names of those that were written, and of the others, why not: what was done is told all the same.
    """
    written, unwritten = [], []
    for name, text in texts.items():
        path = path_of(name)
        try:
            path.touch(mode=0o600)
            path.chmod(0o600)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            unwritten.append(str(error))
        else:
            written.append(name)
    return written, unwritten


def _reports_of(batches: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the files that were written with a batch."""
    return [path for batch in batches for path in batch.get("files", ())]


def _results_of(plan: Mapping[str, Any]) -> list[str]:
    """Return the names of the files that a use of a role writes at its end."""
    return [path for name in WRITTEN_AT_THE_END for path in as_list(plan["options"].get(name))]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:297]}..."
