"""Signed operations over HTTP: submitted once, rehearsed, refused by name."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from eth_account import Account

from api.app import create_app
from api.deps import Services, commands_of
from api.relays import RELAYS_MAX
from registry.chain import operations, quotes, submit
from registry.chain.devchain import dev_account
from registry.chain.rpc import Node, NodeUnreachable
from registry.commands import accounts, relaying
from registry.commands import quotes as quote_commands
from registry.commands.names import KeystoreLocked
from registry.domain import anchors
from registry.errors import Refusal
from registry.settings import Settings, SettingsMalformed
from tests.api.conftest import RELAYER, Api, endow, serving
from tests.api.conftest import opened as opened_api
from tests.scene import BANK, BUYER, DOCUMENT, OFFICER, ORDER, SELLER, SUPPLIER, Scene


@pytest.fixture
def services(services: Services) -> Services:
    endow(services.node)
    return Services(
        services.database,
        services.node,
        services.deployment,
        Settings(home=services.settings.home, relayer=f"dev{RELAYER}"),
    )


def split(api: Api, *, cut: int = 60_000, person: int = SELLER, number: int = 1) -> dict[str, Any]:
    """A split that its holder signed."""
    end = api.scene.end(number, 0)
    operation = operations.Split(
        receivable_id=number, start=0, end=end, cut=cut, receiver=Scene.address(BANK), document=DOCUMENT
    )
    return api.scene.sign(operation, person).to_json()


def post(
    api: Api, document: Any, *, status: int = 200, key: str | None = "key-1", query: str = "", **more: Any
) -> dict[str, Any]:
    return api.post(f"/v1/operations{query}", document, status=status, key=key, **more)


def test_what_a_member_signed_is_submitted_at_anothers_expense_and_shown_at_once(api: Api) -> None:
    api.scene.confirmed(face=100_000)
    api.mirror()
    api.know()
    before = api.services.node.nonce(Scene.address(SELLER))
    found = post(api, split(api))
    assert (found["operation"], found["signer"]["handle"], found["mirrored"]) == ("split", "seller", True)
    (entry,) = found["entries"]
    assert (entry["journal"], entry["operation"], entry["range"]) == ("R-1", "Split", {"start": "0", "end": "100000"})
    assert entry["parties"]["receiver"]["handle"] == "bank"
    assert api.services.node.nonce(Scene.address(SELLER)) == before
    ids = [item["id"] for item in api.get("/v1/receivables/R-1/certificates")["items"]]
    assert ids == ["R-1/0-60000", "R-1/60000-100000"]
    last = api.walk("/v1/receivables/R-1/entries")[-1]
    assert (last["transaction"]["hash"], last["fields"]) == (found["transaction"], entry["fields"])


def test_a_batch_is_submitted_whole_and_its_entries_are_of_several_journals(api: Api) -> None:
    numbers = [api.scene.confirmed(), api.scene.confirmed()]
    api.mirror()
    endorsements = []
    for number in numbers:
        receivable = api.scene.receivable(number)
        endorsements.append(
            operations.AnchoredEndorsement(
                receivable_id=number,
                start=0,
                end=receivable.face,
                receiver=Scene.address(BANK),
                document=DOCUMENT,
                anchor=anchors.anchor_of(receivable),
                claim_key=anchors.claim_key_of(receivable),
            )
        )
    operation = operations.EndorseMany(endorsements=tuple(endorsements))
    found = post(api, api.scene.sign(operation, SELLER).to_json())
    assert found["operation"] == "endorseMany"
    assert [entry["journal"] for entry in found["entries"]] == ["R-1", "R-2"]
    assert {api.scene.holder(number, 0) for number in numbers} == {Scene.address(BANK)}


def test_an_approval_appends_nothing(api: Api) -> None:
    operation = operations.SetApprovalForAll(operator=Scene.address(SUPPLIER), approved=True)
    api.mirror()
    found = post(api, api.scene.sign(operation, SELLER).to_json())
    assert (found["operation"], found["entries"]) == ("setApprovalForAll", [])
    assert api.scene.view.is_operator(holder=Scene.address(SELLER), operator=Scene.address(SUPPLIER))


def test_the_same_request_is_carried_out_once_and_answered_again(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    first = post(api, document)
    again = post(api, document)
    assert (first["replayed"], again["replayed"]) == (None, "true")
    assert {**again, "replayed": None} == first
    assert len(api.scene.journal(1)) == 3
    # Without the key it is another request, and the contract knows the signature.
    assert post(api, document, key="key-2", status=409)["code"] == "nonce_used"


def test_one_key_belongs_to_one_operation(api: Api) -> None:
    api.scene.confirmed()
    api.scene.confirmed()
    api.mirror()
    post(api, split(api))
    other = post(api, split(api, number=2), status=409)
    assert other["code"] == "idempotency_key_reused"
    assert len(api.scene.journal(2)) == 2
    post(api, split(api, number=2), key="key-2")


def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    api.scene.pause()
    document = split(api)
    assert post(api, document, status=409)["code"] == "registry_paused"
    api.scene.unpause()
    assert post(api, document)["replayed"] is None


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"signer": Scene.address(BUYER)}, 422, "signature_invalid"),
        ({"deadline": "1"}, 409, "signature_expired"),
        ({"chain_id": "1"}, 409, "signed_for_another"),
        ({"operation": "sell"}, 400, "signed_operation_malformed"),
        ({"arguments": {}}, 400, "signed_operation_malformed"),
        ({"nonce": "-1"}, 400, "signed_operation_malformed"),
        ({"signature": "0x12"}, 422, "signature_invalid"),
        ({"signature": "zz"}, 400, "request_malformed"),
        ({"note": "please"}, 400, "request_malformed"),
    ],
)
def test_what_cannot_count_is_refused_by_name(api: Api, change: dict[str, Any], status: int, code: str) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    change = {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in change.items()}
    for query in ("?dry_run=true", ""):
        assert post(api, {**document, **change}, status=status, query=query)["code"] == code
    assert len(api.scene.journal(1)) == 2


def test_a_rehearsal_tells_gas_or_the_refusal_and_sends_nothing(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    for _ in range(2):
        found = post(api, document, key=None, query="?dry_run=true")
        assert found["dry_run"] is True
        assert 60_000 < found["gas"] < 200_000
    refused = post(api, split(api, person=BUYER), key=None, query="?dry_run=true", status=403)
    assert refused["code"] == "not_holder"
    assert len(api.scene.journal(1)) == 2
    post(api, document)


def test_officers_send_their_orders_themselves(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    order = operations.FreezeReceivable(receivable_id=1, order=ORDER, expiry=api.scene.now + 1_000)
    found = post(api, api.scene.sign(order, OFFICER).to_json(), status=400)
    assert found["code"] == "document_of_another_kind"


def test_a_write_needs_a_key_and_json(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    assert post(api, document, key=None, status=400)["code"] == "idempotency_key_missing"
    assert post(api, document, key="with blank", status=400)["code"] == "request_malformed"
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = api.client.post(
            "/v1/operations", content=json.dumps(document), headers={"Content-Type": kind, "Idempotency-Key": "k"}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "request_malformed")
    huge = api.client.post("/v1/operations", json={"a": "b" * 300_000}, headers={"Idempotency-Key": "k"})
    assert (huge.status_code, huge.json()["code"]) == (413, "operation_too_large")
    assert post(api, document, status=403, Origin="https://evil.example")["code"] == "origin_not_allowed"
    assert len(api.scene.journal(1)) == 2


def test_a_service_without_a_relayer_submits_nothing_and_rehearses_all_the_same(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    services = api.services
    without = Services(services.database, services.node, services.deployment, Settings(home=services.settings.home))
    running = serving(without)
    with httpx.Client(base_url=next(running), timeout=30) as client:
        other = Api(without, client, api.scene)
        assert post(other, split(api), status=403)["code"] == "relaying_off"
        assert post(other, split(api), key=None, query="?dry_run=true")["gas"] > 0
    next(running, None)


# ----------------------------------------------------------------------- the relayer


def test_the_key_is_opened_when_the_application_starts_and_no_more(
    services: Services, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    keystore(services, "payer", password="secret")
    opened: list[str] = []
    original = accounts.Account.decrypt

    def noting(document: Any, password: str) -> Any:
        opened.append(password)
        return original(document, password)

    monkeypatch.setattr(accounts.Account, "decrypt", noting)
    monkeypatch.setattr(accounts, "_password", lambda _: "secret")
    with opened_api(paid_by(services, "payer"), scene) as api:
        assert opened == ["secret"]
        scene.confirmed()
        api.mirror()
        assert post(api, split(api), query="?dry_run=true")["gas"] > 0
        assert post(api, split(api), key=None, status=400)["code"] == "idempotency_key_missing"
        post(api, split(api))
    assert opened == ["secret"]


@pytest.mark.parametrize(
    ("name", "failure"), [("dve200", SettingsMalformed), ("0x12", SettingsMalformed), ("payer", KeystoreLocked)]
)
def test_a_relayer_that_cannot_pay_is_named_when_the_application_starts(
    services: Services, caplog: pytest.LogCaptureFixture, name: str, failure: type[Refusal]
) -> None:
    keystore(services, "payer", password="secret")
    app = create_app(paid_by(services, name))

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pytest.fail("it started")

    with pytest.raises(failure, match="COUNTERFOIL_RELAYER" if failure is SettingsMalformed else name):
        asyncio.run(start())
    assert failure.code in caplog.text


def keystore(services: Services, name: str, *, password: str) -> None:
    """The relayer's key in a file."""
    folder = services.settings.home / "keys"
    folder.mkdir(exist_ok=True)
    document = Account.encrypt(dev_account(200).key, password, kdf="pbkdf2", iterations=1)
    (folder / f"{name}.json").write_text(json.dumps(document))


