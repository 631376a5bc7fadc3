"""What of a receivable can be paid, what of the payments is due to each of its minor units, and how rights divide.

The formulas are those of contracts/libraries/Amounts.sol and contracts/base/Clearing.sol. All that is divided here is
rounded down, and what is left over stays with the rest: nothing is made, nothing is lost. Only a share that is told and
not paid is rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.domain.receivable import Certificate, Receivable, Status

_WHOLE_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Payout:
    """What a redemption pays out now, minor units; `to_financier` of it goes to the one with the lien.

    `is_last`: the certificate is no more afterwards.
    """

    amount: int
    to_financier: int
    is_last: bool


def payable(receivable: Receivable) -> int:
    """What can be paid now, minor units: face - (senior if disputed else cancelled) - paid. 0 unless confirmed."""
    if receivable.status is not Status.CONFIRMED:
        return 0
    return receivable.face - (receivable.senior if receivable.disputed else receivable.cancelled) - receivable.paid


def due(receivable: Receivable, start: int, end: int) -> int:
    """What of all payments so far is for [start, end), whatever of it was paid out already: minor units.

    Payments fill the tranche [senior, face) first, what exceeds it goes to [cancelled, senior); without `senior` there
    is the one tranche [cancelled, face). Of N = to - from minor units in its tranche [from, to), `part` are paid:

        open    floor((end - start) * part / N)
        closed  floor((end - from) * part / N) - floor((start - from) * part / N)

    The first never falls as payments come in and is exact when N are paid; the second adds up to `part` over the
    tranche. The range lies in one tranche.
    """
    begin, whole, part = _tranche(receivable, start)
    if receivable.status is not Status.CLOSED:
        return (end - start) * part // whole
    return (end - begin) * part // whole - (start - begin) * part // whole


def _tranche(receivable: Receivable, start: int) -> tuple[int, int, int]:
    """First minor unit and length of the tranche that `start` lies in, and what of it is paid."""
    face, cancelled, senior, paid = receivable.face, receivable.cancelled, receivable.senior, receivable.paid
    if not senior:
        return cancelled, face - cancelled, paid
    if start >= senior:
        return senior, face - senior, min(paid, face - senior)
    return cancelled, senior - cancelled, max(paid - (face - senior), 0)


def payout(receivable: Receivable, certificate: Certificate) -> Payout:
    """What a redemption pays out now: due - claimed, at most what the receivable has left of its payments.

    The limit is for the minor unit that a part of a cut certificate can have got too early: its share of what was
    claimed is rounded, like that of all that is divided. The one with the lien gets min(reached, secured) -
    min(claimed, secured), where reached = claimed + amount; the holder gets the rest.
    """
    claimed = certificate.claimed
    wanted = due(receivable, certificate.start, certificate.end) - claimed
    amount = max(0, min(wanted, receivable.paid - receivable.claimed))
    reached = claimed + amount
    secured = certificate.lien.secured if certificate.lien else 0
    # A closed certificate is paid out for good, but for what its seller still has to give back.
    is_over = receivable.status is Status.CLOSED and certificate.recourse is None
    is_last = reached == certificate.amount or is_over
    return Payout(amount, min(reached, secured) - min(claimed, secured), is_last)


def pay_out(current: Receivable, certificate: Certificate, out: Payout) -> None:
    """Write a redemption into the receivable: what is paid out, and what is left of the certificate, if anything."""
    current.claimed += out.amount
    if out.is_last:
        current.redeemed += certificate.amount
        del current.certificates[certificate.start]
    else:
        current.certificates[certificate.start] = replace(certificate, claimed=certificate.claimed + out.amount)


def settle(current: Receivable) -> None:
    """Write into the receivable what follows from its amounts.

    It is settled once all is paid that was not credited; the mark of dishonour goes once nothing can be paid.
    """
    if current.paid == current.face - current.cancelled:
        current.status = Status.SETTLED
    if not payable(current):
        current.dishonoured = False


def after_payment(receivable: Receivable, amount: int) -> Receivable:
    """The receivable once `amount` minor units more are paid."""
    after = receivable.copy()
    after.paid += amount
    settle(after)
    return after


def partition(certificate: Certificate, cut: int, *, since: int) -> tuple[Certificate, Certificate]:
    """The two parts of a certificate that an order or a dispute cut: what lies on it is divided by length.

    The front gets floor(amount * front / whole), the tail the rest; a part with nothing of a right has none.
    """
    lien, recourse = certificate.lien, certificate.recourse
    laid = (certificate.claimed, lien.secured if lien else 0, recourse.amount if recourse else 0)
    divided = [divide(amount, cut - certificate.start, certificate.amount) for amount in laid]
    ranges = ((certificate.start, cut), (cut, certificate.end))
    front, tail = (
        replace(
            certificate,
            start=start,
            end=end,
            since=since,
            claimed=claimed,
            lien=replace(lien, secured=secured) if lien and secured else None,
            recourse=replace(recourse, amount=recoursed) if recourse and recoursed else None,
        )
        for (start, end), (claimed, secured, recoursed) in zip(ranges, zip(*divided, strict=True), strict=True)
    )
    return front, tail


def divide(amount: int, front: int, whole: int) -> tuple[int, int]:
    """What the front `front` of `whole` minor units gets of an amount, rounded down, and the rest."""
    of_front = amount * front // whole
    return of_front, amount - of_front


def share_bps(part: int, whole: int) -> int:
    """Hundredths of a percent that `part` is of `whole`, rounded up: what is there is never told as nothing."""
    return -(-part * _WHOLE_BPS // whole)


def conservation_faults(receivable: Receivable) -> tuple[str, ...]:
    """What is wrong with the amounts of a receivable, one sentence each; none for one that the fold made.

    Live, redeemed and credited minor units are the confirmed face (DOMAIN rule 1); no more is paid out than was paid
    in, and all of it once everybody has asked, after the last payment.
    """
    if receivable.status not in (Status.CONFIRMED, Status.SETTLED, Status.CLOSED):
        return ()
    parts = receivable.certificates.values()
    live = sum(part.amount for part in parts)
    on_live = sum(part.claimed for part in parts)
    is_over = receivable.status is not Status.CONFIRMED
    is_all_asked = is_over and not any(payout(receivable, part).amount for part in parts)
    checks = {
        "live, redeemed and credited minor units are not the face": (
            live + receivable.redeemed + receivable.cancelled == receivable.face
        ),
        "more is paid than is owed": receivable.paid <= receivable.face - receivable.cancelled,
        "more is paid out than was paid": receivable.claimed <= receivable.paid,
        "a certificate got more than its length": all(0 <= part.claimed <= part.amount for part in parts),
        "what was paid out is not what certificates got": (
            on_live <= receivable.claimed <= on_live + receivable.redeemed
            if receivable.status is Status.CLOSED
            else receivable.claimed == on_live + receivable.redeemed
        ),
        "not all that was paid is paid out": not is_all_asked or receivable.claimed == receivable.paid,
        "it is settled, or is not, against what is paid": (
            (receivable.status is Status.SETTLED) == (receivable.paid == receivable.face - receivable.cancelled)
        ),
    }
    return tuple(sentence for sentence, holds in checks.items() if not holds)
