package ledger_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// database is the scope of a plan for a whole database.
var database ledger.Scope

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// first is the ledger of the first release that had one, and what such a one wrote.
const first = `
CREATE SCHEMA onward_ledger;
COMMENT ON SCHEMA onward_ledger IS 'onward ledger 1';
CREATE TABLE onward_ledger.lease (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL, holder text NOT NULL DEFAULT '',
	pid int, began timestamptz, direct boolean NOT NULL DEFAULT false, seen timestamptz);
INSERT INTO onward_ledger.lease (epoch) VALUES (7);
CREATE TABLE onward_ledger.plan (id text PRIMARY KEY, name text NOT NULL, plan jsonb NOT NULL, search_path text NOT NULL, role text NOT NULL,
	state text NOT NULL, began timestamptz NOT NULL DEFAULT clock_timestamp(), ended timestamptz);
CREATE TABLE onward_ledger.step (plan text NOT NULL REFERENCES onward_ledger.plan, id text NOT NULL, number int NOT NULL, checksum text NOT NULL,
	state text NOT NULL, attempts int NOT NULL DEFAULT 0, rows bigint NOT NULL DEFAULT 0, epoch bigint NOT NULL,
	pid int, backend timestamptz, began timestamptz NOT NULL DEFAULT clock_timestamp(), ended timestamptz,
	waited interval NOT NULL DEFAULT '0', note text NOT NULL DEFAULT '', PRIMARY KEY (plan, id));
CREATE TABLE onward_ledger.log (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
	who text NOT NULL, plan text NOT NULL, step text NOT NULL DEFAULT '', event text NOT NULL, detail text NOT NULL DEFAULT '');
INSERT INTO onward_ledger.plan (id, name, plan, search_path, role, state) VALUES ('p', 'old', '{"base": "v1"}', 'public', '', 'running');
INSERT INTO onward_ledger.step (plan, id, number, checksum, state, epoch) VALUES ('p', '01-expand', 0, '', 'done', 7);
`

// An older ledger is read as it is, and brought up by whoever works there; a later one's, or somebody else's schema, is left alone.
func TestVersions(t *testing.T) {
	t.Parallel()
	conn := pgservertest.Connect(t, pgservertest.Database(t, onward.NewestMajor))
	run := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	run(first)
	if exists, err := ledger.HasLedger(t.Context(), conn); !exists || err != nil {
		t.Errorf("HasLedger = %t, %v, want true", exists, err)
	}
	if list, err := ledger.ReadVerifications(t.Context(), conn, "p"); len(list) > 0 || err != nil {
		t.Errorf("ReadVerifications = %v, %v, want none", list, err)
	}
	if list, err := ledger.ReadLog(t.Context(), conn, "p", 0, 10); len(list) > 0 || err != nil {
		t.Errorf("ReadLog = %v, %v, want no entries", list, err)
	}
	if list, err := ledger.CountQuarantined(t.Context(), conn, "p"); len(list) > 0 || err != nil {
		t.Errorf("CountQuarantined = %v, %v, want none", list, err)
	}
	for range 2 {
		if err := ledger.CreateLedger(t.Context(), conn, ""); err != nil {
			t.Fatal(err)
		}
	}
	plans, err := database.ReadPlans(t.Context(), conn)
	if err != nil || len(plans) != 1 || plans[0].Plan.Base != "v1" {
		t.Errorf("ReadPlans after the update = %+v, %v, want one with the base v1", plans, err)
	}
	steps, err := ledger.ReadSteps(t.Context(), conn, "p")
	if err != nil || steps["01-expand"] == nil || steps["01-expand"].State != ledger.Done {
		t.Errorf("ReadSteps = %+v, %v, want 01-expand done", steps, err)
	}
	if c, err := ledger.ReadControl(t.Context(), conn, "p"); err != nil || c.State != "" {
		t.Errorf("ReadControl = %+v, %v, want no state", c, err)
	}
	if err := ledger.BeginPass(t.Context(), conn, "p", "01-expand", 1, "x"); err != nil {
		t.Error(err)
	}
	if l, err := database.TakeLease(t.Context(), conn, "me", true, 0); err != nil || l.Epoch != 8 {
		t.Errorf("TakeLease = %+v, %v, want epoch 8", l, err)
	}
	run("INSERT INTO onward_ledger.log (who, plan, event) VALUES ('an older onward', 'p', 'plan begun')")
	if err := ledger.WriteLog(t.Context(), conn, &ledger.Entry{Who: "me", Plan: "p", Event: "plan done"}); err != nil {
		t.Error(err)
	}
	log, err := ledger.ReadLog(t.Context(), conn, "", 0, 10)
	if err != nil || len(log) != 2 || log[0].Role != "" || log[1].Role != "postgres" || log[1].Host == "" || log[1].OSUser == "" {
		t.Errorf("ReadLog = %+v, %v, want 2 entries, the second with role, host and OS user", log, err)
	}
	other := new(ledger.OtherError)
	for _, comment := range []string{"'onward ledger 8'", "'onward ledger 0'", "'mine'", "NULL"} {
		run("COMMENT ON SCHEMA onward_ledger IS " + comment)
		if err := ledger.CreateLedger(t.Context(), conn, ""); !errors.As(err, &other) {
			t.Errorf("CreateLedger with the comment %s: %v, want an OtherError", comment, err)
		}
		if _, err := ledger.HasLedger(t.Context(), conn); !errors.As(err, &other) {
			t.Errorf("HasLedger with the comment %s: %v, want an OtherError", comment, err)
		}
	}
}

// Default privileges give no role rights on a new ledger, or on what is added to an older one. What somebody granted there stays.
func TestDefaultPrivileges(t *testing.T) {
	t.Parallel()
	const defaults = `ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO pg_monitor; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pg_monitor, PUBLIC;
		ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO pg_monitor; `
	const granted = `SELECT c.relname || ' ' || a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a
		WHERE c.relnamespace = 'onward_ledger'::regnamespace AND a.grantee <> c.relowner
		UNION ALL SELECT n.nspname || ' ' || a.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
		WHERE n.nspname = 'onward_ledger' AND a.grantee <> n.nspowner`
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for before, want := range map[string][]string{defaults: {}, first + "GRANT SELECT ON onward_ledger.plan TO pg_monitor; " + defaults: {"plan SELECT"}} {
			_, conn := pgservertest.ConnectNew(t, major)
			if _, err := conn.Exec(t.Context(), before, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			if err := ledger.CreateLedger(t.Context(), conn, ""); err != nil {
				t.Fatal(err)
			}
			if got := pgservertest.ReadTexts(t, conn, granted); !slices.Equal(got, want) {
				t.Errorf("others have privileges: %v, want %v", got, want)
			}
		}
	})
}
