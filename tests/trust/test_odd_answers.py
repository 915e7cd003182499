# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of AWS that are not as its API models say: keys missing, null, of the wrong type, added, odd words and times.

The emulator acts as AWS does and writes a true answer, which is then spoilt on its way. A spoilt answer is one that
nobody can understand: one that AWS could have meant, and that says another thing, would be a lie and not a misread.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.emulator.calls import is_write
from ansible_collections.muster.aws.tests.emulator.server import HttpRequest, HttpResponse
from ansible_collections.muster.aws.tests.harness import ModuleRunner, TestTime
from ansible_collections.muster.aws.tests.trust.scenes import SCENES, SERVICES, A, Scene, has_scene
from ansible_collections.muster.aws.tests.trust.truth import (
    State,
    accepted,
    accounts_in,
    claimed,
    doubles,
    lies_in,
    rows_of,
    state_of,
)
from hypothesis import given
from hypothesis import strategies as st

MOST_CALLS = 250
MOST_SECONDS = 600

WRONG_VALUES: list[Any] = [True, 7, -1.5, 10**30, "Unheard", [], [[]], ["x"], [None], {}, {"x": 1}]
ODD_TEXTS = [
    "",
    " ",
    "Unheard",
    "\u00fcnheard\u0000{{ x }}",
    "x" * 5000,
    "yesterday",
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999-14:00",
]
SPOILS: list[tuple[str, Any]] = [
    ("drop", None),
    ("null", None),
    ("add", {"extra": {"deep": [1]}}),
    *(("type", value) for value in WRONG_VALUES),
    *(("text", text) for text in ODD_TEXTS),
]

# Absent or null, these mean something: no administrator, no tags, a setting that this partition does not have.
MAY_BE_ABSENT = {"administrator", "tags", "findingpublishingfrequency", "autoenablecontrols", "controlfindinggenerator"}
# Another text here is another truth. (Tags: whatever is below them.)
COMPARED = {"tags", "findingpublishingfrequency", "controlfindinggenerator"}
# What AWS named itself is given back to it, and refused where it is no name.
HANDLES = {"ClientToken", "clientToken", "DetectorId", "InvitationId", "ResourceArn"}

Path = tuple[Any, ...]


@dataclass(frozen=True)
class Spoil:
    """What happens to the answer of one call, and perhaps to all later ones of its operation."""

    call: int
    position: int
    kind: str
    value: Any
    lasts: bool

    def applies(self, call: Call, operation: str | None) -> bool:
        return call.index == self.call or (self.lasts and call.operation == operation)


spoils = st.builds(
    lambda call, position, spoil, lasts: Spoil(call, position, *spoil, lasts),
    st.integers(0, 20),
    st.integers(0, 60),
    st.sampled_from(SPOILS),
    st.booleans(),
)


def places_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """Return the paths to all values of a JSON document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places_in(item, (*path, key))


def may_mean_it(path: Path, kind: str, old: Any, new: Any) -> bool:
    """Whether the spoilt answer is one that AWS could give, and mean."""
    names = {str(key).lower() for key in path}
    if kind == "text":
        return bool(names & COMPARED)
    if kind == "drop" and "tags" in names:
        return True  # one tag less
    is_nothing = kind in ("drop", "null") or new in ({}, [])
    return is_nothing and (not path or str(path[-1]).lower() in MAY_BE_ABSENT)


def spoil_json(document: Any, spoil: Spoil) -> Any:
    """Return the document with one value spoilt; the same document where that would be no spoiling."""
    places = list(places_in(document))
    path = places[spoil.position % len(places)]
    top = [copy.deepcopy(document)]
    parent: Any = top
    key: Any = 0
    for step in path:
        parent, key = parent[key], step
    old, new = parent[key], None if spoil.kind in ("drop", "null") else spoil.value
    is_unfit = {
        "add": not isinstance(old, dict),
        "type": isinstance(new, type(old)),
        "text": not isinstance(old, str),
    }.get(spoil.kind, False)
    if is_unfit or may_mean_it(path, spoil.kind, old, new):
        return document
    if spoil.kind == "drop" and isinstance(parent, dict):
        del parent[key]
    elif spoil.kind == "add":
        old.update(new)
    else:
        parent[key] = new
    return top[0]


def spoil_xml(body: bytes, spoil: Spoil) -> bytes:
    """Return STS's answer without one element, with an odd text in it, or with one more."""
    root = ElementTree.fromstring(body)
    pairs = [(parent, child) for parent in root.iter() for child in parent]
    parent, child = pairs[spoil.position % len(pairs)]
    if spoil.kind in ("drop", "null"):
        parent.remove(child)
    elif spoil.kind == "add":
        ElementTree.SubElement(child, "Extra").text = "1"
    elif not child.tag.endswith("AccessKeyId"):
        # AWS refuses a key that it did not give; to the emulator it is the caller's.
        child.clear()
        child.text = str(spoil.value).replace("\u0000", "")
    return ElementTree.tostring(root)


