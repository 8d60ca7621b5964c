-- The schema that the forms are run on: a shop with a bit of everything.
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE DOMAIN label AS text;
CREATE DOMAIN short AS varchar(20);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN named AS label CHECK (VALUE <> '');
CREATE DOMAIN required AS text NOT NULL;
CREATE TYPE place AS (street text, number integer);
CREATE TYPE pair AS (x integer, y integer);
CREATE SEQUENCE counter;
CREATE SEQUENCE ticket AS integer START 5;
CREATE SCHEMA archive;

CREATE TABLE region (code text PRIMARY KEY, title text NOT NULL, num integer NOT NULL UNIQUE);

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email varchar(100) NOT NULL,
    login varchar(30) UNIQUE,
    name text,
    nick text COLLATE "C",
    age integer,
    rank smallint,
    score numeric(8,2),
    ratio real,
    created timestamp,
    seen timestamptz(3),
    born date,
    wakes time(3),
    wait interval,
    pin char(4),
    flags bit varying(6),
    mask bit(3),
    addr cidr,
    host inet,
    doc json,
    info jsonb,
    tags text[],
    shade colour,
    alias label,
    abbr short,
    plus positive,
    region_code text REFERENCES region,
    region_num integer REFERENCES region (num),
    total integer NOT NULL DEFAULT 0,
    twice integer GENERATED ALWAYS AS (total * 2) STORED,
    legacy integer,
    serialno serial,
    home place,
    blob bytea,
    token uuid,
    CONSTRAINT account_age_check CHECK (age >= 0),
    CONSTRAINT account_rank_nn CHECK (rank IS NOT NULL AND rank >= 0)
);
CREATE UNIQUE INDEX account_email_key ON account (email);
CREATE UNIQUE INDEX account_token_key ON account (token);
CREATE INDEX account_name_idx ON account (name);
CREATE INDEX account_lower_idx ON account (lower(name));
CREATE INDEX account_adult_idx ON account (score) WHERE age > 17;
CREATE INDEX account_created_idx ON account (created);
CREATE INDEX account_host_idx ON account (host, addr);
CREATE INDEX account_info_idx ON account USING gin (info);
CREATE INDEX account_shade_idx ON account (shade);
CREATE INDEX account_nick_idx ON account (nick);
CREATE INDEX account_flags_idx ON account (flags) INCLUDE (mask);
ALTER TABLE account ADD CONSTRAINT account_ratio_check CHECK (ratio < 2) NOT VALID;
CREATE VIEW adults AS SELECT id, name, age FROM account WHERE age > 17;
CREATE VIEW grownups AS SELECT id FROM adults;
CREATE STATISTICS account_stats ON region_num, age FROM account;

CREATE TABLE purchase (
    id integer PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    note text,
    state varchar(10) DEFAULT 'new',
    amount integer,
    parent_id integer REFERENCES purchase
);
CREATE INDEX purchase_account_idx ON purchase (account_id);
CREATE TABLE line (
    purchase_id integer CONSTRAINT line_purchase REFERENCES purchase ON DELETE CASCADE,
    pos integer,
    sku text,
    extra integer,
    PRIMARY KEY (purchase_id, pos)
);
ALTER TABLE line ADD CONSTRAINT line_sku_check CHECK (sku <> '') NOT VALID;
ALTER TABLE line ADD CONSTRAINT line_extra_fkey FOREIGN KEY (extra) REFERENCES purchase NOT VALID;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE FUNCTION stamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
CREATE FUNCTION dice() RETURNS integer LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN 4; END$$;
CREATE FUNCTION seven() RETURNS integer LANGUAGE sql AS 'SELECT 7';
CREATE FUNCTION luck() RETURNS double precision LANGUAGE sql AS 'SELECT random()';
CREATE TRIGGER purchase_touch BEFORE UPDATE ON purchase FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER purchase_note BEFORE UPDATE OF note ON purchase FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER purchase_each AFTER INSERT ON purchase FOR EACH STATEMENT EXECUTE FUNCTION touch();

CREATE TABLE plain (id integer NOT NULL, a integer, b text, c integer NOT NULL);
CREATE UNIQUE INDEX plain_id_idx ON plain (id);
CREATE UNIQUE INDEX plain_a_idx ON plain (a);
CREATE POLICY plain_own ON plain USING (c > 0);
CREATE RULE plain_rule AS ON DELETE TO plain DO ALSO NOTHING;
CREATE UNLOGGED TABLE scratch (id serial PRIMARY KEY, t text);
CREATE TABLE bare (x integer, y text);

CREATE MATERIALIZED VIEW totals AS SELECT account_id, count(*) AS n FROM purchase GROUP BY account_id;
CREATE UNIQUE INDEX totals_account_idx ON totals (account_id);
CREATE MATERIALIZED VIEW flat AS SELECT x FROM bare;

CREATE TABLE event (at integer NOT NULL, kind text, account integer, payload text, PRIMARY KEY (at)) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (1000);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (1000) TO (2000);
CREATE TABLE event_rest PARTITION OF event DEFAULT;
CREATE INDEX event_kind_idx ON event (kind);
CREATE TRIGGER event_touch BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION touch();

CREATE TABLE metric (day integer NOT NULL, name text NOT NULL, v integer, region_num integer REFERENCES region (num), UNIQUE (day, name)) PARTITION BY RANGE (day);
CREATE TABLE metric_1 PARTITION OF metric FOR VALUES FROM (0) TO (1000);
CREATE TABLE metric_2 PARTITION OF metric FOR VALUES FROM (1000) TO (2000) PARTITION BY LIST (name);
CREATE TABLE metric_2a PARTITION OF metric_2 FOR VALUES IN ('a');
CREATE TABLE metric_2b PARTITION OF metric_2 FOR VALUES IN ('b');
CREATE TABLE alarm (id integer PRIMARY KEY, day integer, name text, FOREIGN KEY (day, name) REFERENCES metric (day, name));

CREATE TABLE kind (id integer NOT NULL, tag text NOT NULL) PARTITION BY LIST (tag);
CREATE TABLE kind_a PARTITION OF kind FOR VALUES IN ('a');
CREATE TABLE kind_b PARTITION OF kind FOR VALUES IN ('b');

CREATE TABLE loose (at integer NOT NULL, kind text, account integer, payload text);
CREATE TABLE tight (at integer NOT NULL, kind text, account integer, payload text, CONSTRAINT tight_at CHECK (at >= 3000 AND at < 4000));
CREATE TABLE ready (at integer PRIMARY KEY, kind text, account integer, payload text, CONSTRAINT ready_at CHECK (at BETWEEN 3000 AND 3999));
CREATE INDEX ready_kind_idx ON ready (kind);
CREATE TABLE metric_new (day integer NOT NULL, name text NOT NULL, v integer, region_num integer);
CREATE TABLE kind_new (id integer NOT NULL, tag text NOT NULL, CONSTRAINT kind_new_tag CHECK (tag IN ('c', 'd')));

CREATE TABLE animal (id integer, name text, CONSTRAINT animal_id CHECK (id > 0));
CREATE TABLE dog (barks boolean) INHERITS (animal);
CREATE TABLE puppy (age integer) INHERITS (dog);
CREATE TABLE stray (id integer, name text, CONSTRAINT animal_id CHECK (id > 0));

CREATE TABLE spot OF pair;
CREATE TABLE spots (id integer, p place);
CREATE TABLE tagged (id integer, l label, n named, p positive);
CREATE TABLE span (id integer, during int4range NOT NULL);
CREATE PUBLICATION news FOR TABLE plain;
