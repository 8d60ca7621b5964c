package rule

import "testing"

func TestDjangoRun(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`DROP TABLE "t";`:                 `migrations.RunSQL('DROP TABLE "t"')`,
		`UPDATE t SET a = 'x'`:            `migrations.RunSQL("""UPDATE t SET a = 'x'""")`,
		"DROP\nTABLE \"t\"":               "migrations.RunSQL(\"\"\"DROP\nTABLE \"t\" \"\"\")",
		`SELECT E'\n'`:                    `migrations.RunSQL("""SELECT E'\\n'""")`,
		`ALTER TABLE t DROP COLUMN "a b"`: `migrations.RunSQL('ALTER TABLE t DROP COLUMN "a b"')`,
	} {
		if got := djangoRun(sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

func TestDjangoName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"Order", "country", "idx"}, "order_country_idx"},
		{[]string{"sitesettings", "return_reason_reference_type", "idx"}, "sitesettings_return_reason_idx"},
	} {
		if got := djangoName(c.parts...); got != c.want || len(got) > djangoIndexName {
			t.Errorf("%v: %s, want %s", c.parts, got, c.want)
		}
	}
}
