# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where requests go: endpoints, partitions and their home Regions, Regions that are off or silent, TLS, connections."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws import cloud, partitions, retries
from ansible_collections.muster.aws.plugins.module_utils._membership.model import BATCH_LIMIT
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ModuleRunner
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    FLEET,
    GUARDDUTY,
    REGION,
    SECURITYHUB,
    STRANGER,
    A,
    B,
    C,
    member,
    organization,
    switch_on,
)
from botocore.session import get_session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

both_services = pytest.mark.parametrize("service", BOTH)


def asked(emulator: Emulator, operation: str) -> list[str]:
    return [call.region for call in emulator.calls if call.operation == operation]


def outcomes(result: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str | None]]:
    return {
        (row["region"], row["account_id"]): (row["outcome"], row["reason_code"]) for row in result["administrators"]
    }


def join(run_module: Any, service: str, regions: list[str], *account_ids: str, **options: Any) -> dict[str, Any]:
    return run_module(
        f"{service}_administrator",
        regions=regions,
        account_ids=list(account_ids),
        role_name="muster",
        administrator_id=ADMINISTRATOR,
        enable_service=True,
        **options,
    )


def invite(emulator: Emulator, service: str, regions: list[str], *account_ids: str) -> None:
    switch_on(emulator, service, ADMINISTRATOR, regions=regions)
    entry = {"service": service, "regions": regions, "administrator_id": ADMINISTRATOR, "status": "Invited"}
    emulator.seed({"members": [{**entry, "account_ids": list(account_ids)}]})


# Endpoints


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The URL of a port that nobody listens at."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@both_services
def test_endpoint_url_is_the_services_and_not_that_of_sts(
    service: str, nowhere: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.url)
    # What has no endpoint of its own goes nowhere.
    elsewhere = ModuleRunner(SimpleNamespace(url=nowhere))

    result = elsewhere(f"{service}_member", members=[member(A)], endpoint_url=emulator.url)

    assert not result.get("failed"), result["msg"]
    assert {call.service for call in emulator.calls} == {"sts", service}


