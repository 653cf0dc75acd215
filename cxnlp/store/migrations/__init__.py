"""How the tables came to be; run by `cxnlp.store.migration` when a store is opened."""