@dataclass
class Way:
    """The way of the answers from AWS to the module."""

    emulator: Emulator
    spoils: list[Spoil]
    spoilt: Counter[str] = field(default_factory=Counter)
    _operations: dict[int, str] = field(default_factory=dict)  # of each spoil, once it struck

    @contextlib.contextmanager
    def laid(self) -> Iterator[None]:
        server = self.emulator._server
        assert server
        server.answer = self.answer
        try:
            yield
        finally:
            server.answer = self.emulator.answer

    def answer(self, http: HttpRequest) -> HttpResponse:
        response = self.emulator.answer(http)
        call = self.emulator.calls[-1]  # conversations run one after the other
        if response.status != 200:
            return response
        for number, spoil in enumerate(self.spoils):
            if spoil.applies(call, self._operations.get(number)):
                self._operations.setdefault(number, call.operation)
                body = self._spoil(response.body, spoil)
                self.spoilt[call.operation] += body != response.body
                response = replace(response, body=body)
        return response

    @staticmethod
    def _spoil(body: bytes, spoil: Spoil) -> bytes:
        if body.startswith(b"<"):
            return spoil_xml(body, spoil)
        document = json.loads(body or b"{}")
        spoilt = spoil_json(document, spoil)
        return body if spoilt == document else json.dumps(spoilt).encode()


@dataclass
class Run:
    """One run of a module, and what it was about."""

    result: dict[str, Any]
    output: str
    calls: list[Call]
    before: State
    after: State


class Stage:
    """Plays a scene, from its beginning or once it is already done."""

    def __init__(self, emulator: Emulator, run_module: ModuleRunner, service: str, scene: Scene, is_done: bool) -> None:
        self.emulator, self.run_module, self.service, self.scene = emulator, run_module, service, scene
        self.is_done = is_done

    def prepare(self) -> None:
        self.emulator.reset()
        self.scene.prepare(self.emulator, self.service)
        if self.is_done:
            self.run()

    def run(self) -> Run:
        self.emulator.clear_calls()
        before = state_of(self.emulator)
        options = {**self.scene.options_of(self.service), "concurrency": 1}
        result = self.run_module(self.scene.module_of(self.service), **options)
        return Run(result, self.run_module.output, self.emulator.calls, before, state_of(self.emulator))


Sent = set[tuple[str, str, str, str]]


def sent(calls: list[Call]) -> Sent:
    """Return the writes: Region, account, operation, and what it asked for where that is more than the account."""
    found: Sent = set()
    for call in calls:
        if call.is_write:
            more = {name: value for name, value in call.params.items() if name not in HANDLES}
            named = accounts_in(call)
            for account_id in named or [call.account_id]:
                found.add((call.region, account_id, call.operation, "" if named else json.dumps(more, sort_keys=True)))
    return found


UNDISTURBED: dict[tuple[str, str, bool], tuple[Sent, State]] = {}


def undisturbed(stage: Stage) -> tuple[Sent, State]:
    """Return what the scene writes without any spoiling, and the state it leads to."""
    key = (stage.service, stage.scene.name, stage.is_done)
    if key not in UNDISTURBED:
        stage.prepare()
        run = stage.run()
        assert not run.result.get("failed"), run.result
        assert not (stage.is_done and sent(run.calls))
        UNDISTURBED[key] = sent(run.calls), run.after
    return UNDISTURBED[key]


