package django

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A RunPython that only calls the schema editor is rendered, and the server
// takes what it sends. Of all others nothing runs: some would end the process.
func TestStraightPython(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"django-4.2-psycopg2", "django-5.2-psycopg"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			p := render(t, Config{Dir: project(t, "rough"), Python: venv(t, env)})
			m := p.find(t, "lookup.0002_straight")
			want := []string{
				`ALTER TABLE "lookup_host" DROP COLUMN "count" CASCADE`,
				`ALTER TABLE "lookup_host" RENAME TO "lookup_guest"`,
				"COMMENT ON TABLE lookup_guest IS 'renamed'",
			}
			if diff := cmp.Diff(want, m.Operations[0].SQL); diff != "" || m.Operations[0].Opaque != "" {
				t.Errorf("opaque %q:\n%s", m.Operations[0].Opaque, diff)
			}
			var opaque []string
			for _, op := range m.Operations[1:] {
				if len(op.SQL) > 0 {
					t.Errorf("sent: %q", op.SQL)
				}
				opaque = append(opaque, op.Opaque)
			}
			if diff := cmp.Diff([]string{
				"runs Python: fails", "runs Python: asks", "runs Python: calls", "runs Python: stores", "runs Python: loops", "runs Python: swaps",
				"runs Python: reads", "runs Python: defaults", "runs Python: quiet", "runs Python: wrapped", "runs Python: renames",
			}, opaque); diff != "" {
				t.Error(diff)
			}
			execute(t, p.find(t, "lookup.0001_initial"), m)
		})
	}
}

// So is one that only calls a cursor, of the editor's connection or of the usual
// one. Where the cursor is asked, or is none, nothing is known.
func TestStraightCursor(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"django-4.2-psycopg2", "django-5.2-psycopg"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			p := render(t, Config{Dir: project(t, "rough"), Python: venv(t, env)})
			m := p.find(t, "lookup.0003_cursor")
			var sent [][]string
			var opaque []string
			for _, op := range m.Operations {
				if op.Opaque == "" {
					sent = append(sent, op.SQL)
				} else {
					opaque = append(opaque, op.Opaque)
				}
			}
			if diff := cmp.Diff([][]string{
				{"ALTER TABLE lookup_guest ADD COLUMN seen timestamptz", "UPDATE lookup_guest SET seen = now() WHERE id = 7"},
				{"ALTER TABLE lookup_guest ALTER COLUMN seen SET STATISTICS 500"},
				{"ALTER TABLE lookup_guest DROP COLUMN seen"},
			}, sent); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{
				"runs Python: fetches", "runs Python: closes", "runs Python: mixes", "runs Python: elsewhere",
			}, opaque); diff != "" {
				t.Error(diff)
			}
			execute(t, p.find(t, "lookup.0001_initial"), p.find(t, "lookup.0002_straight"), m)
		})
	}
}
