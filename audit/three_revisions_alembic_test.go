package audit

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func alembicRevision(id, before, body string) string {
	return "import sqlalchemy as sa\nfrom alembic import op\nrevision = '" + id + "'\ndown_revision = " + before + "\n\n\ndef upgrade():\n    " + body + "\n"
}

const (
	alembicCity  = "op.add_column('piers', sa.Column('city', sa.Text))"
	alembicDepth = "op.add_column('piers', sa.Column('depth', sa.Integer))"
)

var alembicRevisions = pythonTool{
	venvs: []string{"alembic-1.13-psycopg2", "alembic-1.20-psycopg"},
	project: func(t *testing.T, venv string) map[string]string {
		return map[string]string{
			"onward.yaml": "migrations:\n  - dir: db/versions\n    framework: alembic\n    render: alembic upgrade {from}:{to} --sql\n" +
				"    python: " + pgservertest.VenvPath(t, venv) + "\n",
			"alembic.ini": "[alembic]\nscript_location = db\n",
			"db/env.py": "import logging, os, sqlalchemy as sa\nfrom alembic import context\nlogging.basicConfig(level='INFO')\n" +
				"if context.is_offline_mode():\n    context.configure(url='postgresql://', literal_binds=True)\n    with context.begin_transaction():\n" +
				"        context.run_migrations()\nelse:\n    with sa.create_engine(os.environ['DB_URL']).connect() as connection:\n" +
				"        context.configure(connection=connection)\n        with context.begin_transaction():\n            context.run_migrations()\n",
			"db/versions/a1_start.py": alembicRevision("a1", "None",
				"op.create_table('piers', sa.Column('id', sa.BigInteger, primary_key=True), sa.Column('berth', sa.Text), sa.Column('tide', sa.Text))"),
		}
	},
	run: func(t *testing.T, venv, dir string, u *url.URL) (ran []string, refused string) {
		scheme := "postgresql+psycopg"
		if strings.HasSuffix(venv, "2") {
			scheme += "2"
		}
		host := url.Values{"host": {u.Query().Get("host")}, "port": {u.Query().Get("port")}}
		address := url.URL{Scheme: scheme, User: u.User, Path: u.Path, RawQuery: host.Encode()}
		talk, failed := runPython(t, dir, []string{"DB_URL=" + address.String()}, filepath.Join(venv, "bin", "alembic"), "upgrade", "head")
		for _, m := range regexp.MustCompile(`(?m)Running upgrade .*-> ([^ ,\n]+)`).FindAllStringSubmatch(talk, -1) {
			ran = append(ran, m[1])
		}
		if failed {
			refused = lastLine(talk)
		}
		return ran, refused
	},
	moments: map[string]pythonMoment{
		"behind the base": {
			base:  map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head:  map[string]string{"db/versions/c3_city.py": alembicRevision("c3", "'a1'", alembicCity)},
			want:  []string{"error release-leaves-conflict"},
			ahead: 1,
		},
		"only the base went": {
			base:  map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			ahead: 1,
		},
		"merged heads": {
			base: map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head: map[string]string{
				"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth),
				"db/versions/c3_city.py":  alembicRevision("c3", "'a1'", alembicCity),
				"db/versions/d4_merge.py": alembicRevision("d4", "('b2', 'c3')", "pass"),
			},
		},
		"a merge of a revision that only the base has": {
			base:  map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head:  map[string]string{"db/versions/c3_city.py": alembicRevision("c3", "'b2'", alembicCity)},
			ahead: 1,
		},
		"the base's column": {
			base: map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head: map[string]string{
				"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth),
				"db/versions/c3_again.py": alembicRevision("c3", "'b2'", alembicDepth),
			},
			want: []string{"error release-statement-fails"},
		},
		"a cherry-pick": {
			base: map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head: map[string]string{
				"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth),
				"db/versions/c3_city.py":  alembicRevision("c3", "'b2'", alembicCity),
			},
		},
		"a cherry-pick that skips one": {
			base: map[string]string{"db/versions/c3_city.py": alembicRevision("c3", "'a1'", alembicCity)},
			head: map[string]string{
				"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth),
				"db/versions/c3_city.py":  alembicRevision("c3", "'b2'", alembicCity),
			},
			want:    []string{"error release-runner-refuses"},
			skipped: []string{"b2"},
		},
		"the same id": {
			base:  map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head:  map[string]string{"db/versions/b2_city.py": alembicRevision("b2", "'a1'", alembicCity)},
			want:  []string{"error release-version-duplicate"},
			ahead: 1,
		},
		"the same id, and another follows": {
			base: map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head: map[string]string{
				"db/versions/b2_city.py":   alembicRevision("b2", "'a1'", alembicCity),
				"db/versions/c3_length.py": alembicRevision("c3", "'b2'", "op.add_column('piers', sa.Column('length', sa.Integer))"),
			},
			want:  []string{"error release-version-duplicate"},
			ahead: 1,
		},
		"the base's code": {
			base: map[string]string{"tides.py": "def tides(cursor):\n    cursor.execute(\"SELECT id, tide FROM piers\")\n"},
			head: map[string]string{"db/versions/b2_tide.py": alembicRevision("b2", "'a1'", "op.drop_column('piers', 'tide')")},
			want: []string{"error column-drop"},
		},
		"another directory": {
			headDir: "web",
			head:    map[string]string{"web/db/versions/c3_city.py": alembicRevision("c3", "'a1'", alembicCity)},
		},
		"another directory, behind the base": {
			headDir: "web",
			base:    map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head:    map[string]string{"web/db/versions/c3_city.py": alembicRevision("c3", "'b2'", alembicCity)},
			ahead:   1,
		},
		"a squash": {
			base: map[string]string{"db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			head: map[string]string{
				"db/versions/a1_start.py": "",
				"db/versions/b2_depth.py": alembicRevision("b2", "None",
					"op.create_table('piers', sa.Column('id', sa.BigInteger, primary_key=True), sa.Column('berth', sa.Text), sa.Column('tide', sa.Text), "+
						"sa.Column('depth', sa.Integer))"),
				"db/versions/c3_city.py": alembicRevision("c3", "'b2'", alembicCity),
			},
			want: []string{"warning release-migration-deleted", "warning release-migration-edited"},
		},
		"a deleted revision": {
			base: map[string]string{"notes": "x\n"},
			head: map[string]string{"db/versions/a1_start.py": "", "db/versions/b2_depth.py": alembicRevision("b2", "None", alembicDepth)},
			want: []string{"error release-migration-deleted"},
		},
		"a deleted parent": {
			base:  map[string]string{"notes": "x\n"},
			head:  map[string]string{"db/versions/a1_start.py": "", "db/versions/b2_depth.py": alembicRevision("b2", "'a1'", alembicDepth)},
			fails: "db/versions/b2_depth.py follows revision a1, which no file has: Alembic refuses to start",
		},
	},
}
