// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IFinancingDesk} from "./interfaces/IFinancingDesk.sol";
import {IMoneyOperations, IReceivablesRecords, ISignedOperations} from "./interfaces/IReceivables.sol";

/// @title FinancingDesk
/// @notice Financing against cash in one step, by quotes that financiers sign.
/// @dev It holds neither money nor certificates and has no owner. A quote's nonce is used up before anything else is
///      called, and what is called is the registry and the deposit token that the registry names: neither calls back,
///      and if either refuses, nothing has happened.
contract FinancingDesk is EIP712, IFinancingDesk {
    using SafeERC20 for IERC20;

    uint8 private constant SALE = 1;
    uint8 private constant PLEDGE = 2;

    bytes32 private constant QUOTE = keccak256(
        "Quote(address financier,address holder,uint256 receivableId,uint64 start,uint64 end,uint64 cut,uint8 kind,address token,uint64 price,uint64 amount,bytes32 anchor,uint256 nonce,uint256 expiry)"
    );
    bytes32 private constant ACCEPTANCE = keccak256("Acceptance(bytes32 quote,uint256 nonce,uint256 deadline)");

    /// @inheritdoc IFinancingDesk
    address public immutable registry;
    /// @inheritdoc IFinancingDesk
    mapping(address signer => mapping(uint256 word => uint256)) public noncesUsed;

    constructor(address registry_) EIP712("Counterfoil Financing Desk", "1") {
        registry = registry_;
    }

    /// @inheritdoc IFinancingDesk
    function accept(Quote calldata quote, bytes calldata signature, bytes32 claimKey) external {
        _useQuote(quote);
        if (msg.sender != quote.holder) revert NotQuoteHolder(msg.sender);
        _carryOut(quote, digest(quote), signature, claimKey);
    }

    /// @inheritdoc IFinancingDesk
    function acceptBySignature(
        Quote calldata quote,
        bytes calldata signature,
        bytes32 claimKey,
        Acceptance calldata acceptance
    ) external {
        _carryOut(quote, _requireAcceptance(quote, acceptance), signature, claimKey);
    }

    /// @inheritdoc IFinancingDesk
    function acceptWithApproval(
        Quote calldata quote,
        bytes calldata signature,
        bytes32 claimKey,
        Acceptance calldata acceptance,
        IReceivablesRecords.Authorisation calldata approval
    ) external {
        bytes32 quoteDigest = _requireAcceptance(quote, acceptance);
        if (IERC721(registry).getApproved(_rangeOf(quote) >> 64) != address(this)) {
            ISignedOperations(registry).approveBySignature(_rangeOf(quote), address(this), approval);
        }
        _carryOut(quote, quoteDigest, signature, claimKey);
    }

    /// @inheritdoc IFinancingDesk
    function cancelNonces(uint256 word, uint256 mask) external {
        noncesUsed[msg.sender][word] |= mask;
        emit NoncesCancelled(msg.sender, word, mask);
    }

    /// @inheritdoc IFinancingDesk
    function digest(Quote calldata quote) public view returns (bytes32) {
        bytes32 structHash;
        bytes32 typeHash = QUOTE;
        // keccak256(abi.encode(QUOTE, quote)), from the thirteen words of the call: whoever acts on a field checks it.
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typeHash)
            calldatacopy(add(free, 0x20), quote, 0x1a0)
            structHash := keccak256(free, 0x1c0)
        }
        return _hashTypedDataV4(structHash);
    }

    /// @dev The holder's word is given; what is left is the financier's, the cash and the certificate.
    function _carryOut(Quote calldata quote, bytes32 quoteDigest, bytes calldata signature, bytes32 claimKey) private {
        _requireSignature(quote.financier, quoteDigest, signature);
        address token = IMoneyOperations(registry).depositTokenOf(quote.receivableId);
        if (token == address(0) || quote.token != token) revert WrongToken(token);
        bool isSale = quote.kind == SALE;
        if (!isSale && quote.kind != PLEDGE) revert KindMalformed(quote.kind);

        IERC20(token).safeTransferFrom(quote.financier, quote.holder, quote.price);
        IReceivablesRecords.Deal memory deal = IReceivablesRecords.Deal({
            range: _rangeOf(quote),
            cut: quote.cut,
            holder: quote.holder,
            financier: quote.financier,
            price: quote.price,
            amount: quote.amount,
            quote: quoteDigest,
            anchor: quote.anchor,
            claimKey: claimKey
        });
        if (isSale) IMoneyOperations(registry).sell(deal);
        else IMoneyOperations(registry).pledgeAgainst(deal);
        emit QuoteAccepted(quoteDigest, quote.financier, quote.holder, quote.nonce);
    }

    /// @dev The holder's signature, in place of its transaction.
    function _requireAcceptance(Quote calldata quote, Acceptance calldata acceptance)
        private
        returns (bytes32 quoteDigest)
    {
        _useQuote(quote);
        if (block.timestamp > acceptance.deadline) revert SignatureExpired(acceptance.deadline);
        if (!_use(quote.holder, acceptance.nonce)) revert NonceUsed(acceptance.nonce);
        quoteDigest = digest(quote);
        bytes32 structHash = keccak256(abi.encode(ACCEPTANCE, quoteDigest, acceptance.nonce, acceptance.deadline));
        _requireSignature(quote.holder, _hashTypedDataV4(structHash), acceptance.signature);
    }

    /// @dev A nonce is used before its signature is looked at: a wrong one reverts that with everything else.
    function _useQuote(Quote calldata quote) private {
        if (block.timestamp > quote.expiry) revert QuoteExpired(quote.expiry);
        if (!_use(quote.financier, quote.nonce)) revert QuoteUsed(quote.nonce);
    }

    /// @return fresh Whether the nonce was free.
    function _use(address signer, uint256 nonce) private returns (bool fresh) {
        mapping(uint256 => uint256) storage words = noncesUsed[signer];
        uint256 used = words[nonce >> 8];
        uint256 bit = 1 << (nonce & 0xff);
        words[nonce >> 8] = used | bit;
        return used & bit == 0;
    }

    function _requireSignature(address signer, bytes32 hash, bytes calldata signature) private view {
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, hash, signature)) revert SignatureInvalid(signer);
    }

    function _rangeOf(Quote calldata quote) private pure returns (uint256) {
        return quote.receivableId << 128 | uint256(quote.start) << 64 | quote.end;
    }
}
