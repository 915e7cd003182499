# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX makes of a survey, of slices and of a job's events, as release 24 does it.

Sources, in the repository ansible/awx: awx/main/models/mixins.py (answers and defaults), awx/api/views (the form of a
survey), awx/main/models/inventory.py and jobs.py (slices), awx/main/models/events.py (host summaries),
awx/main/models/workflow.py (artifacts).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Question = Mapping[str, Any]
_KINDS = {"text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int}
_KEYS = ("question_name", "variable", "type", "required")


def choices_of(question: Question) -> list[str]:
    """Return the choices of a question, which are a list or the lines of a text."""
    choices = question["choices"]
    return choices.splitlines() if isinstance(choices, str) else list(choices)


def faults_of_survey(survey: Mapping[str, Any]) -> list[str]:
    """Return why the form of a survey is refused when it is stored."""
    faults = [f"'{key}' missing from survey spec." for key in ("name", "description", "spec") if key not in survey]
    for number, question in enumerate(survey.get("spec", [])):
        missing = [key for key in _KEYS if key not in question]
        kind = question.get("type")
        faults += [f"'{key}' missing from survey question {number}" for key in missing]
        if kind not in _KINDS:
            faults.append(f"'{kind}' in survey question {number} is not one of the allowed question types.")
            continue
        default = question.get("default", "")
        if default != "" and (isinstance(default, bool) or not isinstance(default, _KINDS[kind])):
            faults.append(f"Default value {default!r} in survey question {number} expected to be {_KINDS[kind]}.")
        if kind in ("multiplechoice", "multiselect"):
            answers = str(default).splitlines() if kind == "multiselect" else [default] if default != "" else []
            if not set(answers) <= set(choices_of(question)):
                faults.append("Default choice must be answered from the choices listed.")
    return faults


def faults_of_answer(question: Question, answers: Mapping[str, Any]) -> list[str]:
    """Return why an answer is refused. No answer is taken for a default here, whatever the question has."""
    name = question["variable"]
    if name not in answers:
        return [f"'{name}' value missing"] if question["required"] else []
    answer, kind = answers[name], question["type"]
    if kind == "multiselect":
        if not isinstance(answer, list):
            return [f"'{name}' value is expected to be a list."]
        wrong = [each for each in answer if each not in choices_of(question)]
        return [f"Value {each} for '{name}' expected to be one of {choices_of(question)}." for each in wrong]
    if kind == "multiplechoice":
        known = choices_of(question)
        return [] if answer in known else [f"Value {answer} for '{name}' expected to be one of {known}."]
    if kind == "integer":
        if isinstance(answer, bool) or not isinstance(answer, int):
            return [f"Value {answer} for '{name}' expected to be an integer."]
        return _outside(question, answer, str(answer))
    if not isinstance(answer, str):
        return [f"Value {answer} for '{name}' expected to be a string."]
    return _outside(question, len(answer), answer)


def _outside(question: Question, size: int, answer: str) -> list[str]:
    faults = []
    if question.get("min") not in (None, "") and size < int(question["min"]):
        faults.append(f"'{question['variable']}' value {answer} is too small (must be at least {question['min']}).")
    if question.get("max") not in (None, "") and size > int(question["max"]):
        faults.append(f"'{question['variable']}' value {answer} is too large (must be no more than {question['max']}).")
    return faults


def variables_needed_to_start(
    questions: Iterable[Question], answers: Mapping[str, Any], is_required_needed: bool = True
) -> list[str]:
    """Return what is wrong with the answers of a launch, a schedule or, where nothing is required yet, of a node."""
    return [
        fault
        for question in questions
        if is_required_needed or question["variable"] in answers
        for fault in faults_of_answer(question, answers)
    ]


def variables_of_job(
    template: Mapping[str, Any],
    questions: Iterable[Question],
    answers: Mapping[str, Any],
    artifacts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the extra variables of a job: the template's, over them the defaults, the answers, and the artifacts.

    The artifacts are those of all jobs before it in a workflow. They are variables, whether the survey asks or not.

    A default that would be refused as an answer is not used. The default of a multiselect is text and its answer a
    list: without an answer the template's own variable stays, or the role's default.
    """
    defaults = {
        question["variable"]: question["default"]
        for question in questions
        if question.get("default") is not None
        and not faults_of_answer(question, {question["variable"]: question["default"]})
    }
    return {**template, **defaults, **answers, **(artifacts or {})}


def hosts_of_slices(hosts: Sequence[str], count: int) -> list[list[str]]:
    """Return the hosts of each slice: of the whole inventory, whatever the limit, and no more slices than hosts."""
    effective = max(1, min(count, len(hosts)))
    return [sorted(hosts)[number::effective] for number in range(effective)]


def limit_of_relaunch(statistics: Mapping[str, Any]) -> str:
    """Return the limit of a relaunch on failed hosts, from the last event of the job.

    :raises ValueError: No host failed, so the controller refuses.
    """
    failed = sorted({*statistics.get("failures", {}), *statistics.get("dark", {})})
    if not failed:
        raise ValueError("Cannot relaunch because previous job had 0 failed hosts.")
    return ",".join(failed)
