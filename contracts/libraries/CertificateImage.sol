// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {Text} from "./Text.sol";

/// @title CertificateImage
/// @notice A certificate as an SVG picture of 1188 x 840, the proportions of a landscape A4 sheet.
/// @dev Well-formed by construction: what is not a literal here is digits, hex, or the letters of a currency or an id.
///      No style sheet and no ids, which would meet those of a page that the picture is put into; no script, nothing
///      from elsewhere. Which fonts a viewer has is not known, so places are wide enough for wide ones: a character of
///      an amount takes 0.6 em there, of the monospace font 0.62 em. Content lies between x = 72 and x = 1116.
library CertificateImage {
    using Strings for *;

    /// @dev English or Chinese, or both in one picture, and the viewer's preference decides.
    enum Language {
        English,
        Chinese,
        Preferred
    }

    /// @notice What is known of a certificate at this block.
    /// @param receivable As people write it: R-16.
    /// @param name As people write it: R-16/0-16657500.
    /// @param currency Alpha code; `exponent` is the number of decimals.
    /// @param head Head of the receivable's journal.
    /// @param order Of the orders in force on the certificate, its receivable or its holder the one that lasts longest.
    /// @param frozenUntil The end of that order; 0 while there is none.
    struct Certificate {
        address registry;
        uint256 id;
        string receivable;
        string name;
        uint64 start;
        uint64 end;
        uint64 face;
        address debtor;
        uint40 due;
        string currency;
        uint256 exponent;
        bytes32 head;
        bytes32 order;
        uint40 frozenUntil;
    }

    uint256 private constant LEFT = 72;
    uint256 private constant WIDTH = 1044;
    uint256 private constant AMOUNT_SIZE_MAX = 104;
    /// @dev So that a cent of a million is seen.
    uint256 private constant BAR_WIDTH_MIN = 4;

    /// @dev A viewer's tag matches the tags that it is or begins, so zh alone would not do for a viewer with zh-CN.
    string private constant CHINESE = "zh,zh-CN,zh-Hans,zh-Hans-CN,zh-SG";

    string private constant CALM = "#1d4e60";
    string private constant DUE = "#8a5a00";
    string private constant FROZEN = "#98203a";
    string private constant SERIF = ' font-family="serif,Songti SC,Noto Serif CJK SC,SimSun"';
    string private constant MONOSPACE = ' font-family="monospace"';
    string private constant LABEL = ' font-size="16" fill="#5f6b76"';
    string private constant SMALL = ' font-size="13" fill="#5f6b76"';

    function draw(Certificate memory certificate, Language language) internal view returns (string memory) {
        return string.concat(
            _sheet(certificate, language),
            _heading(certificate, language),
            _amount(certificate, language),
            _range(certificate, language),
            string.concat(_terms(certificate, language), _origin(certificate, language)),
            "</svg>"
        );
    }

    function isFrozen(Certificate memory certificate) internal pure returns (bool) {
        return certificate.frozenUntil != 0;
    }

    function isDue(Certificate memory certificate) internal view returns (bool) {
        return block.timestamp >= certificate.due;
    }

    // ------------------------------------------------------- from top to bottom

    function _sheet(Certificate memory certificate, Language language) private view returns (string memory) {
        return string.concat(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1188 840" width="1188" height="840" role="img"',
            ' font-family="sans-serif,PingFang SC,Noto Sans CJK SC,Microsoft YaHei" fill="#1b2a38" xml:lang="',
            language == Language.Chinese ? "zh-CN" : "en",
            '"><title>',
            certificate.name,
            '</title><rect width="1188" height="840" fill="#fcfbf7"/>',
            _frame(_accent(certificate))
        );
    }

    function _frame(string memory accent) private pure returns (string memory) {
        return string.concat(
            '<g fill="none" stroke="',
            accent,
            '"><rect x="24" y="24" width="1140" height="792" stroke-width="3"/>',
            '<rect x="32" y="32" width="1124" height="776" stroke-width=".75"/>',
            _rosette(),
            "</g>"
        );
    }

    function _rosette() private pure returns (string memory ellipses) {
        for (uint256 degrees; degrees < 180; degrees += 9) {
            ellipses =
                string.concat(ellipses, '<ellipse rx="82" ry="31" transform="rotate(', degrees.toString(), ')"/>');
        }
        return string.concat('<g transform="translate(1034 322)" opacity=".2">', ellipses, "</g>");
    }

    function _heading(Certificate memory certificate, Language language) private view returns (string memory) {
        string memory title = string.concat('x="72" y="118" font-size="50"', SERIF);
        string memory subtitle = string.concat('x="72" y="152"', LABEL);
        string memory english = "Range of a receivable that its debtor has confirmed";
        return string.concat(
            _words(language, title, "Certificate", unicode"债权凭证"),
            _words(language, subtitle, english, unicode"债务人已确权应收账款的子票区间"),
            _text(string.concat('x="72" y="194" font-size="20"', MONOSPACE), certificate.name),
            _status(certificate, language),
            _line("218")
        );
    }

    function _status(Certificate memory certificate, Language language) private view returns (string memory) {
        bool live = !isFrozen(certificate) && !isDue(certificate);
        string memory accent = _accent(certificate);
        string memory place =
            string.concat('x="986" y="107" font-size="23" text-anchor="middle" fill="', live ? accent : "#fff", '"');
        return string.concat(
            '<rect x="856" y="76" width="260" height="46" rx="23" stroke="',
            accent,
            '" fill="',
            live ? "none" : accent,
            '"/>',
            live ? _words(language, place, "Live", unicode"有效") : _hindrances(certificate, language, place)
        );
    }

    function _hindrances(Certificate memory certificate, Language language, string memory place)
        private
        view
        returns (string memory)
    {
        if (!isFrozen(certificate)) return _words(language, place, "Due", unicode"已到期");
        string memory until = Text.instant(certificate.frozenUntil);
        return string.concat(
            isDue(certificate)
                ? _words(language, place, unicode"Frozen · Due", unicode"已冻结 · 已到期")
                : _words(language, place, "Frozen", unicode"已冻结"),
            _words(
                language,
                'x="1116" y="152" font-size="16" text-anchor="end"',
                string.concat("By order until ", until),
                string.concat(unicode"依冻结令至 ", until)
            )
        );
    }

    function _amount(Certificate memory certificate, Language language) private pure returns (string memory) {
        string memory amount = Text.grouped(certificate.end - certificate.start, certificate.exponent);
        return string.concat(
            _words(language, string.concat('x="72" y="256"', LABEL), "Amount", unicode"金额"),
            _figure(certificate.currency, amount)
        );
    }

    /// @dev As large as its length allows.
    function _figure(string memory currency, string memory amount) private pure returns (string memory) {
        uint256 hundredthsOfEm = 60 * bytes(amount).length + 34 * bytes(currency).length + 30;
        uint256 size = Math.min(AMOUNT_SIZE_MAX, 100 * WIDTH / hundredthsOfEm);
        return _text(
            string.concat('x="72" y="364" font-size="', size.toString(), '"', SERIF),
            string.concat(
                string.concat('<tspan font-size="', (size * 45 / 100).toString(), '">', currency, "</tspan>"),
                string.concat('<tspan dx="', (size * 24 / 100).toString(), '">', amount, "</tspan>")
            )
        );
    }

    function _range(Certificate memory certificate, Language language) private view returns (string memory) {
        uint256 exponent = certificate.exponent;
        return string.concat(
            _words(language, string.concat('x="72" y="440"', LABEL), "Range", unicode"子票区间"),
            _text(
                'x="1116" y="440" font-size="19" text-anchor="end"',
                string.concat(
                    Text.grouped(certificate.start, exponent), unicode" – ", Text.grouped(certificate.end, exponent)
                )
            ),
            _bar(certificate),
            _text(string.concat('x="72" y="506"', LABEL), Text.grouped(0, exponent)),
            _face(language, string.concat(certificate.currency, " ", Text.grouped(certificate.face, exponent)))
        );
    }

    /// @dev Rounded outwards to whole pixels: what is drawn covers the range.
    function _bar(Certificate memory certificate) private view returns (string memory) {
        uint256 from = WIDTH * certificate.start / certificate.face;
        uint256 to = Math.ceilDiv(WIDTH * certificate.end, certificate.face);
        uint256 width = Math.max(to - from, BAR_WIDTH_MIN);
        return string.concat(
            '<rect x="72" y="458" width="1044" height="22" fill="#e2e5df"/><rect x="',
            (LEFT + Math.min(from, WIDTH - width)).toString(),
            '" y="458" width="',
            width.toString(),
            '" height="22" fill="',
            _accent(certificate),
            '"/>'
        );
    }

    function _face(Language language, string memory face) private pure returns (string memory) {
        return _words(
            language,
            string.concat('x="1116" y="506" text-anchor="end"', LABEL),
            string.concat("Face amount ", face),
            string.concat(unicode"应收账款金额 ", face)
        );
    }

    function _terms(Certificate memory certificate, Language language) private pure returns (string memory) {
        string memory debtor = certificate.debtor.toChecksumHexString();
        return string.concat(
            _term(language, 'x="72"', "Debtor", unicode"债务人", debtor),
            _term(language, 'x="642"', "Due date", unicode"到期日", Text.date(certificate.due)),
            _term(language, 'x="836"', "Receivable", unicode"应收账款", certificate.receivable),
            _line("650")
        );
    }

    /// @dev By what the picture can be checked, and when it was true: it may be kept while the certificate goes on.
    function _origin(Certificate memory certificate, Language language) private view returns (string memory) {
        string memory registry = certificate.registry.toChecksumHexString();
        string memory head = uint256(certificate.head).toHexString(32);
        return string.concat(
            _small(language, 'x="72" y="690"', "Registry", unicode"登记合约", registry),
            _small(language, 'x="780" y="690"', "Chain id", unicode"链编号", block.chainid.toString()),
            _small(language, 'x="72" y="716"', "Certificate id", unicode"凭证编号", certificate.id.toString()),
            _small(language, 'x="72" y="742"', "Journal head", unicode"日志链头", head),
            _small(language, 'x="72" y="768"', "As of", unicode"截至", Text.instant(block.timestamp))
        );
    }

    // ---------------------------------------------------------------- elements

    function _accent(Certificate memory certificate) private view returns (string memory) {
        if (isFrozen(certificate)) return FROZEN;
        return isDue(certificate) ? DUE : CALM;
    }

    function _line(string memory y) private pure returns (string memory) {
        return string.concat('<path d="M72 ', y, 'H1116" stroke="#cdd0ca"/>');
    }

    function _term(
        Language language,
        string memory x,
        string memory english,
        string memory chinese,
        string memory value
    ) private pure returns (string memory) {
        return string.concat(
            _words(language, string.concat(x, ' y="568"', LABEL), english, chinese),
            _text(string.concat(x, ' y="598" font-size="20"', MONOSPACE), value)
        );
    }

    function _small(
        Language language,
        string memory place,
        string memory english,
        string memory chinese,
        string memory value
    ) private pure returns (string memory) {
        return string.concat(
            _words(language, string.concat(place, SMALL), english, chinese),
            _text(string.concat(place, SMALL, MONOSPACE, ' dx="124"'), value)
        );
    }

    function _text(string memory attributes, string memory content) private pure returns (string memory) {
        return string.concat("<text ", attributes, ">", content, "</text>");
    }

    /// @dev A switch shows its first child whose languages the viewer prefers, the one without languages to all others.
    function _words(Language language, string memory attributes, string memory english, string memory chinese)
        private
        pure
        returns (string memory)
    {
        if (language == Language.English) return _text(attributes, english);
        if (language == Language.Chinese) return _text(attributes, chinese);
        return string.concat(
            "<switch>",
            _text(string.concat(attributes, ' systemLanguage="', CHINESE, '" xml:lang="zh-CN"'), chinese),
            _text(attributes, english),
            "</switch>"
        );
    }
}
