// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {IDepositToken} from "./interfaces/IDepositToken.sol";
import {IMoneyOperations} from "./interfaces/IReceivables.sol";
import {Currencies} from "./libraries/Currencies.sol";

/// @title DepositToken
/// @notice Deposits of one currency at a settlement bank, as money for one registry's members.
/// @dev The bank decides by its own AccessManager who books, and books what happened on its accounts. It can take
///      nothing that its owner has not allowed it to: so nothing at all from the registry, which allows nobody.
contract DepositToken is ERC20Permit, AccessManaged, IDepositToken {
    /// @inheritdoc IDepositToken
    address public immutable registry;
    /// @inheritdoc IDepositToken
    uint16 public immutable currency;
    /// @inheritdoc IDepositToken
    mapping(bytes32 bankReference => bool) public isBooked;

    uint8 private immutable _decimals;

    /// @param authority_ The settlement bank's AccessManager.
    /// @param currency_ ISO 4217 numeric code, 1 to 999.
    constructor(address authority_, address registry_, uint16 currency_)
        ERC20(_nameOf(currency_), string.concat("d", _codeOf(currency_)))
        ERC20Permit(_nameOf(currency_))
        AccessManaged(authority_)
    {
        registry = registry_;
        currency = currency_;
        (, uint256 exponent) = Currencies.find(currency_);
        _decimals = uint8(exponent);
    }

    /// @inheritdoc IDepositToken
    function mint(address to, uint256 amount, bytes32 bankReference) external restricted {
        _book(bankReference);
        _mint(to, amount);
        emit Minted(to, amount, bankReference);
    }

    /// @inheritdoc IDepositToken
    function burn(address from, uint256 amount, bytes32 bankReference) external restricted {
        _book(bankReference);
        _spendAllowance(from, msg.sender, amount);
        _burn(from, amount);
        emit Burned(from, amount, bankReference);
    }

    /// @notice Decimals of the currency's minor unit.
    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    /// @dev Every change of a balance: transfers, deposits (from 0) and withdrawals (to 0).
    function _update(address from, address to, uint256 amount) internal override {
        if (amount == 0) revert AmountMissing();
        if (msg.sender != registry) IMoneyOperations(registry).requireSpending(from, to);
        super._update(from, to, amount);
    }

    function _book(bytes32 bankReference) private {
        if (bankReference == 0) revert ReferenceMissing();
        if (isBooked[bankReference]) revert ReferenceUsed(bankReference);
        isBooked[bankReference] = true;
    }

    function _nameOf(uint16 currency_) private pure returns (string memory) {
        return string.concat("Counterfoil ", _codeOf(currency_), " Deposit");
    }

    function _codeOf(uint16 currency_) private pure returns (string memory code) {
        (code,) = Currencies.find(currency_);
    }
}