def paid_by(services: Services, name: str) -> Services:
    settings = Settings(home=services.settings.home, relayer=name)
    return Services(services.database, services.node, services.deployment, settings)


# ------------------------------------------------------------------- what goes wrong


def test_the_same_request_many_times_at_once_is_carried_out_once(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)

    def send(_: int) -> httpx.Response:
        return api.client.post("/v1/operations", json=document, headers={"Idempotency-Key": "same"})

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(send, range(8)))
    codes = {answer.json().get("code") for answer in answers if answer.status_code != 200}
    assert codes <= {"request_running"}
    assert sum(answer.status_code == 200 for answer in answers) >= 1
    assert len(api.scene.journal(1)) == 3
    assert post(api, document, key="same")["replayed"] == "true"


def test_operations_of_many_members_at_once_all_come_through(api: Api) -> None:
    for _ in range(6):
        api.scene.confirmed()
    api.mirror()
    documents = [split(api, number=number) for number in range(1, 7)]

    def send(number: int) -> int:
        answer = api.client.post("/v1/operations", json=documents[number], headers={"Idempotency-Key": f"key-{number}"})
        return answer.status_code

    with ThreadPoolExecutor(6) as senders:
        assert list(senders.map(send, range(6))) == [200] * 6


@pytest.mark.parametrize("crash", ["before sending", "after sending"])
def test_after_a_crash_the_same_request_finds_what_became_of_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, crash: str
) -> None:
    """The node fails just before or just after it took the transaction: the request is repeated, and done once."""
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    original = submit._submit

    def broken(node: Node, raw: bytes) -> Any:
        if crash == "after sending":
            original(node, raw)
        raise NodeUnreachable("the line is cut")

    monkeypatch.setattr(submit, "_submit", broken)
    assert post(api, document, status=503)["code"] == "node_unreachable"
    other = post(api, split(api, cut=50_000), status=409)
    assert other["code"] == "idempotency_key_reused"
    monkeypatch.undo()
    found = post(api, document)
    assert [entry["operation"] for entry in found["entries"]] == ["Split"]
    assert len(api.scene.journal(1)) == 3


