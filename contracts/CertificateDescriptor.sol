// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {ICertificateDescriptor} from "./interfaces/ICertificateDescriptor.sol";
import {IReceivablesRecords, IReceivablesViews, ISettlementOperations} from "./interfaces/IReceivables.sol";
import {Amounts} from "./libraries/Amounts.sol";
import {CertificateImage} from "./libraries/CertificateImage.sol";
import {Currencies} from "./libraries/Currencies.sol";
import {Text} from "./libraries/Text.sol";
import {Words} from "./libraries/Words.sol";

/// @title CertificateDescriptor
/// @notice Certificates of any registry, described and drawn from its views as they are at the block of the call.
/// @dev Stateless; a registry's operator replaces it by another through setDescriptor. Of a registry it needs
///      IReceivablesViews' certificates, receivables and freezes, and ISettlementOperations' rights. Shown is what no
///      transaction changes without an ERC-4906 event, since wallets keep what they fetched: so not the holder or a right
///      of recourse, which a transfer changes.
contract CertificateDescriptor is ICertificateDescriptor {
    using Amounts for uint256;
    using Strings for *;
    using Words for uint256;

    uint8 private constant SCOPE_CERTIFICATE = 1;
    uint8 private constant SCOPE_RECEIVABLE = 2;
    uint8 private constant SCOPE_MEMBER = 3;

    /// @notice There are pictures in "en" and in "zh".
    error LanguageUnknown(string language);

    /// @inheritdoc ICertificateDescriptor
    /// @dev The image holds the words of both languages and leaves the choice to the viewer's preferences.
    function tokenURI(address registry, uint256 certificateId) external view returns (string memory) {
        CertificateImage.Certificate memory certificate = _read(registry, certificateId);
        return string.concat("data:application/json;base64,", Base64.encode(bytes(_metadata(certificate))));
    }

    /// @notice The picture alone, as SVG text.
    /// @param registry The registry that holds the certificate.
    /// @param certificateId receivableId << 64 | start. Refused as UnknownCertificate if there is none.
    /// @param language "en", or "zh" for simplified Chinese. Any other is refused as LanguageUnknown.
    function svg(address registry, uint256 certificateId, string calldata language)
        external
        view
        returns (string memory)
    {
        return CertificateImage.draw(_read(registry, certificateId), _language(language));
    }

    /// @notice How amounts of a currency are written.
    /// @param numeric ISO 4217 numeric code, 1 to 999.
    /// @return code Alpha code, or "#999" for a number that is no active currency.
    /// @return exponent Decimals; 0 for such a number: its amounts are shown in minor units.
    function currency(uint16 numeric) external pure returns (string memory code, uint256 exponent) {
        return Currencies.find(numeric);
    }

    // ----------------------------------------------------------------- reading

    function _read(address registry, uint256 certificateId)
        private
        view
        returns (CertificateImage.Certificate memory certificate)
    {
        uint256 word = IReceivablesViews(registry).certificates(_one(certificateId))[0];
        if (word == 0) revert IReceivablesRecords.UnknownCertificate(certificateId);
        uint256 receivableId = certificateId >> 64;
        IReceivablesRecords.Record memory record = IReceivablesViews(registry).receivables(_one(receivableId))[0];
        certificate.registry = registry;
        certificate.id = certificateId;
        certificate.start = uint64(certificateId);
        certificate.end = word.end();
        certificate.receivable = string.concat("R-", receivableId.toString());
        certificate.name = string.concat(
            certificate.receivable, "/", uint256(certificate.start).toString(), "-", uint256(certificate.end).toString()
        );
        certificate.face = record.terms.face();
        certificate.debtor = record.terms.debtor();
        certificate.due = record.terms.due();
        certificate.head = record.head;
        (certificate.currency, certificate.exponent) = Currencies.find(record.terms.currency());
        _readMoney(certificate, record);
        _readOrders(certificate, SCOPE_CERTIFICATE, certificateId);
        _readOrders(certificate, SCOPE_RECEIVABLE, receivableId);
        _readOrders(certificate, SCOPE_MEMBER, uint160(word.holder()));
        certificate.status = _statusOf(certificate);
    }

    function _readMoney(CertificateImage.Certificate memory certificate, IReceivablesRecords.Record memory record)
        private
        view
    {
        IReceivablesRecords.Rights memory rights =
            ISettlementOperations(certificate.registry).rights(_one(certificate.id))[0];
        certificate.financier = rights.lien.rightful();
        certificate.secured = rights.lien.amount();
        certificate.paidOut = rights.claimed;
        certificate.paidOf = record.amounts.paid();
        certificate.disputed = record.amounts.isDisputed() && certificate.start < record.amounts.senior();
        bool closed = record.terms.status() == Words.STATUS_CLOSED;
        uint64 paid = record.amounts.due(certificate.face, certificate.start, certificate.end, closed);
        // A partition can leave a part that was paid out one minor unit more than is due to it.
        certificate.paid = uint64(Math.max(paid, rights.claimed));
        certificate.stage = _stageOf(certificate, closed);
    }

    /// @dev By the cents of the certificate: all of them can be paid while others are in dispute, or when the book closes.
    function _stageOf(CertificateImage.Certificate memory certificate, bool closed)
        private
        view
        returns (CertificateImage.Status)
    {
        if (certificate.paid == _length(certificate)) return CertificateImage.Status.Paid;
        if (closed) return CertificateImage.Status.Closed;
        if (certificate.paidOf != 0) return CertificateImage.Status.PartPaid;
        return block.timestamp < certificate.due ? CertificateImage.Status.Live : CertificateImage.Status.Due;
    }

    /// @dev Foremost what others than the holder can do to it, then what the debtor did.
    function _statusOf(CertificateImage.Certificate memory certificate) private pure returns (CertificateImage.Status) {
        if (certificate.frozenUntil != 0) return CertificateImage.Status.Frozen;
        if (certificate.disputed) return CertificateImage.Status.Disputed;
        return certificate.secured == 0 ? certificate.stage : CertificateImage.Status.Pledged;
    }

    /// @dev Expired orders may still be listed.
    function _readOrders(CertificateImage.Certificate memory certificate, uint8 scope, uint256 id) private view {
        IReceivablesRecords.Freeze[] memory orders = IReceivablesViews(certificate.registry).freezes(scope, _one(id))[0];
        for (uint256 i; i < orders.length; ++i) {
            if (block.timestamp < orders[i].expiry && orders[i].expiry > certificate.frozenUntil) {
                certificate.order = orders[i].order;
                certificate.frozenUntil = orders[i].expiry;
            }
        }
    }

    function _one(uint256 id) private pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }

    function _language(string calldata language) private pure returns (CertificateImage.Language) {
        if (language.equal("en")) return CertificateImage.Language.English;
        if (language.equal("zh")) return CertificateImage.Language.Chinese;
        revert LanguageUnknown(language);
    }

    // ---------------------------------------------------------------- metadata

    function _metadata(CertificateImage.Certificate memory certificate) private view returns (string memory) {
        string memory image = CertificateImage.draw(certificate, CertificateImage.Language.Preferred);
        return string.concat(
            '{"name":"',
            certificate.name,
            '","description":"',
            _description(certificate),
            '","image":"data:image/svg+xml;base64,',
            Base64.encode(bytes(image)),
            '","attributes":[{"trait_type":"Status","value":"',
            _word(certificate.status),
            '"}',
            string.concat(_hindrances(certificate), _money(certificate), _payments(certificate)),
            _terms(certificate),
            _origin(certificate),
            "]}"
        );
    }

    /// @dev In both languages: this text knows no preference.
    function _description(CertificateImage.Certificate memory certificate) private pure returns (string memory) {
        string memory amount = Text.grouped(_length(certificate), certificate.exponent);
        string memory money = string.concat(certificate.currency, " ", amount);
        string memory debtor = certificate.debtor.toChecksumHexString();
        string memory due = Text.date(certificate.due);
        return string.concat(
            string.concat("A claim of ", money, " that the debtor ", debtor, " has confirmed, due on ", due, "."),
            string.concat(unicode"\\n\\n债权凭证：债务人 ", debtor, unicode" 已确权，金额 ", money),
            string.concat(unicode"，到期日 ", due, unicode"。")
        );
    }

    /// @dev Whatever holds besides the status, or says more of it.
    function _hindrances(CertificateImage.Certificate memory certificate) private pure returns (string memory traits) {
        if (certificate.stage != certificate.status && certificate.stage != CertificateImage.Status.Live) {
            traits = _trait("Stage", _word(certificate.stage));
        }
        if (certificate.frozenUntil != 0) {
            traits = string.concat(
                traits,
                _trait("Order", uint256(certificate.order).toHexString(32)),
                _instant("Frozen until", certificate.frozenUntil)
            );
        }
        if (certificate.disputed) {
            traits = string.concat(traits, _amount("Amount in dispute", certificate, _length(certificate)));
        }
        if (certificate.secured != 0) {
            traits = string.concat(
                traits,
                _trait("Pledged to", certificate.financier.toChecksumHexString()),
                _amount("Secured amount", certificate, certificate.secured)
            );
        }
    }

    function _money(CertificateImage.Certificate memory certificate) private pure returns (string memory) {
        return string.concat(
            _amount("Amount", certificate, _length(certificate)),
            _trait("Currency", certificate.currency),
            _amount("Face amount", certificate, certificate.face),
            _trait("Range start", uint256(certificate.start).toString()),
            _trait("Range end", uint256(certificate.end).toString())
        );
    }

    function _payments(CertificateImage.Certificate memory certificate) private pure returns (string memory) {
        if (certificate.paidOf == 0) return "";
        return string.concat(
            _amount("Paid so far", certificate, certificate.paid),
            _amount("Paid out so far", certificate, certificate.paidOut),
            _amount("Paid of the receivable", certificate, certificate.paidOf)
        );
    }

    /// @dev The due day twice: wallets sort and show instants, but in their own time zone, where it may be another day.
    function _terms(CertificateImage.Certificate memory certificate) private pure returns (string memory) {
        return string.concat(
            _trait("Debtor", certificate.debtor.toChecksumHexString()),
            _trait("Due date", Text.date(certificate.due)),
            _instant("Due", certificate.due)
        );
    }

    function _origin(CertificateImage.Certificate memory certificate) private view returns (string memory) {
        return string.concat(
            _trait("Receivable", certificate.receivable),
            _trait("Journal head", uint256(certificate.head).toHexString(32)),
            _trait("Registry", certificate.registry.toChecksumHexString()),
            _trait("Chain id", block.chainid.toString())
        );
    }

    /// @dev As in the picture, but without its large letter.
    function _word(CertificateImage.Status status) private pure returns (string memory word) {
        (word,) = CertificateImage.named(status);
        bytes(word)[0] |= 0x20;
    }

    function _length(CertificateImage.Certificate memory certificate) private pure returns (uint64) {
        return certificate.end - certificate.start;
    }

    /// @dev As text, since a JSON number may pass through a float.
    function _amount(string memory name, CertificateImage.Certificate memory certificate, uint64 minor)
        private
        pure
        returns (string memory)
    {
        return _trait(name, Text.decimal(minor, certificate.exponent));
    }

    /// @dev This and the next with the comma that parts them from the attribute before.
    function _trait(string memory name, string memory value) private pure returns (string memory) {
        return string.concat(',{"trait_type":"', name, '","value":"', value, '"}');
    }

    /// @param timestamp Seconds since 1970, which is what wallets expect of this display type.
    function _instant(string memory name, uint256 timestamp) private pure returns (string memory) {
        return string.concat(',{"display_type":"date","trait_type":"', name, '","value":', timestamp.toString(), "}");
    }
}
