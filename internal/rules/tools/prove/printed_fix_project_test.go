package prove

import (
	"context"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// project is a small repository of a migration tool: its release is one file.
type project struct {
	// release is the path of that file; text has a %s for its SQL.
	release, text string
	others        map[string]string
}

// projects are the tools whose fixes are tried, by name.
var projects = map[string]project{
	"plain SQL": {"db/migrations/002_b.sql", "%s", map[string]string{"db/migrations/001_a.sql": "SELECT 1;"}},
	"goose":     {"m/00002_b.sql", "-- +goose Up\n%s", map[string]string{"m/00001_a.sql": "-- +goose Up\nSELECT 1;"}},
	"golang-migrate": {
		"m/000002_b.up.sql", "%s",
		map[string]string{
			"m/000001_a.up.sql":   "SELECT 1;",
			"m/000001_a.down.sql": "SELECT 1;",
			"go.mod":              "module x\n\nrequire github.com/golang-migrate/migrate/v4 v4.18.0\n",
		},
	},
	"sqlx": {
		"migrations/20240102000000_b.sql", "%s",
		map[string]string{"migrations/20240101000000_a.sql": "SELECT 1;", "Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n"},
	},
	"dbmate": {
		"db/migrations/20240102000000_b.sql", "-- migrate:up\n%s\n-- migrate:down\n",
		map[string]string{"db/migrations/20240101000000_a.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\n"},
	},
	"Flyway":        {"db/V2__b.sql", "%s", map[string]string{"db/V1__a.sql": "SELECT 1;"}},
	"Flyway, group": {"db/V2__b.sql", "%s", map[string]string{"db/V1__a.sql": "SELECT 1;", "flyway.conf": "flyway.group=true\n"}},
	"Prisma": {
		"prisma/migrations/20240102000000_b/migration.sql", "%s",
		map[string]string{"prisma/migrations/20240101000000_a/migration.sql": "SELECT 1;", "prisma/migrations/migration_lock.toml": "provider = \"postgresql\"\n"},
	},
	"Drizzle": {
		"drizzle/20240102000000_b/migration.sql", "%s",
		map[string]string{
			"drizzle/20240101000000_a/migration.sql": "SELECT 1;",
			"drizzle/20240101000000_a/snapshot.json": "{}",
			"drizzle/20240102000000_b/snapshot.json": "{}",
		},
	},
	"node-pg-migrate": {
		"migrations/1700000000001_b.sql", "-- Up Migration\n%s\n-- Down Migration\n",
		map[string]string{
			"migrations/1700000000000_a.sql": "-- Up Migration\nSELECT 1;\n-- Down Migration\n",
			"package.json":                   `{"dependencies": {"node-pg-migrate": "8"}}`,
		},
	},
	"tern":        {"migrations/002_b.sql", "%s", map[string]string{"migrations/001_a.sql": "SELECT 1;", "migrations/tern.conf": "[database]\n"}},
	"sql-migrate": {"migrations/2_b.sql", "-- +migrate Up\n%s", map[string]string{"migrations/1_a.sql": "-- +migrate Up\nSELECT 1;"}},
}

// withSQL is the project with SQL as its release.
func (p project) withSQL(sql string) string { return strings.Replace(p.text, "%s", sql, 1) }

// read reads the release with a text as the tool's adapter does.
func (p project) read(ctx context.Context, file pastedFile) (m *adapter.Migration, sharesTx bool, err error) {
	tree := adaptertest.Text(p.others)
	tree[p.release] = []byte(file.text)
	if file.conf != "" {
		tree[p.release+".conf"] = []byte(file.conf)
	}
	sources, _ := adapter.DetectSources(tree, all.ListAdapters())
	chosen, _ := adapter.ChooseSources(sources)
	for _, s := range chosen {
		a, _ := all.FindAdapter(s.Framework)
		set, err := a.Load(ctx, tree, s)
		if err != nil {
			return nil, false, err
		}
		for _, m := range set.Migrations {
			if m.Path == p.release {
				return m, set.Together, nil
			}
		}
	}
	return nil, false, fmt.Errorf("%s is not read", p.release)
}

// sentFile is a file as it is judged and sent.
type sentFile struct {
	*rule.Migration
	run int // files of one run may share a transaction
}

// readAll reads files in the order in which they run.
func (p project) readAll(ctx context.Context, f *ruletest.Fixture, files []pastedFile) ([]sentFile, error) {
	var out []sentFile
	run := 1
	for i, file := range files {
		from := p
		if file.step {
			from = projects["plain SQL"]
		}
		if file.step || file.later {
			run++
		}
		m, sharesTx, err := from.read(ctx, file)
		if err != nil {
			return nil, err
		}
		s, err := script.BuildScript(m.Source)
		if err != nil || m.Failed != "" {
			return nil, fmt.Errorf("cannot be read: %w %s\n%s", err, m.Failed, file.text)
		}
		runner := m.Runner
		runner.LockTimeout, runner.StatementTimeout = f.Runner.LockTimeout, f.Runner.StatementTimeout
		x := &rule.Migration{
			ID:        fmt.Sprint(m.ID, " part ", i),
			Path:      fmt.Sprint(m.Path, " part ", i),
			Framework: m.Framework,
			Status:    onward.StatusNew,
			Mode:      m.Source.Mode,
			Script:    s,
			Runner:    runner,
			Refusals:  m.Problems,
		}
		if sharesTx && !file.step {
			x.Together = run
		}
		if runner.KeepsSession || sharesTx && !file.step {
			x.Session = run
		}
		out = append(out, sentFile{x, run})
		if file.step {
			run++
		}
	}
	return out, nil
}
