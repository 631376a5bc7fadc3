// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IReceivablesRecords} from "./IReceivables.sol";

/// @title IFinancingDesk
/// @notice Financing against cash in one step: the financier's deposit goes to the holder, and the certificate to the
///         financier (a sale) or under its lien (a pledge); or nothing happens.
/// @dev A financier signs a quote for one holder, one certificate, one price. It allows the desk to take its deposits,
///      and the holder approves the desk for its certificate: neither lets the desk do more than such a quote, accepted
///      by that holder, says. Signatures are EIP-712, of accounts and of contracts (ERC-1271), in the domain {name:
///      "Counterfoil Financing Desk", version: "1", chainId, verifyingContract: the desk}. Amounts are minor units,
///      instants seconds since 1970.
///      Refusals, in order: QuoteExpired, QuoteUsed, the holder's word (NotQuoteHolder; SignatureExpired, NonceUsed,
///      SignatureInvalid), SignatureInvalid of the financier, WrongToken, KindMalformed, then the token's and the
///      registry's own.
interface IFinancingDesk {
    /// @notice What a financier offers.
    /// @param holder Who may accept, and must then hold the certificate.
    /// @param start With end the certificate, whole, as it must be then.
    /// @param cut First minor unit of what is sold, its tail; the start where it is sold or pledged whole.
    /// @param kind 1 sale, 2 pledge.
    /// @param token The deposit token of the receivable's currency.
    /// @param price What the financier pays the holder.
    /// @param amount Of a sale what the holder gives back on recourse, 0 without; of a pledge the secured amount.
    /// @param anchor keccak256(abi.encode(claimKey, terms)), as in the registry's Authorisation.
    /// @param nonce Any number that the financier has not used: bit (nonce % 256) of word (nonce / 256). Of quotes with
    ///        one nonce only one can be accepted.
    /// @param expiry Last instant at which it can be accepted.
    struct Quote {
        address financier;
        address holder;
        uint256 receivableId;
        uint64 start;
        uint64 end;
        uint64 cut;
        uint8 kind;
        address token;
        uint64 price;
        uint64 amount;
        bytes32 anchor;
        uint256 nonce;
        uint256 expiry;
    }

    /// @notice The holder's signature under a quote: Acceptance(bytes32 quote,uint256 nonce,uint256 deadline), where
    ///         quote is the quote's digest.
    /// @param nonce As a quote's; an account has one set of nonces for all that it signs here.
    /// @param deadline Last instant at which it counts.
    struct Acceptance {
        uint256 nonce;
        uint256 deadline;
        bytes signature;
    }

    /// @notice A quote was carried out. The registry's Sold or Pledged of the same transaction, with the same digest,
    ///         says what was financed, and for how much.
    /// @param quote EIP-712 digest of the quote.
    /// @param nonce The financier's, used up.
    event QuoteAccepted(bytes32 indexed quote, address indexed financier, address indexed holder, uint256 nonce);

    /// @notice The signer gave up these nonces of one word of 256.
    event NoncesCancelled(address indexed signer, uint256 indexed word, uint256 mask);

    error QuoteExpired(uint256 expiry);
    /// @notice It was accepted or given up, or another quote with its nonce was.
    error QuoteUsed(uint256 nonce);
    error NotQuoteHolder(address account);
    error KindMalformed(uint8 kind);
    /// @param token The deposit token of the receivable's currency; 0 while it has none.
    error WrongToken(address token);
    error SignatureExpired(uint256 deadline);
    error SignatureInvalid(address signer);
    error NonceUsed(uint256 nonce);

    /// @notice Accept a quote. Its holder only, whose approval the desk has in the registry.
    /// @param signature The financier's.
    /// @param claimKey keccak256(abi.encode(fingerprint, debtor, originator)), opening the anchor.
    function accept(Quote calldata quote, bytes calldata signature, bytes32 claimKey) external;

    /// @notice The same by the holder's signature; anyone submits.
    function acceptBySignature(
        Quote calldata quote,
        bytes calldata signature,
        bytes32 claimKey,
        Acceptance calldata acceptance
    ) external;

    /// @notice The same with the holder's approval of the desk for this certificate, by signature too.
    /// @param approval As for the registry's approveBySignature(range, desk, approval). Not needed, and not looked at,
    ///        where the certificate is approved already: somebody else may have submitted it.
    function acceptWithApproval(
        Quote calldata quote,
        bytes calldata signature,
        bytes32 claimKey,
        Acceptance calldata acceptance,
        IReceivablesRecords.Authorisation calldata approval
    ) external;

    /// @notice Give up quotes and acceptances that the caller signed: the set bits of `mask` in word `word` of its
    ///         nonces.
    function cancelNonces(uint256 word, uint256 mask) external;

    /// @notice Which nonces of a word the signer has used or given up.
    function noncesUsed(address signer, uint256 word) external view returns (uint256);

    /// @notice The EIP-712 digest of a quote: what its financier signs, and what names it in the registry.
    function digest(Quote calldata quote) external view returns (bytes32);

    /// @notice The registry whose certificates are financed here.
    function registry() external view returns (address);
}
