package django

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Each way out that rules know is written in Django's words, or is SQL on purpose.
func TestWaysAreWritten(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ways := regexp.MustCompile(`(?m)^func \((\w+)\) isWay\(\)`).FindAllStringSubmatch(read("../../advice/advice.go"), -1)
	for _, way := range append(ways, []string{"", "AddUnique"}) {
		if !strings.Contains(read("advice.go"), "advice."+way[1]) {
			t.Errorf("%s is not written", way[1])
		}
	}
	if len(ways) < 20 {
		t.Errorf("%d ways", len(ways))
	}
}

func TestRunSQL(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`DROP TABLE "t";`:                 `migrations.RunSQL('DROP TABLE "t"')`,
		`UPDATE t SET a = 'x'`:            `migrations.RunSQL("""UPDATE t SET a = 'x'""")`,
		"DROP\nTABLE \"t\"":               "migrations.RunSQL(\"\"\"DROP\nTABLE \"t\" \"\"\")",
		`SELECT E'\n'`:                    `migrations.RunSQL("""SELECT E'\\n'""")`,
		`ALTER TABLE t DROP COLUMN "a b"`: `migrations.RunSQL('ALTER TABLE t DROP COLUMN "a b"')`,
	} {
		if got := formatRunSQL(sql); got != want {
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
		{[]string{"sitesettings", "return_reason_reference_type", "idx"}, "sitesettings_return_r_ce74_idx"},
		{[]string{"sitesettings", "return_reason_reference_types", "idx"}, "sitesettings_return_r_741e_idx"},
	} {
		if got := objectName(c.parts...); got != c.want || len(got) > maxIndexName {
			t.Errorf("%v: %s, want %s", c.parts, got, c.want)
		}
	}
}
