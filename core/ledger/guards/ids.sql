-- Ids are handed out in blocks of 1000, so that a transaction knows the ids of its rows before it
-- writes them (core/ledger/ids.py).

CREATE SEQUENCE ids INCREMENT BY 1000;
