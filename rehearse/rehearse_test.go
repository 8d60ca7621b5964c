package rehearse_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// shopBase is what most releases here begin with.
const shopBase = `-- +goose Up
CREATE TYPE mood AS ENUM ('fine', 'sad');
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, mood mood);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total integer);
CREATE FUNCTION tidy() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER TABLE users ALTER COLUMN email SET DEFAULT ' || quote_literal(''); UPDATE users SET email = lower(email); END $$;
`

func step(sql string) txtar.File {
	return txtar.File{Name: "00002_step.sql", Data: []byte("-- +goose Up\n" + sql + "\n")}
}

func bare(sql string) txtar.File {
	return txtar.File{Name: "00002_step.sql", Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\n" + sql + "\n")}
}

func on(dir string) rehearse.Config {
	return rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}}
}

// locks are the observed locks of a statement: "public.users ShareLock index".
func locks(st onward.RehearsedStatement) []string {
	var out []string
	for _, o := range st.Observed {
		line := strings.TrimPrefix(o.Relation, "public.") + " " + o.Lock.String()
		if o.Work != onward.NoWork {
			line += " " + o.Work.String()
		}
		if o.HeldSince != nil {
			line += fmt.Sprint(" since ", *o.HeldSince)
		}
		if o.New {
			line += " new"
		}
		out = append(out, line)
	}
	return out
}

// The effects of each kind of statement are observed, in its transaction and alone, on
// the oldest and the newest version. The model predicts the same.
func TestObserved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file txtar.File
		rows int64
		want [][]string // of each statement
	}{
		"in one transaction": {
			file: step("ALTER TABLE users ADD COLUMN nick text;\nCREATE INDEX users_nick ON users (nick);\nALTER TABLE orders ALTER COLUMN total TYPE bigint;"),
			want: [][]string{
				{"users AccessExclusiveLock"},
				{"users ShareLock index since 0", "users_nick AccessExclusiveLock new"},
				{"orders AccessExclusiveLock rewrite", "orders_pkey AccessExclusiveLock index"},
			},
		},
		"a foreign key locks both tables": {
			file: step("ALTER TABLE orders ADD CONSTRAINT again FOREIGN KEY (user_id) REFERENCES users (id);"),
			rows: 500,
			want: [][]string{{"orders ShareRowExclusiveLock scan", "users ShareRowExclusiveLock scan"}},
		},
		"a scan": {
			file: step("ALTER TABLE users ALTER COLUMN mood SET NOT NULL;"),
			want: [][]string{{"users AccessExclusiveLock"}},
		},
		"a scan after a rewrite": {
			file: step("ALTER TABLE orders ALTER COLUMN total TYPE bigint;\nALTER TABLE orders ADD CONSTRAINT positive CHECK (total > -5);"),
			rows: 500,
			want: [][]string{{"orders AccessExclusiveLock rewrite", "orders_pkey AccessExclusiveLock index"}, {"orders  scan since 0"}},
		},
		"after a rewrite and alone": {
			file: bare("ALTER TABLE orders ALTER COLUMN total TYPE bigint;\nALTER TABLE orders ADD CONSTRAINT positive CHECK (total > -5);"),
			rows: 500,
			want: [][]string{{"orders AccessExclusiveLock rewrite", "orders_pkey AccessExclusiveLock index"}, {"orders AccessExclusiveLock scan"}},
		},
		"alone": {
			file: bare("CREATE INDEX CONCURRENTLY users_email ON users (email);"),
			rows: 300_000,
			want: [][]string{{"users ShareUpdateExclusiveLock index"}},
		},
		"a new table": {
			file: step("CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint REFERENCES users);"),
			want: [][]string{{"notes AccessExclusiveLock new", "notes_pkey AccessExclusiveLock new", "users ShareRowExclusiveLock"}},
		},
	} {
		for _, major := range rotation.Pick(t, 2, []int{13, 18}) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				cfg := on(branch(t, shopBase, []txtar.File{c.file}))
				cfg.Majors = []int{major}
				cfg.Rows = fill.Plan{Rows: map[string]int64{"users": c.rows, "orders": c.rows}, Seed: 1}
				r, h := rehearsed(t, cfg)
				if h.Postgres != major || !strings.HasPrefix(h.Version, strconv.Itoa(major)+".") {
					t.Errorf("Postgres %d, %s", h.Postgres, h.Version)
				}
				if len(h.Statements) != len(c.want) {
					t.Fatalf("%d statements, want %d", len(h.Statements), len(c.want))
				}
				for i, st := range h.Statements {
					got := locks(st)
					for k, want := range c.want[i] {
						if k >= len(got) || got[k] != want {
							t.Errorf("%s:\n got %q\nwant %q", text(r, st), got, c.want[i])
							break
						}
					}
					for _, more := range got[min(len(got), len(c.want[i])):] {
						// The lock on an index that is being made may be sampled, or not.
						if !strings.HasSuffix(more, " new") {
							t.Errorf("%s: more was seen: %q", text(r, st), got)
						}
					}
					if st.UntilMS < st.FromMS || st.Failed != nil {
						t.Errorf("%s: from %v until %v, failed %v", text(r, st), st.FromMS, st.UntilMS, st.Failed)
					}
				}
				for _, d := range h.Differences {
					t.Errorf("difference: %s: model %s, server %s", d.Relation, d.Model, d.Server)
				}
				if len(r.Migrations[0].Statements[0].Observed) != len(h.Statements[0].Observed) {
					t.Error("the report's statement does not have what was observed")
				}
			})
		}
	}
}