def test_a_request_that_is_still_running_is_not_begun_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    entered, go_on = threading.Event(), threading.Event()
    original = relaying.send

    def slow(*arguments: Any, **more: Any) -> Any:
        entered.set()
        assert go_on.wait(20)
        return original(*arguments, **more)

    monkeypatch.setattr(relaying, "send", slow)
    with ThreadPoolExecutor(1) as sender:
        first = sender.submit(post, api, document)
        assert entered.wait(20)
        assert post(api, document, status=409)["code"] == "request_running"
        go_on.set()
        assert first.result()["replayed"] is None


def test_submissions_that_wait_for_the_chain_leave_threads_to_readers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    entered, go_on = threading.Semaphore(0), threading.Event()
    original = relaying.send

    def slow(*arguments: Any, **more: Any) -> Any:
        entered.release()
        assert go_on.wait(20)
        return original(*arguments, **more)

    monkeypatch.setattr(relaying, "send", slow)

    def send(number: int) -> httpx.Response:
        return api.client.post("/v1/operations", json=document, headers={"Idempotency-Key": f"key-{number}"})

    with ThreadPoolExecutor(50) as senders:
        answers = [senders.submit(send, number) for number in range(50)]
        try:
            for _ in range(RELAYS_MAX):
                assert entered.acquire(timeout=20)
            assert not entered.acquire(timeout=1)
            assert api.client.get("/ready", timeout=5).status_code == 200
            assert api.client.get("/v1/receivables/R-1", timeout=5).status_code == 200
        finally:
            go_on.set()
        codes = [answer.result().status_code for answer in answers]
    assert sorted(codes) == [200, *[409] * 49]


