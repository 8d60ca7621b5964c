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
