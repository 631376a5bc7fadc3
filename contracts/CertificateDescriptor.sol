// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {ICertificateDescriptor} from "./interfaces/ICertificateDescriptor.sol";
import {IReceivablesRecords, IReceivablesViews} from "./interfaces/IReceivables.sol";
import {CertificateImage} from "./libraries/CertificateImage.sol";
import {Currencies} from "./libraries/Currencies.sol";
import {Text} from "./libraries/Text.sol";
import {Words} from "./libraries/Words.sol";

/// @title CertificateDescriptor
/// @notice Certificates of any registry, described and drawn from its views as they are at the block of the call.
/// @dev Stateless; a registry's operator replaces it by another through setDescriptor. The holder is not shown: wallets
///      keep what they fetched and do not fetch it again when a certificate moves.
contract CertificateDescriptor is ICertificateDescriptor {
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
        _readOrders(certificate, SCOPE_CERTIFICATE, certificateId);
        _readOrders(certificate, SCOPE_RECEIVABLE, receivableId);
        _readOrders(certificate, SCOPE_MEMBER, uint160(word.holder()));
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
            '","attributes":[',
            _status(certificate),
            _money(certificate),
            _terms(certificate),
            _origin(certificate),
            "]}"
        );
    }

    /// @dev In both languages: this text knows no preference.
    function _description(CertificateImage.Certificate memory certificate) private pure returns (string memory) {
        string memory amount = Text.grouped(certificate.end - certificate.start, certificate.exponent);
        string memory money = string.concat(certificate.currency, " ", amount);
        string memory debtor = certificate.debtor.toChecksumHexString();
        string memory due = Text.date(certificate.due);
        return string.concat(
            string.concat("A claim of ", money, " that the debtor ", debtor, " has confirmed, due on ", due, "."),
            string.concat(unicode"\\n\\n债权凭证：债务人 ", debtor, unicode" 已确权，金额 ", money),
            string.concat(unicode"，到期日 ", due, unicode"。")
        );
    }

    /// @dev The first attribute. A frozen certificate that is also due is "frozen": the order comes before the payment.
    function _status(CertificateImage.Certificate memory certificate) private view returns (string memory) {
        if (!CertificateImage.isFrozen(certificate)) {
            return _trait("Status", CertificateImage.isDue(certificate) ? "due" : "live");
        }
        return string.concat(
            _trait("Status", "frozen"),
            ",",
            _trait("Order", uint256(certificate.order).toHexString(32)),
            ",",
            _instant("Frozen until", certificate.frozenUntil)
        );
    }

    /// @dev As text, since a JSON number may pass through a float.
    function _money(CertificateImage.Certificate memory certificate) private pure returns (string memory) {
        return string.concat(
            ",",
            _trait("Amount", Text.decimal(certificate.end - certificate.start, certificate.exponent)),
            ",",
            _trait("Currency", certificate.currency),
            ",",
            _trait("Face amount", Text.decimal(certificate.face, certificate.exponent)),
            ",",
            _trait("Range start", uint256(certificate.start).toString()),
            ",",
            _trait("Range end", uint256(certificate.end).toString())
        );
    }

    /// @dev The due day twice: wallets sort and show instants, but in their own time zone, where it may be another day.
    function _terms(CertificateImage.Certificate memory certificate) private pure returns (string memory) {
        return string.concat(
            ",",
            _trait("Debtor", certificate.debtor.toChecksumHexString()),
            ",",
            _trait("Due date", Text.date(certificate.due)),
            ",",
            _instant("Due", certificate.due)
        );
    }

    function _origin(CertificateImage.Certificate memory certificate) private view returns (string memory) {
        return string.concat(
            ",",
            _trait("Receivable", certificate.receivable),
            ",",
            _trait("Journal head", uint256(certificate.head).toHexString(32)),
            ",",
            _trait("Registry", certificate.registry.toChecksumHexString()),
            ",",
            _trait("Chain id", block.chainid.toString())
        );
    }

    function _trait(string memory name, string memory value) private pure returns (string memory) {
        return string.concat('{"trait_type":"', name, '","value":"', value, '"}');
    }

    /// @param timestamp Seconds since 1970, which is what wallets expect of this display type.
    function _instant(string memory name, uint256 timestamp) private pure returns (string memory) {
        return string.concat('{"display_type":"date","trait_type":"', name, '","value":', timestamp.toString(), "}");
    }
}