# ---------------------------------------------------------------------------- reorgs


def undone(api: Api, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What an act answered, of which a reorg leaves nothing."""
    head = api.services.node.head()
    found = act()
    api.scene.reorg(depth=api.services.node.head() - head)
    assert len(api.scene.journal(1)) == 2
    api.mirror()
    return found


def test_what_a_reorg_took_back_is_carried_out_again_when_it_is_repeated(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    undone(api, lambda: post(api, document))
    again = post(api, document)
    assert again["replayed"] is None
    assert [entry["operation"] for entry in again["entries"]] == ["Split"]
    assert len(api.scene.journal(1)) == 3
    assert {**post(api, document), "replayed": None} == again


def test_what_counts_no_more_after_a_reorg_is_refused_when_it_is_repeated(api: Api) -> None:
    api.scene.confirmed()
    api.mirror()
    document = split(api)
    undone(api, lambda: post(api, document))
    api.scene.pause()
    assert post(api, document, status=409)["code"] == "registry_paused"
    api.scene.unpause()
    assert post(api, document)["replayed"] is None
    assert len(api.scene.journal(1)) == 3


def test_a_quote_is_withdrawn_only_as_long_as_the_chain_says_so(api: Api) -> None:
    """A reorg takes back that it was given up, and the desk takes it again: nobody is told that it does not."""
    api.scene.confirmed()
    api.mirror()
    signed = api.scene.quote(1, price=98_000)
    path = f"/v1/quotes/0x{quotes.digest(signed.quote, signed.domain).hex()}"
    assert api.post("/v1/quotes", signed.to_json(), key=None)["state"] == "offered"

    def give_up() -> dict[str, Any]:
        quote_commands.cancel(commands_of(api.services), signer=dev_account(BANK), offered=signed)
        return api.get(path)

    assert undone(api, give_up)["state"] == "withdrawn"
    assert api.get(path)["state"] == "offered"
    assert give_up()["state"] == "withdrawn"
