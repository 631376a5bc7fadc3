"""The only writer of mirrored tables: follows the chain, folds its journals, writes their projections."""
