-- of the program
COMMENT ON TABLE a IS 'one';
COMMENT ON TABLE b IS 'two';
