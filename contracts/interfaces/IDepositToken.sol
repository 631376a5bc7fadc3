// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface IDepositToken {
    function registry() external view returns (address);
    function currency() external view returns (uint16);
}
