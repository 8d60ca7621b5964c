CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE DOMAIN mail AS text CHECK (VALUE <> '');
CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL, nick varchar(20), age int, small smallint, score numeric(10,2), rate float8, ok boolean DEFAULT true, born date, seen timestamptz, at timestamp, doc jsonb, plain json, tags text[], nums int[], feel mood, addr inet, uid uuid, raw bytea, bits bit(3), m mail, span interval, ts tsvector, deleted_at timestamptz);
CREATE UNIQUE INDEX users_email ON users (email) WHERE nick = 'x';
CREATE UNIQUE INDEX users_lower ON users (lower(email), coalesce(nick, ''));
CREATE TABLE orders (id int PRIMARY KEY, user_id bigint REFERENCES users, total numeric, state text, created timestamptz);
CREATE PROCEDURE work(a int, b text) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION twice(a anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT a';
-- queries
SELECT 10 + 5
SELECT 1, 2.5, 'x', 3000000000, NULL, true, B'101', -7
SELECT * FROM users WHERE id = 5
SELECT * FROM users WHERE id IN (1, 2, 3) AND email = 'a@b.c'
SELECT email FROM users WHERE id = $1 AND age > 18
SELECT email FROM users WHERE id = ANY(ARRAY[1,2,3])
SELECT email FROM users WHERE id = ANY('{1,2}')
SELECT email FROM users WHERE id <> ALL(ARRAY[1,2]::bigint[])
SELECT small FROM users WHERE small = 5 AND small IN (1,2) AND small < -3
SELECT score * 1.5, rate * 0.5, age / 2, age % 3, age ^ 2 FROM users WHERE score > 10 AND rate < 1e3
SELECT * FROM users WHERE seen > now() - interval '1 day'
SELECT * FROM users WHERE seen > now() - '1 day'::interval
SELECT * FROM users WHERE seen BETWEEN timestamp with time zone '2020-01-01' AND timestamptz '2021-01-01'
SELECT interval '1' day, interval '2' second(3), interval '1-2' year to month, interval(3) '1 sec'
SELECT date '2020-01-01' + 5, time '10:00', time with time zone '10:00+01', timestamp(3) '2020-01-01'
SELECT born - 5, born + interval '1 month', born - date '2020-01-01' FROM users
SELECT * FROM users WHERE born = '2020-01-01' AND at < '2020-01-01'
SELECT N'abc', char 'abc', varchar(20) 'x', bit '101', bit(5) '10101', X'1F', character varying 'x', national character 'x'
SELECT point '(1,2)', box '((0,0),(1,1))', inet '10.0.0.1', uuid '00000000-0000-0000-0000-000000000000'
SELECT int4 '5', pg_catalog.int8 '6', float8 '1.5', bool 't', numeric(5,2) '1.5', jsonb '{}', json '[]'
SELECT E'a\'b', U&'d!0061t' UESCAPE '!', $$x$$, $tag$ $$ $tag$
SELECT CAST('5' AS int), CAST(5 AS text), CAST('x' AS varchar(3)), '7'::numeric(10,2), 5::float(24), 'a'::char, '{1}'::int[3]
SELECT -5, - 5, +5, -(5), 3 - -5, age -5, age - 5 FROM users
SELECT -2147483648, 2147483648, -9223372036854775808, 9223372036854775808, 0.1, .5, 5., 1e10
SELECT 'a' || 'b', email || '-x', 5 || 'x' FROM users
SELECT count(*), count(1), count('x'), sum(age + 1), avg(score * 2) FROM users
SELECT date_trunc('day', seen), count(*) FROM users GROUP BY date_trunc('day', seen)
SELECT date_trunc('day', seen) AS d, count(*) FROM users GROUP BY d ORDER BY date_trunc('day', seen)
SELECT date_trunc('day', seen) AS d, count(*) FROM users GROUP BY 1 HAVING count(*) > 5 ORDER BY 2 DESC, 1
SELECT age / 10 * 10, count(*) FROM users GROUP BY age / 10 * 10 ORDER BY age / 10 * 10
SELECT CASE WHEN age > 18 THEN 'adult' ELSE 'child' END, count(*) FROM users GROUP BY CASE WHEN age > 18 THEN 'adult' ELSE 'child' END
SELECT coalesce(nick, 'none'), count(*) FROM users GROUP BY coalesce(nick, 'none') HAVING max(coalesce(nick, 'none')) > 'a'
SELECT age, nick, count(*) FROM users GROUP BY GROUPING SETS ((1), (2), ())
SELECT age + 1, nick, grouping(nick) FROM users GROUP BY ROLLUP (age + 1, nick)
SELECT doc ->> 'a', count(*) FROM users GROUP BY doc ->> 'a'
SELECT extract(year FROM born), extract('month' FROM born), extract(epoch FROM seen) FROM users
SELECT extract(year FROM born) AS y, count(*) FROM users GROUP BY extract(year FROM born)
SELECT DISTINCT age + 1 FROM users ORDER BY age + 1
SELECT DISTINCT ON (age % 2) age % 2, email FROM users ORDER BY age % 2, email
SELECT DISTINCT ON (1) age, email FROM users ORDER BY 1, 2
SELECT email FROM users ORDER BY 1 LIMIT 10 OFFSET 20
SELECT email FROM users ORDER BY age + 1 DESC NULLS LAST FETCH FIRST 5 ROWS ONLY
SELECT email FROM users LIMIT '10'
SELECT email FROM users WHERE email LIKE 'a%' ESCAPE '!' AND email ILIKE '%b' AND nick SIMILAR TO 'x+' AND email ~ '^a' AND nick NOT LIKE 'z%'
SELECT email FROM users WHERE lower(email) = lower('X') AND length(email) > 5
SELECT substring(email FROM 1 FOR 3), substring(email FROM 'a.c'), overlay(email PLACING 'x' FROM 2), trim(BOTH 'x' FROM email), position('a' IN email) FROM users
SELECT left(email, 3), lpad(nick, 5, '0'), replace(email, 'a', 'b'), split_part(email, '@', 1), regexp_replace(email, 'a', 'b', 'g') FROM users
SELECT concat('a', 1, email), concat_ws(',', 'a', nick), format('%s-%s', 'a', 5) FROM users
SELECT json_build_object('a', 1, 'b', email), jsonb_build_array('x', 2, NULL) FROM users
SELECT to_jsonb(max(email)), json_agg(email), array_agg(age + 1), string_agg(email, ',' ORDER BY age) FROM users
SELECT json_agg(json_build_object('id', id, 'k', 'v')) FROM users
SELECT doc -> 'a', doc ->> 'a', doc #> '{a,b}', doc #>> '{a,0}', doc -> 0, doc ? 'k' FROM users
SELECT * FROM users WHERE doc @> '{"a":1}' AND doc ? 'a' AND doc ->> 'b' = 'c'
SELECT jsonb_set(doc, '{a}', '"x"'), jsonb_path_query(doc, '$.a[*] ? (@ > 2)'), doc || '{"x":1}' FROM users
SELECT tags[1], nums[1:2], tags || 'x'::text, array_append(nums, 5), 'x' = ANY(tags), nums @> ARRAY[1,2], nums && '{3}' FROM users
SELECT ARRAY[1,2,3], ARRAY['a','b'], ARRAY[]::int[], ARRAY[[1,2],[3,4]]
SELECT * FROM users WHERE feel = 'ok' OR feel IN ('ok', 'bad') OR feel = 'ok'::mood
SELECT * FROM users WHERE addr << '10.0.0.0/8' AND uid = '00000000-0000-0000-0000-000000000000' AND raw = '\x00' AND bits = B'101'
SELECT 'x'::mail, m = 'y' FROM users
SELECT CASE age WHEN 1 THEN 'a' WHEN 2 THEN 'b' END, CASE WHEN ok THEN 1 ELSE 2.5 END, nullif(age, 0), greatest(age, 5), least(1, 2.5), coalesce(score, 0) FROM users
SELECT 'a' IS NULL, 5 IS NOT NULL, 'a' IS DISTINCT FROM nick, age IS NOT DISTINCT FROM 5, ok IS TRUE FROM users
SELECT row('a', 1), ('a', 'b'), (1, 2) = (3, 4), (age, nick) IN ((1, 'a'), (2, 'b')), (age, nick) < (5, 'x') FROM users
SELECT exists (SELECT 1 FROM orders WHERE user_id = users.id AND total > 5) FROM users
SELECT (SELECT max(total) FROM orders WHERE state = 'open'), 'k' FROM users WHERE id IN (SELECT user_id FROM orders WHERE total > 10)
SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id AND o.state = 'open' LEFT JOIN LATERAL (SELECT 1 AS one LIMIT 1) x ON true WHERE u.age > 5
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(i, s)
SELECT * FROM (VALUES (1, NULL), (2, 'b')) v(i, s)
SELECT * FROM (VALUES (1), (2.5)) v(i)
VALUES (1, 'x'), (2, 'y')
WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), b AS MATERIALIZED (SELECT 'k' AS y) SELECT * FROM a, b WHERE x > 0
WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT sum(n) FROM r
SELECT 'a' UNION SELECT 'b' UNION ALL SELECT email FROM users ORDER BY 1
SELECT 1 UNION SELECT 2.5
SELECT NULL UNION SELECT 1
SELECT 1 AS a EXCEPT SELECT 2 INTERSECT SELECT 3
SELECT row_number() OVER (PARTITION BY age % 2 ORDER BY id), lag(age, 1, 0) OVER w, ntile(4) OVER w, sum(age) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING) FROM users WINDOW w AS (ORDER BY id + 1)
SELECT sum(age) OVER (ORDER BY seen RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW) FROM users
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY age), mode() WITHIN GROUP (ORDER BY nick) FROM users
SELECT count(*) FILTER (WHERE age > 18), array_agg(DISTINCT age + 1 ORDER BY age + 1) FROM users
SELECT * FROM generate_series(1, 10) g, unnest(ARRAY[1,2]) u, generate_series('2020-01-01'::timestamp, '2020-02-01', '1 day') d
SELECT * FROM json_to_recordset('[{"a":1}]') AS x(a int, b numeric(10,2))
SELECT * FROM jsonb_to_record('{"a":1}') AS x(a int, b varchar(20))
SELECT * FROM users TABLESAMPLE bernoulli (10) REPEATABLE (5)
SELECT * FROM users TABLESAMPLE system (0.5)
SELECT * FROM users WHERE ts @@ to_tsquery('english', 'cat & dog') AND ts @@ plainto_tsquery('x')
SELECT to_char(seen, 'YYYY-MM'), to_date('2020', 'YYYY'), age(seen), date_part('year', seen), make_interval(days => 5), make_date(2020, 1, 1) FROM users
SELECT seen AT TIME ZONE 'UTC', at AT TIME ZONE 'Europe/Zurich', timezone('UTC', seen), timestamp '2020-01-01' AT TIME ZONE 'UTC' FROM users
SELECT current_timestamp(3), localtime(2), current_date, now()
SELECT round(score, 2), round(2.5), trunc(rate), power(2, 3), mod(age, 2), width_bucket(score, 0, 100, 10), random() * 5 FROM users
SELECT twice(5), twice('x'::text), twice(2.5)
SELECT pg_typeof('x'), pg_typeof(5), quote_literal('x'), md5('x'), encode('x', 'hex'), set_config('a.b', 'c', true), current_setting('a.b', true)
SELECT nextval('users_id_seq'), 'users'::regclass, 'int4'::regtype::oid, to_regclass('users')
SELECT * FROM pg_class WHERE relname = 'users' AND relkind IN ('r', 'p') AND oid = 'users'::regclass
SELECT U&"d\0061t" FROM (SELECT 1 AS dat) x
SELECT "a 'b'" FROM (SELECT 5 AS "a 'b'") x
SELECT email COLLATE "C" FROM users WHERE email COLLATE "C" > 'a'
SELECT * FROM users WHERE NOT ok AND age BETWEEN 1 AND 5 AND age NOT BETWEEN SYMMETRIC 7 AND 6 AND nick IS NULL
SELECT * FROM users WHERE (age, id) > (5, 6) AND age = 5 OR 'x' = nick OR 5 > age
SELECT * FROM users WHERE id = 1 FOR UPDATE SKIP LOCKED
SELECT overlay('abc' placing 'x' from 1 for 2), 'abc' LIKE 'a%', 'a' < 'b', 'a' = 'a', 1 = '1', '1' + 1
SELECT 5 = ANY(nums), age = ANY(SELECT 5), age > ALL(VALUES (1), (2)), nick IN ('a') FROM users
SELECT xmlparse(DOCUMENT '<a/>'), xmlpi(name foo, 'x'), xpath('/a', '<a/>')
SELECT now() + '5 minutes', now() - 5 * interval '1 hour', '1 day' + now(), extract(day FROM interval '5 days')
SELECT array_to_string(tags, ','), string_to_array('a,b', ','), cardinality(nums), array_position(tags, 'x'::text), unnest(tags) FROM users
SELECT to_json('x'::text), row_to_json(u), jsonb_pretty('{}'), jsonb_array_elements('[1]') FROM users u
SELECT id, email, 'user' AS kind, 0 AS depth FROM users UNION ALL SELECT id, state, 'order', 1 FROM orders
SELECT mail FROM (SELECT 'x'::mail AS mail) t GROUP BY mail
SELECT a.x FROM (SELECT 'five' AS x) a WHERE a.x = 'five'
SELECT z.x + 1 FROM (SELECT 5 AS x) z
SELECT lower('[1,5)'::int4range), int4range(1, 5), age <@ int4range(1, 9), '[1,2]'::int4range @> 1 FROM users
SELECT ok = 't', ok = true, ok::int = 1 FROM users
INSERT INTO users (email, age, score) VALUES ('a', 5, 1.5)
INSERT INTO users (email, age, score, small, born, doc, feel, bits, span, raw) VALUES ('a', 5, 1, 7, '2020-01-01', '{}', 'ok', B'101', '1 day', '\x01'), ('b', NULL, 2.5, -1, NULL, NULL, 'bad', NULL, NULL, NULL) RETURNING id, 'x', 5
INSERT INTO users (email, age) VALUES ($1, $2), ($3, $4)
INSERT INTO users (email, age) SELECT 'x', 5 FROM orders WHERE total > 1
INSERT INTO users (id, email) VALUES (DEFAULT, 'x'), (7, 'y')
INSERT INTO users (email, nick) VALUES ('a', 'x') ON CONFLICT (email) WHERE nick = 'x' DO UPDATE SET nick = 'y', age = users.age + 1 WHERE users.age > 5
INSERT INTO users (email) VALUES ('a') ON CONFLICT (lower(email), coalesce(nick, '')) DO NOTHING
INSERT INTO users (email) VALUES ('a') ON CONFLICT DO NOTHING RETURNING *
INSERT INTO orders (id, user_id, total) VALUES (1, (SELECT id FROM users WHERE email = 'x' LIMIT 1), 5)
INSERT INTO users (tags, nums, email) VALUES ('{a,b}', ARRAY[1,2], 'x'), (ARRAY['c'], '{3}', 'y')
UPDATE users SET email = 'x', age = age + 1, score = 5, seen = now(), ok = false, doc = '{}' WHERE id = 5
UPDATE users SET (email, age) = ('x', 5) WHERE id IN (1, 2) RETURNING age + 1
UPDATE users SET age = CASE id WHEN 1 THEN 5 WHEN 2 THEN 6 END WHERE id IN (1, 2)
UPDATE users u SET age = v.a FROM (VALUES (1, 5), (2, 6)) v(id, a) WHERE u.id = v.id
UPDATE users SET tags[1] = 'x', doc = jsonb_set(doc, '{a}', '5'), small = 3, nick = 'abc', born = 'today'
UPDATE orders o SET state = 'x' FROM users u WHERE u.id = o.user_id AND u.email = 'y'
DELETE FROM users WHERE id = 5 AND seen < now() - interval '30 days'
DELETE FROM orders USING users u WHERE u.id = user_id AND u.age < 3 RETURNING orders.id
WITH gone AS (DELETE FROM orders WHERE total < 5 RETURNING id) INSERT INTO users (email) SELECT 'x' || id FROM gone
CALL work(5, 'x')
EXPLAIN (COSTS off) SELECT * FROM users WHERE id = 5
EXPLAIN SELECT 'x'
COPY users (email) FROM STDIN WITH (FORMAT csv, DELIMITER ';')
DECLARE c CURSOR FOR SELECT * FROM users WHERE id > 5
-- since 14
WITH RECURSIVE t(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM t WHERE a < 3) CYCLE a SET c TO 'Y' DEFAULT 'N' USING p SELECT * FROM t
SELECT date_bin('15 minutes', at, timestamp '2001-01-01'), doc['a'] FROM users
-- since 15
MERGE INTO users u USING (VALUES (1, 'x')) v(id, e) ON u.id = v.id WHEN MATCHED AND u.age > 5 THEN UPDATE SET email = v.e, age = 7 WHEN NOT MATCHED THEN INSERT (email, age) VALUES ('x', 5)
-- since 16
SELECT JSON_OBJECT('a': 1, 'b': 'x'), JSON_ARRAY(1, 'x', NULL), '{}' IS JSON, JSON_ARRAYAGG(email), JSON_OBJECTAGG(email: 5) FROM users
SELECT 1_000, 0x1F, 0b101, 0o17, 0xFFFFFFFF
-- since 17
SELECT * FROM json_table('{"a":1}', '$.a' COLUMNS (x int PATH '$' DEFAULT 5 ON EMPTY, y text PATH '$.b ? (@ == "q")', z FOR ORDINALITY))
SELECT JSON_VALUE('{"a":1}', '$.a' RETURNING int DEFAULT 5 ON ERROR), JSON_QUERY(doc, '$.b'), JSON_EXISTS(doc, '$.c ? (@ > 5)') FROM users
SELECT JSON_VALUE(doc, '$.a' DEFAULT 'x' ON EMPTY), JSON_SCALAR(5), JSON('{}') FROM users
MERGE INTO users u USING orders o ON u.id = o.user_id WHEN NOT MATCHED BY SOURCE AND u.age > 5 THEN DELETE RETURNING merge_action(), 'x'
