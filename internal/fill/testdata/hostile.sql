CREATE SCHEMA "odd ""schema";
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'back\slash', 'tab	tab');
CREATE TYPE address AS (street text, "nr" int, since date, tags text[]);
CREATE DOMAIN positive AS int CHECK (VALUE > 0) CHECK (VALUE < 500);
CREATE DOMAIN email AS text NOT NULL CHECK (VALUE ~ '^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$');
CREATE DOMAIN code AS varchar(8) CHECK (VALUE ~ '^[A-Z]{3}-[0-9]{4}$');
CREATE DOMAIN small_code AS code CHECK (length(VALUE) = 8);
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);

CREATE TABLE countries (code char(2) PRIMARY KEY CHECK (code = upper(code)), name text NOT NULL UNIQUE);
INSERT INTO countries VALUES ('DE', 'Germany'), ('FR', 'France'), ('XK', 'back\slash');
CREATE TABLE tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, country char(2) REFERENCES countries);
CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  email email UNIQUE,
  username varchar(12) NOT NULL UNIQUE,
  manager_id bigint REFERENCES users,
  mood mood NOT NULL,
  age int CHECK (age BETWEEN 18 AND 120),
  status varchar(20) NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'active', 'gone')),
  balance numeric(8,2) NOT NULL CHECK (balance >= 0),
  rating numeric(3,1) CHECK (rating > 0 AND rating <= 5),
  score positive NOT NULL, parity even NOT NULL, promo small_code,
  created_at timestamptz NOT NULL, deleted_at timestamptz, CHECK (deleted_at IS NULL OR deleted_at > created_at),
  name_len int GENERATED ALWAYS AS (length(username)) STORED CHECK (name_len > 0),
  country char(2) NOT NULL REFERENCES countries,
  UNIQUE (tenant_id, id)
);
CREATE UNIQUE INDEX users_lower ON users (lower(email));
CREATE UNIQUE INDEX users_active ON users (tenant_id, username) WHERE deleted_at IS NULL;
CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, bio text, avatar bytea, home address, homes address[], settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'));
CREATE TABLE projects (tenant_id uuid NOT NULL REFERENCES tenants, id int NOT NULL, name text NOT NULL CHECK (length(btrim(name)) > 3), owner_id bigint NOT NULL,
  PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id));
CREATE TABLE tasks (id serial PRIMARY KEY, tenant_id uuid NOT NULL, project_id int NOT NULL, assignee_id bigint, parent_id int REFERENCES tasks,
  starts date NOT NULL, ends date NOT NULL, CHECK (starts <= ends), done boolean NOT NULL,
  FOREIGN KEY (tenant_id, project_id) REFERENCES projects, FOREIGN KEY (tenant_id, assignee_id) REFERENCES users (tenant_id, id));