STAGES = [
    (service, name, is_done)
    for service in SERVICES
    for name in SCENES
    for is_done in (False, True)
    if has_scene(service, name)
]
REFUSED = ["CreateMembers", "InviteMembers", "DeleteMembers", "GetMembers", None]


def test_answers_that_make_no_sense_are_told_and_never_acted_on(
    emulator: Emulator, run_module: ModuleRunner, clock: TestTime, tell: Callable[[str], None]
) -> None:
    spoilt: Counter[str] = Counter()
    counts: Counter[str] = Counter()

    @given(st.sampled_from(STAGES), st.lists(spoils, min_size=1, max_size=4), st.sampled_from(REFUSED))
    def play(scene: tuple[str, str, bool], chosen: list[Spoil], refused: str | None) -> None:
        service, name, is_done = scene
        stage = Stage(emulator, run_module, service, SCENES[name], is_done)
        allowed, goal = undisturbed(stage)
        stage.prepare()
        if refused:
            # An answer with something in its list of unprocessed accounts, to be spoilt.
            emulator.add_fault("unprocessed", operation=refused, account_ids=[A])
        way, started = Way(emulator, chosen), clock.slept
        with way.laid():
            run = stage.run()
        assert len(run.calls) <= MOST_CALLS and clock.slept - started <= MOST_SECONDS
        spoilt.update(way.spoilt)
        counts["runs"] += 1
        counts["failed"] += bool(run.result.get("failed"))
        assert_told(run.result, run.output)
        assert sent(run.calls) <= allowed, (sent(run.calls) - allowed, run.result)
        assert lies_of(run, way) == [], run.result
        emulator.clear_faults()
        emulator.advance(10)
        again = stage.run()
        assert not again.result.get("failed"), again.result["msg"]
        assert again.after == goal
        assert doubles(run.calls + again.calls) == []

    play()
    tell(
        f"{counts['runs']} runs, {sum(spoilt.values())} answers of {len(spoilt)} operations spoilt in "
        f"{len(SPOILS)} ways; {counts['failed']} runs failed and said so"
    )


def lies_of(run: Run, way: Way) -> list[str]:
    """Return where the result is wrong. What AWS did and then never said, nobody can claim; it is told as a failure."""
    lies = lies_in(run.result, run.before, run.after, run.calls)
    kinds = {is_write(operation) for operation, count in way.spoilt.items() if count}
    if kinds != {True, False}:
        return lies
    failed = {(row["region"], row["account_id"]) for row in rows_of(run.result) if row["outcome"] == "failed"}
    unclaimed = set(accepted(run.calls)) - claimed(rows_of(run.result))
    assert {place[:2] for place in unclaimed} <= failed, run.result
    return [lie for lie in lies if not lie.startswith(("done and not claimed", "changed is False"))]


def assert_told(result: Mapping[str, Any], output: str) -> None:
    """No traceback; whatever failed names account, Region and, where an answer was the reason, operation."""
    assert "Traceback" not in output and "unexpected" not in output and "exception" not in result, output
    for row in result["unprocessed_accounts"]:
        assert row["account_id"] and row["region"] and row["reason"], row
        assert row["operation"] or "UnreadableAnswer" not in row["reason"], row
    if result.get("failed") and not rows_of(result):
        # Whose credentials these are could not be read: nothing was begun.
        assert "GetCallerIdentity" in result["msg"], result


@pytest.mark.parametrize("spoil", SPOILS, ids=str)
def test_every_way_of_spoiling_spoils(spoil: tuple[str, Any]) -> None:
    """The tool itself: the true answer stays as it is, and each way changes something in some place."""
    document = {"members": [{"accountId": A, "relationshipStatus": "Enabled"}], "unprocessedAccounts": []}
    kept = copy.deepcopy(document)
    places = list(places_in(document))
    spoilt = [spoil_json(document, Spoil(0, position, *spoil, False)) for position in range(len(places))]
    assert document == kept
    assert [each for each in spoilt if each != document]
