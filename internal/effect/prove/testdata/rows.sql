-- Rows for the fixture: enough that reading a table whole shows in the statistics.
INSERT INTO region SELECT 'r' || g, 'title', g FROM generate_series(0, 1000) g;
INSERT INTO account (email, login, name, nick, age, rank, score, ratio, created, seen, born, wakes, wait, pin, flags, mask, addr, host, doc, info,
    tags, shade, alias, abbr, plus, region_code, region_num, total, legacy, home, blob, token)
SELECT 'e' || g, 'l' || g, 'n' || g, 'k' || g, g, g % 100, g % 1000, 1, '2024-01-01'::timestamp + g * interval '1 s', '2024-01-01', '2024-01-01', '12:00', '1 day', 'abcd', b'101', b'101',
    '10.0.0.0/8', '10.0.0.1', '{}', '{}', '{a}', 'red', 'a', 'b', g, 'r' || 1 + g % 1000, 1 + g % 1000, g, g, '(s,1)', 'x', ('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid
FROM generate_series(1, 5000) g;
INSERT INTO purchase SELECT g, g % 5000 + 1, 'note', 'new', g, g FROM generate_series(1, 5000) g;
INSERT INTO line SELECT g, 1, 's', g FROM generate_series(1, 5000) g;
INSERT INTO plain SELECT g, g, 'b', g FROM generate_series(1, 5000) g;
INSERT INTO scratch (t) SELECT 't' FROM generate_series(1, 2000) g;
INSERT INTO bare SELECT g, 'y' FROM generate_series(1, 2000) g;
INSERT INTO event SELECT g, 'k', g, 'p' FROM generate_series(0, 2999) g;
INSERT INTO metric SELECT g, CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END, g, 1 + g % 1000 FROM generate_series(0, 1999) g;
INSERT INTO alarm SELECT g, 1001 + 2 * (g % 499), 'b' FROM generate_series(1, 2000) g;
INSERT INTO kind SELECT g, CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 2000) g;
INSERT INTO loose SELECT g, 'k', g, 'p' FROM generate_series(3000, 3999) g;
INSERT INTO tight SELECT g, 'k', g, 'p' FROM generate_series(3000, 3999) g;
INSERT INTO ready SELECT g, 'k', g, 'p' FROM generate_series(3000, 3999) g;
INSERT INTO metric_new SELECT g, 'a', g, 1 + g % 1000 FROM generate_series(3000, 3999) g;
INSERT INTO kind_new SELECT g, 'c' FROM generate_series(1, 1000) g;
INSERT INTO animal SELECT g, 'n' FROM generate_series(1, 1000) g;
INSERT INTO dog SELECT g, 'n', true FROM generate_series(1, 1000) g;
INSERT INTO puppy SELECT g, 'n', true, 1 FROM generate_series(1, 1000) g;
INSERT INTO stray SELECT g, 'n' FROM generate_series(1, 1000) g;
INSERT INTO spot SELECT g, g FROM generate_series(1, 1000) g;
INSERT INTO spots SELECT g, ('(s,' || g || ')')::place FROM generate_series(1, 1000) g;
INSERT INTO tagged SELECT g, 'l', 'n', g FROM generate_series(1, 1000) g;
INSERT INTO span SELECT g, int4range(g, g + 1) FROM generate_series(1, 1000) g;
REFRESH MATERIALIZED VIEW totals;
REFRESH MATERIALIZED VIEW flat;
VACUUM ANALYZE;
