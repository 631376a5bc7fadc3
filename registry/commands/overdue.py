"""What may come of a debt that is not paid: dishonour, the end of the book, recourse to the seller.

Only the settlement bank closes a book or lifts a mark, after its delay, as the governor's operations
(registry.commands.oversight): the first call schedules, the same call later carries it out.
"""

from __future__ import annotations

from eth_account.signers.local import LocalAccount

from registry.chain import delayed
from registry.chain.contract import Calls
from registry.chain.operations import DemandRecourse, Repurchase
from registry.chain.submit import account_address
from registry.commands.certificates import named, receivable_of, require_present
from registry.commands.oversight import Waits, advance, registry_state, where
from registry.commands.sending import Done, Hand, carry_out, send_call
from registry.commands.services import Services
from registry.domain.identifiers import CertificateId
from registry.domain.receivable import Parameter
from registry.domain.rules import parameter_in_force, require_close, require_deposit_token, require_dishonoured


def dishonour(services: Services, *, signer: LocalAccount, receivable_id: int) -> Done:
    """Report that a debtor has not paid in time; anyone may. Until it pays it registers and confirms nothing.

    Raises UnknownReceivable and the contract's refusals of `dishonour`.
    """
    return send_call(services, signer, Calls.dishonour(receivable_id))


def close(services: Services, *, signer: LocalAccount, receivable_id: int) -> Done | Waits:
    """End a book: no payment comes any more, what was paid is divided to the last minor unit, what was not is marked.

    What the contract would refuse when the delay is over is refused before it is scheduled: UnknownReceivable,
    StatusForbids, NotOverdue, NoDepositToken. Raises NotAuthorised.
    """
    receivable, registry = receivable_of(services, receivable_id).state(), registry_state(services)
    data = Calls.close(receivable_id)
    then = delayed.earliest(services.node, caller=account_address(signer), data=data, **where(services))
    grace_days = parameter_in_force(registry, Parameter.OVERDUE_GRACE_DAYS, now=then)
    require_close(receivable, grace_days=grace_days, now=then)
    require_deposit_token(registry, receivable)
    return advance(services, signer, data)


def absolve(services: Services, *, signer: LocalAccount, receivable_id: int) -> Done | Waits:
    """Lift the mark of a closed receivable that was made good outside.

    Raises UnknownReceivable, StatusForbids, NotDishonoured, NotAuthorised.
    """
    require_dishonoured(receivable_of(services, receivable_id).state())
    return advance(services, signer, Calls.absolve(receivable_id))


def demand_recourse(services: Services, *, signer: Hand, certificate: CertificateId) -> Done:
    """Ask the seller to take an overdue certificate back, as its holder.

    Raises UnknownCertificate and the contract's refusals of `demandRecourse`.
    """
    require_present(services, certificate)
    return carry_out(services, signer, DemandRecourse(**named(certificate)))


def repurchase(services: Services, *, signer: Hand, certificate: CertificateId) -> Done:
    """Take a certificate back on demand, as its seller, of deposits that the registry may take.

    Raises UnknownCertificate, InsufficientAllowance, InsufficientDeposit, the contract's refusals of `repurchase`.
    """
    require_present(services, certificate)
    return carry_out(services, signer, Repurchase(**named(certificate)))
