// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {ERC721Utils} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Utils.sol";

import {Clearing} from "./base/Clearing.sol";
import {Extended} from "./base/Extended.sol";
import {Ledger} from "./base/Ledger.sol";
import {IMemberOperations, IMoneyOperations, IReceivablesViews} from "./interfaces/IReceivables.sol";
import {Journal} from "./libraries/Journal.sol";
import {Parameters} from "./libraries/Parameters.sol";
import {Words} from "./libraries/Words.sol";

/// @title Receivables
/// @notice The truth about receivables: one journal head per receivable, one word per certificate, one per member.
/// @dev No proxy and no owner over certificates: nobody moves one without its holder's authority or an order. This is
///      the deployed registry, with the doors that members use most; base/Ledger.sol holds the rules. What it does not
///      answer itself, its extensions do: for signatures, oversight and settlement.
contract Receivables is Clearing, Extended, IMemberOperations, IMoneyOperations, IERC721 {
    using Words for uint256;

    string public constant name = "Counterfoil Receivables";
    string public constant symbol = "CFR";

    bytes4 private constant ERC4906_INTERFACE_ID = 0x49064906;

    /// @param authority_ The AccessManager that decides what the operator may do.
    /// @param extension_ ReceivablesBySignature, made for the same predecessor.
    /// @param predecessor_ The registry that this one succeeds, in its sunset; or 0.
    /// @param values First values of the parameters; each is an entry of R-0.
    constructor(address authority_, address extension_, address predecessor_, Parameters.Values memory values)
        Ledger(authority_, predecessor_)
        Extended(extension_)
    {
        if (Ledger(payable(extension_)).predecessor() != predecessor_) revert ExtensionMismatch();
        if (predecessor_ != address(0) && IReceivablesViews(predecessor_).policy().movement & Words.SUNSET == 0) {
            revert PredecessorLives();
        }
        _records[REGISTRY].head = Journal.genesis(REGISTRY);
        uint256 delay = IReceivablesViews(extension_).forcedTransferDelay();
        (_movement, _registration, _settlement) = Parameters.first(values);
        uint64[6] memory all = [
            uint64(values.tenorLimitDays),
            uint64(values.minimumPart),
            uint64(values.answerWindowDays),
            uint64(values.unansweredMax),
            uint64(delay),
            uint64(values.overdueGraceDays)
        ];
        for (uint8 i; i < all.length; ++i) {
            bytes32 details = keccak256(abi.encode(i + 1, msg.sender, all[i], _now()));
            _appendToRegistry(Journal.PARAMETER_SET, details);
            emit ParameterSet(i + 1, msg.sender, all[i], _now(), _now());
        }
    }

    // ------------------------------------------------------------ receivables

    /// @inheritdoc IMemberOperations
    function register(Claim calldata claim) external returns (uint256) {
        return _register(msg.sender, claim);
    }

    /// @inheritdoc IMemberOperations
    function confirm(uint256 receivableId, Terms calldata terms, bytes32[] calldata since) external {
        _confirm(msg.sender, receivableId, terms, since);
    }

    /// @inheritdoc IMemberOperations
    function refuse(uint256 receivableId, Terms calldata terms, bytes32[] calldata since, uint8 reason) external {
        _refuse(msg.sender, receivableId, terms, since, reason);
    }

    /// @inheritdoc IMemberOperations
    function withdraw(uint256 receivableId, Terms calldata terms, bytes32[] calldata since) external {
        _withdraw(msg.sender, receivableId, terms, since);
    }

    /// @inheritdoc IMemberOperations
    function lapse(uint256 receivableId, Terms calldata terms, bytes32[] calldata since) external {
        _lapse(msg.sender, receivableId, terms, since);
    }

    /// @inheritdoc IMemberOperations
    function counterOffer(uint256 receivableId, Terms calldata terms, bytes32[] calldata since, uint64 face, uint40 due)
        external
    {
        _counterOffer(msg.sender, receivableId, terms, since, face, due);
    }

    /// @inheritdoc IMemberOperations
    function acceptOffer(uint256 receivableId, Terms calldata terms, bytes32[] calldata since, Offer calldata offer)
        external
    {
        _acceptOffer(msg.sender, receivableId, terms, since, offer);
    }

    // ----------------------------------------------------------- certificates

    /// @inheritdoc IMemberOperations
    function split(uint256 range, uint64 cut, address receiver, bytes32 document) external returns (uint256) {
        return _split(msg.sender, range, cut, receiver, document);
    }

    /// @inheritdoc IMemberOperations
    function splitMany(uint256 range, Part[] calldata parts) external {
        _splitMany(msg.sender, range, parts);
    }

    /// @inheritdoc IMemberOperations
    function endorse(uint256 range, address receiver, bytes32 document) external {
        _endorse(msg.sender, range, receiver, document);
    }

    /// @inheritdoc IMemberOperations
    function endorseMany(Endorsement[] calldata endorsements) external {
        _endorseMany(msg.sender, endorsements);
    }

    /// @inheritdoc IMemberOperations
    function merge(uint256 range, uint64 end) external {
        _merge(msg.sender, range, end);
    }

    // ------------------------------------------------------------------ money

    /// @inheritdoc IMoneyOperations
    function pledge(uint256 range, address financier, uint64 secured) external {
        _pledge(msg.sender, range, financier, secured);
    }

    /// @inheritdoc IMoneyOperations
    function release(uint256 range) external {
        _release(msg.sender, range);
    }

    /// @inheritdoc IMoneyOperations
    function pay(uint256 receivableId, uint64 amount) external {
        _pay(msg.sender, receivableId, amount);
    }

    /// @inheritdoc IMoneyOperations
    function payAndRedeem(uint256 receivableId, uint64 amount, uint256[] calldata certificateIds) external {
        _pay(msg.sender, receivableId, amount);
        _redeemMany(certificateIds);
    }

    /// @inheritdoc IMoneyOperations
    function redeem(uint256 certificateId) external returns (uint64) {
        return _redeem(certificateId);
    }

    /// @inheritdoc IMoneyOperations
    function redeemMany(uint256[] calldata certificateIds) external {
        _redeemMany(certificateIds);
    }

    /// @inheritdoc IMoneyOperations
    function sell(Deal calldata deal) external returns (uint256) {
        return _sell(deal);
    }

    /// @inheritdoc IMoneyOperations
    function pledgeAgainst(Deal calldata deal) external {
        _pledgeAgainst(deal);
    }

    /// @inheritdoc IMoneyOperations
    function depositTokenOf(uint256 receivableId) external view returns (address) {
        return _depositTokens[_records[receivableId].terms.currency()];
    }

    /// @inheritdoc IMoneyOperations
    function requireSpending(address from, address to) external view {
        if (to == address(0)) {
            if (_members[from].word & Words.MEMBER_FROZEN != 0) _requireNoOrder(SCOPE_MEMBER, uint160(from));
            return;
        }
        if (from != address(0)) _requireSender(from);
        if (_members[to].word.memberStatus() == 0) revert UnknownMember(to);
    }

    // ---------------------------------------------------------------- ERC-721

    /// @inheritdoc IERC721
    /// @dev Carries no trade document, so it reaches financiers only. A token id names no end: what moves is the
    ///      certificate at that start as it is when this is mined.
    function transferFrom(address from, address to, uint256 certificateId) external {
        _transfer(from, to, certificateId, 0);
    }

    /// @inheritdoc IERC721
    function safeTransferFrom(address from, address to, uint256 certificateId) external {
        safeTransferFrom(from, to, certificateId, "");
    }

    /// @inheritdoc IERC721
    /// @dev The first 32 bytes of data, where there are as many, are the hash of the trade document. As to the range,
    ///      as transferFrom.
    function safeTransferFrom(address from, address to, uint256 certificateId, bytes memory data) public {
        _transfer(from, to, certificateId, data.length >= 32 ? bytes32(data) : bytes32(0));
        ERC721Utils.checkOnERC721Received(msg.sender, from, to, certificateId, data);
    }

    /// @inheritdoc IERC721
    /// @dev For the certificate at that start as it is when this is mined. What splits or moves it ends the approval.
    function approve(address to, uint256 certificateId) external {
        _approve(msg.sender, certificateId, _requireCertificate(certificateId), to);
    }

    /// @inheritdoc IERC721
    function setApprovalForAll(address operator, bool approved) external {
        _setApprovalForAll(msg.sender, operator, approved);
    }

    /// @inheritdoc IERC721
    function getApproved(uint256 certificateId) external view returns (address) {
        return _approved(certificateId, _requireCertificate(certificateId));
    }

    /// @inheritdoc IERC721
    function isApprovedForAll(address holder, address operator) external view returns (bool) {
        return _operators[holder][operator];
    }

    /// @inheritdoc IERC721
    function ownerOf(uint256 certificateId) external view returns (address) {
        return _requireCertificate(certificateId).holder();
    }

    /// @inheritdoc IERC721
    function balanceOf(address holder) external view returns (uint256) {
        if (holder == address(0)) revert UnknownMember(holder);
        return _members[holder].word.balance();
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(IERC721).interfaceId
            || interfaceId == type(IERC721Metadata).interfaceId || interfaceId == ERC4906_INTERFACE_ID;
    }

    /// @dev An ERC-721 transfer names no end: the certificate's present one is filled in.
    function _transfer(address from, address to, uint256 certificateId, bytes32 document) private {
        uint256 movement = _requireRunning();
        uint256 word = _requireAuthority(msg.sender, certificateId);
        if (word.holder() != from) revert NotHolder(from);
        _moveWhole(msg.sender, certificateId << 64 | word.end(), word, movement, to, document);
    }
}