// Statements in functions and DO blocks are seen one by one: DDL, and queries.
func TestNested(t *testing.T) {
	t.Parallel()
	dir := branch(t, shopBase, []txtar.File{step(`-- +goose StatementBegin
DO $$ DECLARE c text := 'nick'; BEGIN
  EXECUTE format('ALTER TABLE users ADD COLUMN %I text', c);
  UPDATE orders SET total = 0 WHERE total IS NULL;
END $$;
-- +goose StatementEnd
SELECT tidy();`)})
	for _, major := range []int{13, 18} {
		cfg := on(dir)
		cfg.Majors = []int{major}
		_, h := rehearsed(t, cfg)
		if len(h.Statements) != 2 {
			t.Fatalf("%d statements", len(h.Statements))
		}
		for i, want := range [][]string{
			{"ALTER TABLE users ADD COLUMN nick text", "UPDATE orders SET total = 0 WHERE total IS NULL"},
			{"ALTER TABLE users ALTER COLUMN email SET DEFAULT ''", "UPDATE users SET email = lower(email)"},
		} {
			var got []string
			for _, n := range h.Statements[i].Nested {
				got = append(got, n.SQL)
			}
			if !slices.Equal(got, want) {
				t.Errorf("Postgres %d: nested\n got %q\nwant %q", major, got, want)
			}
			// The second one finds the lock that the first one holds.
			if l := locks(h.Statements[i]); i == 0 && !slices.Contains(l, "users AccessExclusiveLock") {
				t.Errorf("Postgres %d: locks %q", major, l)
			}
		}
		if len(h.Differences) > 0 {
			t.Errorf("Postgres %d: %+v", major, h.Differences)
		}
	}
}

