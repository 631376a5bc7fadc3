// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title ICertificateDescriptor
/// @notice Describes a certificate for people and wallets: the metadata of ERC-721.
/// @dev Replaceable, unlike the registry: it only reads.
interface ICertificateDescriptor {
    /// @notice ERC-721 metadata as a data URI of JSON with an SVG image.
    /// @param registry The registry that holds the certificate.
    /// @param certificateId receivableId << 64 | start; the registry has checked that it exists.
    function tokenURI(address registry, uint256 certificateId) external view returns (string memory);
}
