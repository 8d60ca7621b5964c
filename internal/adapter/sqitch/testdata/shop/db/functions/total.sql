CREATE OR REPLACE FUNCTION total(a bigint) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(total), 0) FROM orders WHERE account = a;
$$;
\set reason 'it''s faster'
COMMENT ON FUNCTION total(bigint) IS :'reason';