CREATE TABLE roles (id smallserial PRIMARY KEY, name varchar(6) NOT NULL UNIQUE);
CREATE TABLE user_roles (user_id bigint REFERENCES users, role_id smallint REFERENCES roles, granted timestamp(0), PRIMARY KEY (user_id, role_id));
CREATE TABLE owned (id int PRIMARY KEY, user_id bigint REFERENCES users, tenant_id uuid REFERENCES tenants, CHECK (num_nonnulls(user_id, tenant_id) = 1),
  kind text NOT NULL, detail text, CHECK ((kind = 'a' AND detail IS NULL) OR (kind = 'b' AND detail IS NOT NULL)),
  shouted text NOT NULL CHECK (shouted = upper(shouted) AND length(shouted) > 1), list jsonb NOT NULL CHECK (jsonb_typeof(list) = 'array'),
  a int NOT NULL, b int NOT NULL, c int NOT NULL, CHECK (a < b AND b < c), d int CHECK (d % 10 = 3), hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'), path text NOT NULL CHECK (path LIKE '/srv/%'));
-- Cycles.
CREATE TABLE teams (id int PRIMARY KEY, lead_id int NOT NULL);
CREATE TABLE players (id int PRIMARY KEY, team_id int REFERENCES teams);
ALTER TABLE teams ADD FOREIGN KEY (lead_id) REFERENCES players;
CREATE TABLE hens (id int PRIMARY KEY, egg_id int NOT NULL);
CREATE TABLE eggs (id int PRIMARY KEY, hen_id int NOT NULL REFERENCES hens DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE hens ADD FOREIGN KEY (egg_id) REFERENCES eggs DEFERRABLE;
CREATE TABLE tree (id int PRIMARY KEY, parent_id int REFERENCES tree CHECK (parent_id <> id));
CREATE TABLE nodes (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES nodes, next_id int UNIQUE REFERENCES nodes);
-- Partitions.
CREATE TABLE events (id bigserial, at timestamptz NOT NULL, kind text NOT NULL, user_id bigint REFERENCES users, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_a PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_b PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
CREATE TABLE events_d PARTITION OF events DEFAULT;
CREATE TABLE regions (id int, region text NOT NULL, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE regions_eu PARTITION OF regions FOR VALUES IN ('de', 'fr') PARTITION BY HASH (id);
CREATE TABLE regions_eu_0 PARTITION OF regions_eu FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE regions_eu_1 PARTITION OF regions_eu FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE regions_us PARTITION OF regions FOR VALUES IN ('us');
CREATE TABLE numbers (id int PRIMARY KEY, x text) PARTITION BY RANGE (id);
CREATE TABLE numbers_0 PARTITION OF numbers FOR VALUES FROM (0) TO (10000);
CREATE TABLE numbers_1 PARTITION OF numbers FOR VALUES FROM (10000) TO (20000);
CREATE TABLE hashed (k uuid PRIMARY KEY, v text) PARTITION BY HASH (k);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE pairs (a int, b int, v text) PARTITION BY RANGE (a, b);
CREATE TABLE pairs_0 PARTITION OF pairs FOR VALUES FROM (1, 1) TO (5, 1);
CREATE TABLE monthly (id int, at timestamptz) PARTITION BY RANGE (date_part('month', at AT TIME ZONE 'UTC'));
CREATE TABLE monthly_1 PARTITION OF monthly FOR VALUES FROM (1) TO (7);
CREATE TABLE refers_parted (id int PRIMARY KEY, number_id int NOT NULL REFERENCES numbers);
-- Inheritance.
CREATE TABLE animals (id serial PRIMARY KEY, name text NOT NULL CHECK (name <> ''));
CREATE TABLE dogs (breed mood) INHERITS (animals);
-- Exclusion.
CREATE TABLE bookings (id int PRIMARY KEY, during tstzrange NOT NULL, EXCLUDE USING gist (during WITH &&));
CREATE TABLE slots (starts_at timestamp NOT NULL, ends_at timestamp NOT NULL, CHECK (ends_at > starts_at), EXCLUDE USING gist (tsrange(starts_at, ends_at) WITH &&));
CREATE TABLE few (b boolean PRIMARY KEY);
-- Every type.
CREATE TABLE types (
  i2 smallint, i4 int, i8 bigint, n numeric, n2 numeric(20,18), f4 real, f8 double precision, m money, t text, v varchar(3), ch char(5), c "char", nm name, by bytea,
  d date, ts timestamp(3), tz timestamptz, tm time, tt timetz, iv interval, iy interval year to month, bo boolean, u uuid, j json, jb jsonb, x xml,
  ip inet, ci cidr, ma macaddr, m8 macaddr8, b1 bit(7), b2 bit varying(70), tv tsvector, tq tsquery, pt point, ln line, sg lseg, bx box, pa path, po polygon, cr circle,
  r4 int4range, r8 int8range, rn numrange, rd daterange, rt tsrange, rz tstzrange, l pg_lsn, o oid, rc regclass, sn txid_snapshot, jp jsonpath,
  ia int[], ta text[][], ba bytea[], ja jsonb[], xa box[], ea mood[], da positive[], ad address, ra int4range[], nn text NOT NULL, iz xid);
CREATE TABLE "odd ""schema"."we\ird	name" ("col umn" int PRIMARY KEY, "üml" text UNIQUE, "onward" int);
CREATE TABLE nothing ();
CREATE UNLOGGED TABLE unlogged (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text COLLATE "C");
-- Triggers, rules, row level security.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no rows here'; END $$;
CREATE TABLE guarded (id int PRIMARY KEY, v text);
CREATE TRIGGER never BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER always AFTER INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION refuse();
ALTER TABLE guarded ENABLE ALWAYS TRIGGER always;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON guarded USING (false);
CREATE RULE swallow AS ON INSERT TO guarded DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW by_status AS SELECT status, count(*) AS n FROM users GROUP BY 1;
-- Checks that nobody can read, and one that nothing satisfies.
CREATE FUNCTION is_prime(n int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT n > 1 AND NOT EXISTS (SELECT FROM generate_series(2, n - 1) d WHERE n % d = 0) $$;
CREATE TABLE primes (id int PRIMARY KEY, p int NOT NULL CHECK (is_prime(p)));
CREATE TABLE impossible (id int PRIMARY KEY, v int NOT NULL, CHECK (v > 5 AND v < 3));
CREATE TABLE behind_impossible (id int PRIMARY KEY, i int NOT NULL REFERENCES impossible);
CREATE TABLE one_open (id int PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, closed_at timestamptz);
CREATE UNIQUE INDEX ON one_open (user_id) WHERE closed_at IS NULL;
-- A circle of which one side can be deferred; its names are in the wrong order.
CREATE TABLE flow_versions (id uuid PRIMARY KEY, flow_id uuid NOT NULL);
CREATE TABLE flows (id uuid PRIMARY KEY, live_id uuid NOT NULL REFERENCES flow_versions DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE flow_versions ADD FOREIGN KEY (flow_id) REFERENCES flows;
CREATE TYPE uuidrange AS RANGE (subtype = uuid);
CREATE TABLE unlike (id int PRIMARY KEY, r uuidrange NOT NULL, a int REFERENCES roles, b bigint REFERENCES users, t int NOT NULL, UNIQUE (a, t), UNIQUE (b, t), CHECK ((a IS NULL) <> (b IS NULL)));
