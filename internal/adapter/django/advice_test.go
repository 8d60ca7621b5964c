package django

import "testing"

func TestRunSQL(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`DROP TABLE "t";`:                 `migrations.RunSQL('DROP TABLE "t"')`,
		`UPDATE t SET a = 'x'`:            `migrations.RunSQL("""UPDATE t SET a = 'x'""")`,
		"DROP\nTABLE \"t\"":               "migrations.RunSQL(\"\"\"DROP\nTABLE \"t\" \"\"\")",
		`SELECT E'\n'`:                    `migrations.RunSQL("""SELECT E'\\n'""")`,
		`ALTER TABLE t DROP COLUMN "a b"`: `migrations.RunSQL('ALTER TABLE t DROP COLUMN "a b"')`,
	} {
		if got := runSQL(sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

func TestObjectName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"Order", "country", "idx"}, "order_country_idx"},
		{[]string{"sitesettings", "return_reason_reference_type", "idx"}, "sitesettings_return_reason_idx"},
	} {
		if got := objectName(c.parts...); got != c.want || len(got) > maxIndexName {
			t.Errorf("%v: %s, want %s", c.parts, got, c.want)
		}
	}
}