def test_endpoint_url_does_not_lead_sts_to_the_service(
    nowhere: str, emulator: Emulator, run_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", nowhere)

    result = run_module("guardduty_member", members=[member(A)], endpoint_url=emulator.url)

    assert result["failed"] and nowhere in result["msg"] and emulator.calls == []


@both_services
def test_endpoint_url_does_not_lead_organizations_to_the_service(
    service: str, nowhere: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.seed(organization(A, delegated_administrator={}))
    emulator.seed({"caller": STRANGER})
    for name in ("STS", "ORGANIZATIONS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", emulator.url)
    options = {"administrator_id": A, "service_principals": ["guardduty.amazonaws.com"], "region": REGION}
    run = ModuleRunner(SimpleNamespace(url=nowhere))

    result = run(f"{service}_organization_administrator", endpoint_url=emulator.url, check=True, **options)
    assert not result.get("failed"), result["msg"]
    assert {call.service for call in emulator.calls} == {"sts", service, "organizations"}

    monkeypatch.setenv("AWS_ENDPOINT_URL_ORGANIZATIONS", nowhere)
    result = run(f"{service}_organization_administrator", endpoint_url=emulator.url, check=True, **options)
    assert result["failed"] and nowhere in result["msg"]


@both_services
def test_endpoint_of_the_service_in_the_environment_wins_over_the_common_one(
    service: str, nowhere: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    for name in ("STS", service.upper()):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", emulator.url)

    result = ModuleRunner(SimpleNamespace(url=nowhere))(f"{service}_member", members=[member(A)])

    assert not result.get("failed"), result["msg"]


# Partitions

PARTITIONS = get_session().get_available_partitions()


def regions_of(partition: str) -> list[str]:
    return get_session().get_available_regions("ec2", partition)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_module_whose_first_region_is_off_asks_the_partitions_home(
    partition: str, emulator: Emulator, run_module: Any
) -> None:
    home = partitions.home_region(get_session(), regions_of(partition)[0])
    others = [region for region in regions_of(partition) if region != home]
    if not others:
        # The only Region of its partition is its home, and never off.
        assert regions_of(partition) == [home]
        return
    emulator.seed({"accounts": {ADMINISTRATOR: {"disabled_regions": others[:1]}}})

    run_module("guardduty_detector", account_ids=[A], role_name="muster", regions=others[:1])

    assert asked(emulator, "GetCallerIdentity") == [others[0], home]
    # The caller's credentials are not accepted there: no account is asked for there again.
    assert asked(emulator, "AssumeRole") == [home]
    arn = next(call.params["RoleArn"] for call in emulator.calls if call.operation == "AssumeRole")
    assert arn == f"arn:{partition}:iam::{A}:role/muster"


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_resource_that_is_tagged_has_the_callers_partition(
    region: str, partition: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR, regions=[region])

    result = run_module("guardduty_detector", regions=[region], tags={"team": "security"})

    assert not result.get("failed"), result["msg"]
    (arn,) = [call.params["ResourceArn"] for call in emulator.calls if call.operation == "TagResource"]
    assert arn.startswith(f"arn:{partition}:guardduty:{region}:{ADMINISTRATOR}:detector/")


# Regions that are off in an account


@both_services
def test_administrator_in_an_account_that_has_not_opted_in_joins_in_its_other_regions(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    regions = ["af-south-1", "eu-west-1"]
    invite(emulator, service, regions, A, B)
    emulator.seed({"accounts": {A: {"disabled_regions": ["af-south-1"]}}})

    result = join(run_module, service, regions, A, B, concurrency=1)

    assert outcomes(result) == {
        ("af-south-1", A): ("failed", "region_unavailable"),
        ("af-south-1", B): ("changed", None),
        ("eu-west-1", A): ("changed", None),
        ("eu-west-1", B): ("changed", None),
    }
    where = Counter(
        (call.params["RoleArn"].split(":")[4], call.region) for call in emulator.calls if call.operation == "AssumeRole"
    )
    assert where == Counter({(A, "af-south-1"): 1, (A, "us-east-1"): 1, (B, "af-south-1"): 1})


# Regions that answer nothing


def silence(emulator: Emulator, region: str, **rule: Any) -> None:
    emulator.add_fault("silent", region=region, times=None, seconds=5, **rule)


QUICK = {"aws_config": {"read_timeout": 0.2}}


@both_services
def test_administrator_in_a_silent_region_tries_it_once_and_joins_in_the_others(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    regions = ["af-south-1", "eu-west-1"]
    invite(emulator, service, regions, A, B, C)
    silence(emulator, "af-south-1")

    result = join(run_module, service, regions, A, B, C, concurrency=1, **QUICK)

    assert outcomes(result) == {
        **{("af-south-1", account_id): ("failed", "region_unavailable") for account_id in (A, B, C)},
        **{("eu-west-1", account_id): ("changed", None) for account_id in (A, B, C)},
    }
    assert all(row["retryable"] for row in result["unprocessed_accounts"])
    calls = Counter((call.service, call.region) for call in emulator.calls if call.region != "eu-west-1")
    # STS once, and home from then on; the service twice, since a packet may be lost, and never again.
    assert calls == Counter({("sts", "af-south-1"): 1, ("sts", "us-east-1"): 4, (service, "af-south-1"): 2})
    assert "did not answer this task before" in result["msg"]


@both_services
def test_member_whose_region_falls_silent_gives_it_up_within_the_wait(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    silence(emulator, REGION, service=service, after=2)

    result = run_module(f"{service}_member", members=[member(i) for i in FLEET], wait_timeout=3, **QUICK)

    calls = [call for call in emulator.calls if call.service == service]
    # Two answers; then as many tries as the wait pays for; then one that shows that it was no accident.
    longest = Counter(call.operation for call in calls[2:]).most_common(1)[0][1]
    assert result["failed"] and len(calls) <= 2 + 3 * 3 + 3 and longest <= 3 + 3
    assert {row["reason_code"] for row in result["unprocessed_accounts"]} <= {
        "internal_error",
        "region_unavailable",
        "not_attempted",
    }


def test_lost_packet_in_the_first_request_is_sent_again(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR)
    emulator.add_fault("silent", service=SECURITYHUB, seconds=5)

    assert not run_module("securityhub_member", members=[member(A)], **QUICK).get("failed")


# Retries and pages


def test_wait_before_a_try_is_never_longer_than_20_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries.random, "random", lambda: 1.0)
    response = (None, {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}})
    operation = SimpleNamespace(name="GetMembers")

    waits = [retries.retry_throttles(8, response, attempts, operation) for attempts in range(1, 9)]

    assert waits == [1, 2, 4, 8, 16, 20, 20, None]


def test_quota_is_not_asked_again(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR)
    message = "You cannot create anymore members, the maximum number has been reached."
    quota = {"code": "LimitExceededException", "status": 429, "message": message}
    emulator.add_fault("error", operation="CreateMembers", times=None, **quota)

    result = run_module("securityhub_member", members=[member(A)])

    assert len(asked(emulator, "CreateMembers")) == 1
    assert [row["reason_code"] for row in result["unprocessed_accounts"]] == ["quota_exceeded"]


def test_listing_without_an_end_ends(emulator: Emulator, run_module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cloud._PAGE_LIMIT * BATCH_LIMIT >= 50_000  # the members that AWS allows to an administrator
    monkeypatch.setattr(cloud, "_PAGE_LIMIT", 3)
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    entry = {"service": GUARDDUTY, "regions": [REGION], "administrator_id": ADMINISTRATOR, "status": "Enabled"}
    emulator.seed({"members": [{**entry, "account_ids": list(FLEET[:5])}]})
    emulator.set_knobs(page_size=1)

    result = run_module("guardduty_member_info")

    assert "no end" in result["msg"] and len(asked(emulator, "ListMembers")) == 3


# TLS and connections


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the loopback interface that nobody else has signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def tls(certificate: tuple[Path, Path], clock: Any) -> Iterator[ModuleRunner]:
    """Modules against an emulator that speaks TLS."""
    with Emulator(caller=ADMINISTRATOR) as emulator:
        assert emulator._server is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        emulator._server.handle_error = lambda *_refused: None  # type: ignore[method-assign]
        emulator._server.socket = context.wrap_socket(emulator._server.socket, server_side=True)
        yield ModuleRunner(SimpleNamespace(url=emulator.url.replace("http:", "https:")))


@pytest.mark.parametrize("options", [{"validate_certs": False}, {"aws_ca_bundle": "certificate"}], ids=str)
def test_module_with_a_certificate_of_ones_own_connects(
    options: dict[str, Any], certificate: tuple[Path, Path], tls: ModuleRunner
) -> None:
    if "aws_ca_bundle" in options:
        options = {"aws_ca_bundle": str(certificate[0])}

    result = tls("guardduty_detector", **options)

    assert not result.get("failed"), result["msg"]
    assert result["changed"] is True


def test_module_with_a_certificate_that_nobody_vouches_for_refuses_it(tls: ModuleRunner) -> None:
    result = tls("guardduty_detector")

    assert result["failed"] and "CERTIFICATE_VERIFY_FAILED" in result["msg"]


def test_conversations_keep_their_connections(
    emulator: Emulator, run_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    server = emulator._server
    assert server is not None
    real = server.process_request
    monkeypatch.setattr(server, "process_request", lambda *request: (opened.append(request), real(*request)))
    accounts = FLEET[:24]
    invite(emulator, GUARDDUTY, [REGION], *accounts)
    emulator.set_knobs(latency=0.01)  # so that they are under way together

    result = join(run_module, GUARDDUTY, [REGION], *accounts, concurrency=8)

    assert not result.get("failed"), result["msg"]
    assert len(emulator.calls) > 100
    assert len(opened) <= 2 * 8  # one for each conversation under way, with STS and with the service