// Failures are findings, each by its name.
func TestFailures(t *testing.T) {
	t.Parallel()
	rows := func(c *rehearse.Config) { c.Rows = fill.Plan{All: 50, Seed: 1} }
	for name, c := range map[string]struct {
		files []txtar.File
		set   func(*rehearse.Config)
		rule  string
		fact  string
		line  int
	}{
		"refused": {
			files: []txtar.File{step("SELECT 1;\nALTER TABLE nowhere ADD COLUMN x int;")},
			rule:  release.RehearsalFails, fact: `relation "nowhere" does not exist (SQLSTATE 42P01)`, line: 3,
		},
		"only with rows": {
			files: []txtar.File{step("ALTER TABLE users ADD COLUMN nick text;\nALTER TABLE users ALTER COLUMN nick SET NOT NULL;")},
			set:   rows, rule: release.RehearsalFailsWithRows, fact: "contains null values", line: 3,
		},
		"only with rows, behind what has committed": {
			files: []txtar.File{bare("ALTER TABLE users ADD COLUMN IF NOT EXISTS nick text;\n-- onward:ignore rehearsal-fails-again: so it is\n" +
				"ALTER TABLE users RENAME COLUMN email TO mail;\nBEGIN;\nALTER TABLE users ADD COLUMN two int;\nALTER TABLE users ALTER COLUMN nick SET NOT NULL;\n" +
				"COMMIT;\nALTER TABLE users RENAME COLUMN mail TO email;")},
			set: rows, rule: release.RehearsalFailsWithRows, fact: "contains null values", line: 8,
		},
		"only with rows, which a concurrent build finds": {
			files: []txtar.File{bare("CREATE UNIQUE INDEX CONCURRENTLY users_one ON users ((1));")},
			set:   rows, rule: release.RehearsalFailsWithRows, fact: "could not create unique index", line: 3,
		},
		"at commit": {
			files: []txtar.File{step("ALTER TABLE orders ADD CONSTRAINT late FOREIGN KEY (total) REFERENCES users DEFERRABLE INITIALLY DEFERRED NOT VALID;\n" +
				"INSERT INTO users (email) VALUES ('a');\nINSERT INTO orders (user_id, total) SELECT id, -1 FROM users;")},
			rule: release.RehearsalFails, fact: "violates foreign key constraint", line: 4,
		},
		"cut short": {
			files: []txtar.File{bare("ALTER TABLE users ADD COLUMN nick text;\nCREATE INDEX CONCURRENTLY users_nick ON users (nick);")},
			rule:  release.RehearsalFailsAgain, fact: `column "nick" of relation "users" already exists`, line: 3,
		},
		"no superuser": {
			files: []txtar.File{step("ALTER TABLE orders DISABLE TRIGGER ALL;")},
			rule:  release.RehearsalNeedsSuperuser, fact: "is a system trigger", line: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := on(branch(t, shopBase, c.files))
			if c.set != nil {
				c.set(&cfg)
			}
			r, _ := rehearsed(t, cfg)
			var found []onward.Finding
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Rule, "rehearsal-") {
					found = append(found, f)
				}
			}
			if len(found) != 1 || found[0].Rule != c.rule || !strings.Contains(found[0].Fact, c.fact) || found[0].Line != c.line {
				t.Errorf("findings %+v", found)
			}
		})
	}
}

// requireSilence requires a report without findings of the rehearsal.
func requireSilence(t *testing.T, r *onward.Report) {
	t.Helper()
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Rule, "rehearsal-") {
			t.Errorf("the rehearsal has the finding %s: %s", f.Rule, f.Fact)
		}
	}
}

// A release without faults gets no finding: a migration that can be cut off, one that
// waits for nobody, one that names a role, and existing rows.
func TestSilent(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]txtar.File{
		"cut":        bare("ALTER TABLE users ADD COLUMN IF NOT EXISTS nick text;\nCREATE INDEX CONCURRENTLY IF NOT EXISTS users_nick ON users (nick);"),
		"role":       step("GRANT SELECT ON users TO reporting;\nALTER TABLE orders OWNER TO shopkeeper;"),
		"extension":  step("CREATE EXTENSION pg_stat_statements;\nCREATE EXTENSION citext;\nALTER TABLE users ADD COLUMN nick citext;"),
		"enum":       bare("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'merry';"),
		"bookkeeper": step("DELETE FROM goose_db_version WHERE version_id = 7;"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := on(branch(t, shopBase, []txtar.File{file}))
			cfg.Rows = fill.Plan{All: 20, Seed: 1}
			r, h := rehearsed(t, cfg)
			requireSilence(t, r)
			if len(h.Differences) > 0 {
				t.Errorf("the catalog model and the server differ: %+v", h.Differences)
			}
			if last := h.Statements[len(h.Statements)-1]; last.Failed != nil {
				t.Errorf("failed: %+v", last.Failed)
			}
		})
	}
}

