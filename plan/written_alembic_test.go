package plan_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

const alembicEnvironment = `import os

from alembic import context
from sqlalchemy import create_engine

if context.is_offline_mode():
    context.configure(url="postgresql://localhost/none")
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(os.environ["SHOP_URL"]).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=EACH)
        with context.begin_transaction():
            context.run_migrations()
`

// alembicRevision returns a revision.
func alembicRevision(id, down string, body ...string) string {
	return "from alembic import op\nimport sqlalchemy as sa\n\nrevision = \"" + id + "\"\ndown_revision = " + down + "\n\n\ndef upgrade():\n    " +
		strings.Join(body, "\n    ") + "\n"
}

// alembicProject is a repository with a release, and a database at its base.
type alembicProject struct {
	writtenProject
	program string
}

// newAlembicProject makes a project. each gives each revision a transaction of its own.
func newAlembicProject(t *testing.T, each bool) *alembicProject {
	t.Helper()
	program := pgservertest.VenvPath(t, "alembic-1.20-psycopg", "bin", "alembic")
	environment := strings.Replace(alembicEnvironment, "EACH", map[bool]string{true: "True", false: "False"}[each], 1)
	dir := gittest.Commits(t, map[string]string{
		"onward.yaml": "migrations:\n  - dir: migrations/versions\n    framework: alembic\n    render: alembic upgrade {from}:{to} --sql\n    python: " +
			filepath.Dir(filepath.Dir(program)) + "\n",
		"alembic.ini": "[alembic]\nscript_location = migrations\n", "migrations/env.py": environment, ".gitignore": "__pycache__\n",
		"migrations/versions/a1_base.py": alembicRevision("a1", "None", `op.create_table("orders", sa.Column("id", sa.BigInteger, primary_key=True),`,
			`    sa.Column("note", sa.Text), sa.Column("code", sa.Text), sa.Column("size", sa.Integer))`),
	})
	gittest.RunGit(t, dir, "checkout", "-q", "-b", "feature")
	gittest.WriteFiles(t, dir, map[string]string{"migrations/versions/b2_rename.py": alembicRevision("b2", `"a1"`,
		`op.create_index("orders_code_idx", "orders", ["code"])`,
		`op.alter_column("orders", "note", new_column_name="remark")`,
		`op.create_check_constraint("orders_size", "orders", "size < 1000000")`,
		`op.execute(r"""UPDATE orders SET code = '50 % of \:x {"a"\:1}' WHERE code::text LIKE 'b%'""")`)})
	settings, err := config.Load(dir, audit.Names())
	if err != nil {
		t.Fatal(err)
	}
	p := &alembicProject{program: program, writtenProject: writtenProject{
		t: t, dir: dir, major: 17, audit: audit.Config{Dir: dir, Base: "main", Settings: settings},
		rows:    []string{"INSERT INTO orders SELECT n, 'n' || n, CASE WHEN n % 3 > 0 THEN 'b' || n END, n FROM generate_series(1, 2500) AS n"},
		columns: []string{"id, remark, code, size FROM orders"},
	}}
	p.toBase = func(database string) { p.upgrade(database, "a1") }
	p.toHead = func(database string) { p.upgrade(database, "head") }
	p.start()
	return p
}

// upgrade runs the real Alembic.
func (p *alembicProject) upgrade(database, to string) {
	p.t.Helper()
	if talk, err := p.tryUpgrade(database, to); err != nil {
		p.t.Fatalf("alembic upgrade %s: %v\n%s", to, err, talk)
	}
}

// tryUpgrade runs the real Alembic, which may fail.
func (p *alembicProject) tryUpgrade(database, to string) (string, error) {
	p.t.Helper()
	address, err := url.Parse(database)
	if err != nil {
		p.t.Fatal(err)
	}
	address.Scheme = "postgresql+psycopg"
	cmd := exec.CommandContext(p.t.Context(), p.program, "upgrade", to)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "SHOP_URL="+address.String(), "PYTHONDONTWRITEBYTECODE=1")
	talk, err := cmd.CombinedOutput()
	return string(talk), err
}

