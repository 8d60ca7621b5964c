package audit

import (
	"strings"
	"testing"
)

// A policy that asks for a setting hides every row from code that does not set it,
// and what it lets through otherwise is not known.
func TestPoliciesAskForSettings(t *testing.T) {
	t.Parallel()
	const forced = "ALTER TABLE a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
	const asks = "CREATE POLICY own ON a USING (tenant = current_setting('app.tenant', true)::int);\n"
	for _, test := range []struct{ Files, sql, want string }{
		{"db.Query(`SELECT n FROM a WHERE n = $1`, n)", forced + asks, "error"},
		{"db.Query(`SELECT n FROM a`); db.Exec(`SET app.tenant = 1`)", forced + asks, "warning"},
		{"db.Query(`SELECT n FROM a`); db.Exec(`SELECT set_config('app.tenant', $1, true)`, n)", forced + asks, "warning"},
		{"db.Query(`SELECT n FROM a`)", "ALTER TABLE a ENABLE ROW LEVEL SECURITY;\n" + asks, "warning"},
		{"db.Query(`SELECT n FROM a`)", forced + asks + "CREATE POLICY more ON a USING (m = 1);\n", "warning"},
		{
			"db.Query(`SELECT n FROM a`)",
			forced + "CREATE POLICY own ON a USING (current_setting('app.tenant', true) IS NULL OR tenant = current_setting('app.tenant', true)::int);\n",
			"warning",
		},
		{
			"db.Query(`SELECT n FROM a`)",
			forced + "CREATE POLICY own ON a USING (n > 0 AND tenant = nullif(current_setting('app.tenant', true), '')::int);\n",
			"error",
		},
		{
			"db.Query(`SELECT n FROM a`)",
			forced + "CREATE POLICY own ON a USING (tenant = (current_setting('request.jwt.claims', true)::json ->> 'tenant')::int);\n",
			"warning",
		},
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n int, m int, tenant int);\n"+
			"-- store/a.go --\npackage store\n\nfunc f() { "+test.Files+" }\n",
			"-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+test.sql), Base: "main"})
		if got := severityOf(r, "policy-hides-rows"); got != test.want {
			t.Errorf("%s\n%s: policy-hides-rows is %q, want %q: %v", test.Files, test.sql, got, test.want, found(r))
		}
	}
}

// A policy that let all through and asks for a setting from now on hides as much.
func TestPoliciesComeToAskForSettings(t *testing.T) {
	t.Parallel()
	const base = "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n int, tenant int);\n" +
		"ALTER TABLE a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\nCREATE POLICY own ON a USING (true);\n"
	for code, want := range map[string]string{
		"db.Query(`SELECT n FROM a WHERE n = $1`, n)":                "error",
		"db.Query(`SELECT n FROM a`); db.Exec(`SET app.tenant = 1`)": "warning",
	} {
		for _, statement := range []string{"ALTER POLICY own ON a USING (tenant = %s);\n", "DROP POLICY own ON a;\nCREATE POLICY mine ON a USING (tenant = %s);\n"} {
			sql := strings.ReplaceAll(statement, "%s", "current_setting('app.tenant')::int")
			r := changelog0(t, Config{Dir: repository(t, base+"-- store/a.go --\npackage store\n\nfunc f() { "+code+" }\n",
				"-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+sql), Base: "main"})
			if got := severityOf(r, "policy-hides-rows"); got != want {
				t.Errorf("%s\n%s: policy-hides-rows is %q, want %q: %v", code, sql, got, want, found(r))
			}
		}
	}
}