// A history that does not run says where; a comment and the configuration take
// a finding out; two versions give two rehearsals and one finding.
func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := rehearse.Run(t.Context(), on(branch(t, "-- +goose Up\nSELECT 1;\nALTER TABLE nowhere ADD x int;", []txtar.File{step("SELECT 1;")})))
	var base *rehearse.BaseError
	if !errors.As(err, &base) || base.Migration != "00001_base" || base.Line != 3 || !strings.Contains(err.Error(), "--schema") {
		t.Fatalf("error %v", err)
	}
	dir := branch(t, shopBase, []txtar.File{step("-- onward:ignore rehearsal-fails: it is meant to\nALTER TABLE nowhere ADD COLUMN x int;")})
	r, _ := rehearsed(t, on(dir))
	if len(named(r, release.RehearsalFails)) != 0 || len(named(r, rule.SuppressionUnused)) != 0 {
		t.Errorf("suppressed: %+v", r.Findings)
	}
	dir = branch(t, shopBase, []txtar.File{step("ALTER TABLE nowhere ADD COLUMN x int;")})
	cfg := on(dir)
	cfg.Majors = []int{13, 18}
	r, err = rehearse.Run(t.Context(), cfg)
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	if f := named(r, release.RehearsalFails); len(f) != 1 || !slices.Equal(f[0].Postgres, []int{13, 18}) {
		t.Errorf("on two versions: %+v", f)
	}
	if len(r.Rehearsals) != 2 || r.Rehearsals[0].Postgres != 18 {
		t.Errorf("%d rehearsals", len(r.Rehearsals))
	}
	cfg = on(dir)
	cfg.Settings = config.Default()
	cfg.Settings.Rules = map[string]onward.Severity{release.RehearsalFails: onward.Off}
	if r, _ := rehearsed(t, cfg); len(named(r, release.RehearsalFails)) != 0 {
		t.Errorf("switched off: %+v", r.Findings)
	}
}

// Migrations of another database are not run in this one.
func TestTwoDatabases(t *testing.T) {
	t.Parallel()
	_, h := rehearsed(t, on(branch(t, shopBase, []txtar.File{
		step("ALTER TABLE users ADD COLUMN nick text;"),
		{Name: "../billing/migrations/00001_init.sql", Data: []byte("-- +goose Up\nCREATE TABLE users (id int);\n")},
	})))
	if len(h.Statements) != 1 || h.Statements[0].Failed != nil {
		t.Errorf("statements %+v", h.Statements)
	}
	if !slices.ContainsFunc(h.Notes, func(n string) bool {
		return strings.Contains(n, "billing/migrations") && strings.Contains(n, "another database")
	}) {
		t.Errorf("notes %q", h.Notes)
	}
}

// The second rehearsal takes the base from the cache, and sees the same; a dump
// and somebody else's server do as well.
func TestBase(t *testing.T) {
	t.Parallel()
	dir := branch(t, shopBase+"-- "+t.Name()+"\n", []txtar.File{step("ALTER TABLE users ADD COLUMN nick text;")})
	_, first := rehearsed(t, on(dir))
	_, second := rehearsed(t, on(dir))
	if !second.Base.Cached || second.Base.Migrations != 1 || !slices.Equal(locks(first.Statements[0]), locks(second.Statements[0])) {
		t.Errorf("second: %+v", second.Base)
	}
	s := pgservertest.Server(t, 18)
	cfg := on(dir)
	cfg.Server = s.URL("postgres")
	var input *config.InputError
	if _, err := rehearse.Run(t.Context(), cfg); !errors.As(err, &input) || !strings.Contains(err.Error(), "--superuser") {
		t.Errorf("as a superuser of another server: %v", err)
	}
	c, err := s.Connect(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for _, sql := range []string{"CREATE ROLE strong LOGIN CREATEDB", "GRANT pg_execute_server_program TO strong", "CREATE ROLE weak LOGIN CREATEDB"} {
		pgservertest.Exec(t, c, sql)
	}
	cfg.Server = s.URLAs("strong", "postgres")
	if _, err := rehearse.Run(t.Context(), cfg); !errors.As(err, &input) || !strings.Contains(err.Error(), "pg_execute_server_program") {
		t.Errorf("as a role that may start programs: %v", err)
	}
	cfg.Server = s.URLAs("weak", "postgres")
	_, h := rehearsed(t, cfg)
	if h.Postgres != 18 || !slices.Equal(locks(first.Statements[0]), locks(h.Statements[0])) {
		t.Errorf("on another server: %+v", h.Statements)
	}
	dump := filepath.Join(t.TempDir(), "dump.sql")
	if err := os.WriteFile(dump, []byte("CREATE TABLE public.users (id bigint PRIMARY KEY, email text);\nALTER TABLE public.users OWNER TO shopkeeper;\n"+
		"COPY public.users (id, email) FROM stdin;\n1\ta@example.com\n2\tb@example.com\n\\.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg = on(dir)
	cfg.Dump = dump
	_, h = rehearsed(t, cfg)
	if h.Base.From != "dump" || len(h.Tables) != 1 || h.Tables[0].Rows != 2 || h.Statements[0].Failed != nil {
		t.Errorf("from a dump: %+v %+v %+v", h.Base, h.Tables, h.Statements[0].Failed)
	}
}
