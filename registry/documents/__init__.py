"""Invoices in: UBL and CII readers, the fingerprint, the document root."""
