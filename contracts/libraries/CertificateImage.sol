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

    /// @dev From what concerns a buyer least to what concerns it most. Up to Closed they are stages, of which a
    ///      certificate is in one; the others lie on it besides.
    enum Status {
        Live,
        Due,
        PartPaid,
        Paid,
        Closed,
        Pledged,
        Disputed,
        Frozen
    }

    /// @notice What is known of a certificate at this block.
    /// @param receivable As people write it: R-16.
    /// @param name As people write it: R-16/0-16657500.
    /// @param currency Alpha code; `exponent` is the number of decimals.
    /// @param paid What the debtor paid of this certificate, whether it was paid out or not; `paidOf`: of the receivable.
    /// @param paidOut What redemptions of this certificate have paid out.
    /// @param secured What its financier is paid first of it; 0 while it is not pledged.
    /// @param stage Live to Closed; `status` is the highest that holds.
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
        uint64 paid;
        uint64 paidOut;
        uint64 paidOf;
        address financier;
        uint64 secured;
        bool disputed;
        Status stage;
        Status status;
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

    string private constant SERIF = ' font-family="serif,Songti SC,Noto Serif CJK SC,SimSun"';
    string private constant MONOSPACE = ' font-family="monospace"';
    string private constant LABEL = ' font-size="16" fill="#5f6b76"';
    string private constant SMALL = ' font-size="13" fill="#5f6b76"';

    function draw(Certificate memory certificate, Language language) internal view returns (string memory) {
        return string.concat(
            _sheet(certificate, language),
            _heading(certificate, language),
            string.concat(_amount(certificate, language), _encumbrance(certificate, language)),
            string.concat(_payments(certificate, language), _range(certificate, language)),
            string.concat(_terms(certificate, language), _origin(certificate, language)),
            "</svg>"
        );
    }

    /// @notice What a status is called in the picture.
    function named(Status status) internal pure returns (string memory english, string memory chinese) {
        if (status == Status.Frozen) return ("Frozen", unicode"已冻结");
        if (status == Status.Disputed) return ("Disputed", unicode"争议中");
        if (status == Status.Pledged) return ("Pledged", unicode"已质押");
        if (status == Status.Closed) return ("Closed", unicode"已核销");
        if (status == Status.Paid) return ("Paid", unicode"已付款待兑付");
        if (status == Status.PartPaid) return ("Part-paid", unicode"已部分付款");
        if (status == Status.Due) return ("Due", unicode"已到期");
        return ("Live", unicode"有效");
    }

    // ------------------------------------------------------- from top to bottom

    function _sheet(Certificate memory certificate, Language language) private pure returns (string memory) {
        return string.concat(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1188 840" width="1188" height="840" role="img"',
            ' font-family="sans-serif,PingFang SC,Noto Sans CJK SC,Microsoft YaHei" fill="#1b2a38" xml:lang="',
            language == Language.Chinese ? "zh-CN" : "en",
            '"><title>',
            certificate.name,
            '</title><rect width="1188" height="840" fill="#fcfbf7"/>',
            _frame(_accent(certificate.status))
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
        return string.concat('<g transform="translate(1034 314)" opacity=".2">', ellipses, "</g>");
    }

    function _heading(Certificate memory certificate, Language language) private pure returns (string memory) {
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

    /// @dev The stage stands beside what lies on the certificate, unless it is the usual one.
    function _status(Certificate memory certificate, Language language) private pure returns (string memory) {
        bool live = certificate.status == Status.Live;
        string memory accent = _accent(certificate.status);
        (string memory english, string memory chinese) = named(certificate.status);
        if (certificate.stage != Status.Live && certificate.stage != certificate.status) {
            (string memory stage, string memory chineseStage) = named(certificate.stage);
            english = string.concat(english, unicode" · ", stage);
            chinese = string.concat(chinese, unicode" · ", chineseStage);
        }
        string memory place =
            string.concat('x="956" y="107" font-size="23" text-anchor="middle" fill="', live ? accent : "#fff", '"');
        return string.concat(
            '<rect x="796" y="76" width="320" height="46" rx="23" stroke="',
            accent,
            '" fill="',
            live ? "none" : accent,
            '"/>',
            _words(language, place, english, chinese),
            _order(certificate, language)
        );
    }

    function _order(Certificate memory certificate, Language language) private pure returns (string memory) {
        if (certificate.frozenUntil == 0) return "";
        string memory until = Text.instant(certificate.frozenUntil);
        return _words(
            language,
            'x="1116" y="152" font-size="16" text-anchor="end"',
            string.concat("By order until ", until),
            string.concat(unicode"依冻结令至 ", until)
        );
    }

    function _amount(Certificate memory certificate, Language language) private pure returns (string memory) {
        string memory amount = Text.grouped(certificate.end - certificate.start, certificate.exponent);
        return string.concat(
            _words(language, string.concat('x="72" y="250"', LABEL), "Amount", unicode"金额"),
            _figure(certificate.currency, amount)
        );
    }

    /// @dev As large as its length allows.
    function _figure(string memory currency, string memory amount) private pure returns (string memory) {
        uint256 hundredthsOfEm = 60 * bytes(amount).length + 34 * bytes(currency).length + 30;
        uint256 size = Math.min(AMOUNT_SIZE_MAX, 100 * WIDTH / hundredthsOfEm);
        return _text(
            string.concat('x="72" y="352" font-size="', size.toString(), '"', SERIF),
            string.concat(
                string.concat('<tspan font-size="', (size * 45 / 100).toString(), '">', currency, "</tspan>"),
                string.concat('<tspan dx="', (size * 24 / 100).toString(), '">', amount, "</tspan>")
            )
        );
    }

    /// @dev A lien and a dispute have one place: neither comes about while the other lasts.
    function _encumbrance(Certificate memory certificate, Language language) private pure returns (string memory) {
        if (certificate.disputed) {
            string memory english = "In dispute between debtor and originator";
            return _note(language, "396", english, unicode"债务人与原始债权人之间存在争议");
        }
        if (certificate.secured == 0) return "";
        string memory financier = certificate.financier.toChecksumHexString();
        string memory secured = _money(certificate, certificate.secured);
        return _note(
            language,
            "396",
            string.concat("Pledged to ", financier, " for ", secured),
            string.concat(unicode"质押给 ", financier, unicode"，担保金额 ", secured)
        );
    }

    /// @dev From the first payment of the receivable on, also where none of it is for this certificate.
    function _payments(Certificate memory certificate, Language language) private pure returns (string memory) {
        if (certificate.paidOf == 0) return "";
        string memory paid = _money(certificate, certificate.paid);
        string memory paidOut = _money(certificate, certificate.paidOut);
        return _note(
            language,
            certificate.disputed || certificate.secured != 0 ? "422" : "396",
            string.concat("Paid ", paid, unicode" · Paid out ", paidOut),
            string.concat(unicode"已付款 ", paid, unicode" · 已兑付 ", paidOut)
        );
    }

    function _range(Certificate memory certificate, Language language) private pure returns (string memory) {
        uint256 exponent = certificate.exponent;
        return string.concat(
            _words(language, string.concat('x="72" y="460"', LABEL), "Range", unicode"子票区间"),
            _text(
                'x="1116" y="460" font-size="19" text-anchor="end"',
                string.concat(
                    Text.grouped(certificate.start, exponent), unicode" – ", Text.grouped(certificate.end, exponent)
                )
            ),
            _bar(certificate),
            _text(string.concat('x="72" y="524"', LABEL), Text.grouped(0, exponent)),
            _face(language, _money(certificate, certificate.face))
        );
    }

    /// @dev Rounded outwards to whole pixels: what is drawn covers the range.
    function _bar(Certificate memory certificate) private pure returns (string memory) {
        uint256 from = WIDTH * certificate.start / certificate.face;
        uint256 to = Math.ceilDiv(WIDTH * certificate.end, certificate.face);
        uint256 width = Math.max(to - from, BAR_WIDTH_MIN);
        return string.concat(
            '<rect x="72" y="476" width="1044" height="22" fill="#e2e5df"/><rect x="',
            (LEFT + Math.min(from, WIDTH - width)).toString(),
            '" y="476" width="',
            width.toString(),
            '" height="22" fill="',
            _accent(certificate.status),
            '"/>'
        );
    }

    function _face(Language language, string memory face) private pure returns (string memory) {
        return _words(
            language,
            string.concat('x="1116" y="524" text-anchor="end"', LABEL),
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

    /// @dev Dark enough for white words.
    function _accent(Status status) private pure returns (string memory) {
        if (status == Status.Frozen) return "#98203a";
        if (status == Status.Disputed) return "#6b2a86";
        if (status == Status.Pledged) return "#2c3f9e";
        if (status == Status.Closed) return "#4a4f55";
        if (status == Status.Paid) return "#256b3c";
        if (status == Status.PartPaid) return "#626300";
        if (status == Status.Due) return "#8a5a00";
        return "#1d4e60";
    }

    function _money(Certificate memory certificate, uint64 minor) private pure returns (string memory) {
        return string.concat(certificate.currency, " ", Text.grouped(minor, certificate.exponent));
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
            _words(language, string.concat(x, ' y="576"', LABEL), english, chinese),
            _text(string.concat(x, ' y="606" font-size="20"', MONOSPACE), value)
        );
    }

    function _note(Language language, string memory y, string memory english, string memory chinese)
        private
        pure
        returns (string memory)
    {
        return _words(language, string.concat('x="72" y="', y, '" font-size="18"'), english, chinese);
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
