package sql

import "testing"

// A new CLI sends the statements that no transaction takes by themselves.
func TestSupabaseSendsAlone(t *testing.T) {
	t.Parallel()
	const concurrently = "CREATE INDEX CONCURRENTLY i ON t (a);"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"from 2.109 on": {map[string]string{
			"package.json":                `{"devDependencies": {"supabase": "^2.110.3"}}`,
			"supabase/migrations/1_a.sql": "SELECT 1;\nCOMMENT ON TABLE t IS 'x';\n" + concurrently + "\n-- again\n" + concurrently + "SELECT 2;",
			"supabase/migrations/2_b.sql": "SELECT 1; SELECT 2;", "supabase/migrations/3_c.sql": "SELECT 1; REINDEX (VERBOSE) INDEX CONCURRENTLY i",
			"supabase/migrations/4_d.sql": "SELECT 1; DROP INDEX CONCURRENTLY i",
		}, "1_a none; 2_b pipeline; 3_c none; 4_d pipeline"},
		"before": {map[string]string{
			"package-lock.json": `{"packages": {"node_modules/supabase": {"version": "2.108.0"}}}`, "supabase/migrations/1_a.sql": "SELECT 1;" + concurrently,
		}, "1_a pipeline"},
		"an unknown version": {map[string]string{"supabase/migrations/1_a.sql": "SELECT 1;" + concurrently}, "1_a pipeline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.files["supabase/config.toml"] = ""
			if got := described(t, "supabase/migrations", tc.files); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
