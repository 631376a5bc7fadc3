// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {DepositToken} from "contracts/DepositToken.sol";
import {FinancingDesk} from "contracts/FinancingDesk.sol";
import {Receivables} from "contracts/Receivables.sol";
import {ReceivablesBySignature} from "contracts/ReceivablesBySignature.sol";
import {ReceivablesOversight} from "contracts/ReceivablesOversight.sol";
import {ReceivablesSettlement} from "contracts/ReceivablesSettlement.sol";
import {RegistryAccess} from "contracts/RegistryAccess.sol";
import {
    IOversight,
    IReceivables,
    IReceivablesRecords,
    ISettlementOperations
} from "contracts/interfaces/IReceivables.sol";
import {Parameters} from "contracts/libraries/Parameters.sol";
import {Words} from "contracts/libraries/Words.sol";

import {Test} from "./Test.sol";

/// @title Chain
/// @notice A registry with its deposit token, its desk and all who run it, as registry/chain/deploy.py sets it up; only
///         that nothing waits for a delay of its AccessManagers.
abstract contract Chain is Test {
    uint16 internal constant CURRENCY = 978;
    uint64 private constant OPERATOR_ROLE = 1;
    uint64 private constant OFFICER_ROLE = 3;
    uint64 private constant SETTLEMENT_BANK_ROLE = 4;
    uint32 internal constant ANY_ROLE = 1 | 2 | 4;
    uint40 internal constant FORCED_TRANSFER_DELAY = 1 days;
    uint40 internal constant ANSWER_WINDOW = 30 days;
    uint40 internal constant GRACE = 5 days;
    uint40 internal constant KYC_EXPIRY = 2 ** 40 - 1;

    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    IReceivables internal registry;
    /// @dev The same, as ERC-721.
    IERC721 internal certificates;
    DepositToken internal token;
    FinancingDesk internal desk;

    uint256 private _nonce;
    uint256 private _claims;

    /// @dev The test itself is deployer, operator, governor, regulator and settlement bank.
    /// @param officers Who acts for the regulator.
    function _deploy(address[2] memory officers) internal {
        vm.warp(20_000 days);
        RegistryAccess access = new RegistryAccess(address(this));
        RegistryAccess regulation = new RegistryAccess(address(this));
        RegistryAccess banking = new RegistryAccess(address(this));
        ReceivablesSettlement settlement = new ReceivablesSettlement(address(0));
        ReceivablesOversight oversight =
            new ReceivablesOversight(address(regulation), FORCED_TRANSFER_DELAY, address(settlement), address(0));
        ReceivablesBySignature bySignature = new ReceivablesBySignature(address(oversight), address(0));
        Parameters.Values memory values = Parameters.Values({
            tenorLimitDays: 365,
            minimumPart: 1,
            answerWindowDays: uint16(ANSWER_WINDOW / 1 days),
            unansweredMax: 100,
            overdueGraceDays: uint16(GRACE / 1 days)
        });
        registry = IReceivables(address(new Receivables(address(access), address(bySignature), address(0), values)));
        certificates = IERC721(address(registry));
        desk = new FinancingDesk(address(registry));
        token = new DepositToken(address(banking), address(registry), CURRENCY);
        registry.setDesk(address(desk));
        registry.setDepositToken(CURRENCY, address(token));

        access.setTargetFunctionRole(address(registry), _operatorFunctions(), OPERATOR_ROLE);
        access.setTargetFunctionRole(address(registry), _bankFunctions(), SETTLEMENT_BANK_ROLE);
        access.grantRole(OPERATOR_ROLE, address(this), 0);
        access.grantRole(SETTLEMENT_BANK_ROLE, address(this), 0);
        regulation.setTargetFunctionRole(address(registry), _officerFunctions(), OFFICER_ROLE);
        regulation.grantRole(OFFICER_ROLE, officers[0], 0);
        regulation.grantRole(OFFICER_ROLE, officers[1], 0);
    }

    function _admit(address member) internal {
        registry.admit(member, KYC_EXPIRY, ANY_ROLE, "profile");
    }

    function _deposit(address to, uint256 amount) internal {
        token.mint(to, amount, bytes32(++_nonce));
    }

    // ---- claims

    /// @dev Terms that come to be known by a registration now.
    function _terms(address originator, address debtor, uint64 face, uint40 due)
        internal
        returns (IReceivablesRecords.Terms memory)
    {
        bytes32 fingerprint = bytes32(++_claims);
        IReceivablesRecords.Claim memory claim =
            IReceivablesRecords.Claim(debtor, face, due, CURRENCY, fingerprint, "root");
        uint256 pausedSeconds = Words.pausedSeconds(registry.policy().registration);
        uint40 answerBy = uint40(block.timestamp - pausedSeconds) + ANSWER_WINDOW;
        return IReceivablesRecords.Terms(originator, uint40(block.timestamp), answerBy, claim);
    }

    function _claimKey(IReceivablesRecords.Terms memory terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms.claim.fingerprint, terms.claim.debtor, terms.originator));
    }

    /// @dev What everyone who signs says of the receivable: the claim and its lasting terms.
    function _anchor(IReceivablesRecords.Terms memory terms) internal pure returns (bytes32) {
        IReceivablesRecords.Claim memory claim = terms.claim;
        uint256 lasting = Words.packTerms(claim.debtor, claim.face, claim.due, claim.currency, 0);
        return keccak256(abi.encode(_claimKey(terms), lasting));
    }

    function _range(uint256 receivableId, uint64 start, uint64 end) internal pure returns (uint256) {
        return receivableId << 128 | uint256(start) << 64 | end;
    }

    // ---- signatures

    /// @dev An authorisation without a signature: for a signer whose contract consents to all, or to be signed.
    function _unsigned(address signer, bytes32 anchor, bytes32 claimKey)
        internal
        returns (IReceivablesRecords.Authorisation memory)
    {
        return IReceivablesRecords.Authorisation(signer, ++_nonce, block.timestamp, anchor, claimKey, "");
    }

    /// @dev The other one's consent to an operation of its own type. `fields` is all between the signer and the tail.
    function _consent(uint256 key, string memory type_, bytes memory fields, bytes32 anchor, bytes32 claimKey)
        internal
        returns (IReceivablesRecords.Authorisation memory by)
    {
        by = _unsigned(vm.addr(key), anchor, claimKey);
        bytes memory tail = anchor == 0 ? abi.encode(by.nonce, by.deadline) : abi.encode(anchor, by.nonce, by.deadline);
        bytes memory whole = bytes.concat(abi.encode(keccak256(bytes(type_)), by.signer), fields, tail);
        by.signature = _sign(key, address(registry), "Counterfoil", keccak256(whole));
    }

    function _sign(uint256 key, address verifier, string memory name, bytes32 structHash)
        internal
        view
        returns (bytes memory)
    {
        bytes32 domain = keccak256(abi.encode(DOMAIN, keccak256(bytes(name)), keccak256("1"), block.chainid, verifier));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, structHash)));
        return abi.encodePacked(r, s, v);
    }

    // ---- roles

    function _operatorFunctions() private pure returns (bytes4[] memory functions) {
        functions = new bytes4[](4);
        functions[0] = IOversight.admit.selector;
        functions[1] = IOversight.suspend.selector;
        functions[2] = IOversight.pause.selector;
        functions[3] = IOversight.unpause.selector;
    }

    function _bankFunctions() private pure returns (bytes4[] memory functions) {
        functions = new bytes4[](2);
        functions[0] = ISettlementOperations.close.selector;
        functions[1] = ISettlementOperations.absolve.selector;
    }

    function _officerFunctions() private pure returns (bytes4[] memory functions) {
        functions = new bytes4[](8);
        functions[0] = IOversight.partition.selector;
        functions[1] = IOversight.freezeCertificate.selector;
        functions[2] = IOversight.unfreezeCertificate.selector;
        functions[3] = IOversight.freezeReceivable.selector;
        functions[4] = IOversight.unfreezeReceivable.selector;
        functions[5] = IOversight.freezeMember.selector;
        functions[6] = IOversight.unfreezeMember.selector;
        functions[7] = IOversight.forceTransfer.selector;
    }
}