// query returns the only value of a query.
func (p *alembicProject) query(conn *pgx.Conn, sql string) (out string) {
	p.t.Helper()
	if err := conn.QueryRow(p.t.Context(), sql).Scan(&out); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// TestAlembicWritten writes a plan as revisions, and lets the real Alembic run them to their end. Each step has a transaction of its own,
// also if Alembic has one for all pending revisions.
func TestAlembicWritten(t *testing.T) {
	t.Parallel()
	for _, each := range rotation.Pick(t, 1, []bool{false, true}) {
		t.Run(fmt.Sprintf("one for each %t", each), func(t *testing.T) {
			t.Parallel()
			p := newAlembicProject(t, each)
			want := p.release()
			draft := p.writePlan()
			conn := pgservertest.Connect(t, p.db)
			pgservertest.Exec(t, conn, "CREATE TABLE log (tx bigint, sql text)",
				"CREATE FUNCTION log() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (txid_current(), current_query()); END $$",
				"CREATE EVENT TRIGGER log ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TRIGGER') EXECUTE FUNCTION log()")
			if byHand := carryOut(t, p.audit, draft, conn, func() { p.upgrade(p.db, "head") }); byHand != 2 {
				t.Errorf("%d steps were run by hand", byHand)
			}
			if n := p.query(conn, "SELECT count(*)::text FROM log AS l WHERE sql LIKE '%VALIDATE%' AND EXISTS "+
				"(SELECT FROM log WHERE tx = l.tx AND sql NOT LIKE '%VALIDATE%')"); n != "0" {
				t.Errorf("%s constraints were validated in a transaction that locks a table", n)
			}
			if n := p.query(conn, "SELECT count(*)::text FROM log WHERE sql LIKE '%VALIDATE%'"); n == "0" {
				t.Error("no constraint was validated")
			}
			pgservertest.Exec(t, conn, "DROP EVENT TRIGGER log", "DROP FUNCTION log()", "DROP TABLE log")
			p.compare(want)
		})
	}
}

// After a plan that onward carried out, the real Alembic has nothing to do, and continues with the next revision.
func TestAlembicRecorded(t *testing.T) {
	t.Parallel()
	p := newAlembicProject(t, false)
	want := p.release()
	p.applyPlan()
	p.dropLedger()
	p.compare(want)
	gittest.WriteFiles(t, p.dir, map[string]string{
		"migrations/versions/c3_next.py": alembicRevision("c3", `"b2"`, `op.add_column("orders", sa.Column("extra", sa.Text))`),
	})
	p.upgrade(p.db, "head")
	if version := p.query(pgservertest.Connect(t, p.db), "SELECT version_num FROM alembic_version"); version != "c3" {
		t.Errorf("recorded is %s", version)
	}
}

// The real Alembic fails at the guard of a revision while a plan is under way that replaces it, and changes nothing. Else it runs it.
func TestGuardWithAlembic(t *testing.T) {
	t.Parallel()
	p := newAlembicProject(t, true)
	const revision = "migrations/versions/b2_rename.py"
	replaced := onward.Plan{Base: "main", Catalog: "x", Migrations: []onward.PlannedMigration{{ID: "b2", Path: revision}}}
	if g, err := plan.Guard(t.Context(), p.audit, &replaced); err != nil || len(g.Written) != 1 {
		t.Fatalf("Guard gives %+v, %v, want one written file", g, err)
	}
	report, err := audit.Changelog(t.Context(), p.audit)
	if err != nil || len(report.Opaque) > 0 {
		t.Errorf("the guarded revision is judged as %+v, %v, want nothing unjudged", report, err)
	}
	p.upgrade(pgservertest.Database(t, p.major), "head")
	conn := pgservertest.Connect(t, p.db)
	if err := ledger.CreateLedger(t.Context(), conn, ""); err != nil {
		t.Fatal(err)
	}
	if err := (ledger.Scope{}).RecordPlan(t.Context(), conn, &ledger.Plan{ID: "p1", Path: "public", Plan: replaced}); err != nil {
		t.Fatal(err)
	}
	const note = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0"
	if talk, err := p.tryUpgrade(p.db, "head"); err == nil || !strings.Contains(talk, "plan p1 of onward is under way on this database") {
		t.Fatalf("alembic upgrade during plan p1: %v, want the guard's refusal:\n%s", err, talk)
	}
	if got := p.query(conn, note); got != "id note code size" {
		t.Errorf("after the refused upgrade orders has the columns %q, want those of before", got)
	}
	if _, err := ledger.SetPlanState(t.Context(), conn, "p1", ledger.Abandoned); err != nil {
		t.Fatal(err)
	}
	p.upgrade(p.db, "head")
	if got := p.query(conn, note); got != "id remark code size" {
		t.Errorf("after the upgrade orders has the columns %q, want note renamed to remark", got)
	}
}
