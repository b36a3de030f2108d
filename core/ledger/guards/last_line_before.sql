-- The last transaction of an account before an instant, as its line of the history, or 0
-- (Rule 11.7).
--
-- The transactions of one account are numbered in the order of their commits, so their instants
-- rise. The function halves the range of numbers until one line is left. It looks at 62 lines at
-- most, however long the history is, and it needs no index by instant. Clocks of two machines may
-- differ a little. The result is then one of the lines around the instant, always the same one.

CREATE FUNCTION last_line_before(of text, instant timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
  low bigint := 0;
  high bigint := 4611686018427387904;
  middle bigint;
  line record;
BEGIN
  WHILE high - low > 1 LOOP
    middle := low + (high - low) / 2;
    SELECT h.seq, h.at INTO line FROM history h
     WHERE h.account = of AND h.seq >= middle AND h.seq < high AND h.balance IS NOT NULL
     ORDER BY h.seq LIMIT 1;
    IF NOT FOUND OR line.at >= instant THEN
      high := middle;
    ELSE
      low := line.seq;
    END IF;
  END LOOP;
  RETURN low;
END $$;
