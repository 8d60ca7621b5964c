package audit

import (
	"regexp"
	"testing"
)

// Code of another service uses its own tables: one of the same name in another
// database, and columns of no table that it names.
func TestServices(t *testing.T) {
	t.Parallel()
	const (
		users = "-- migrations/00001_init.sql --\n-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text, nick text);\n"
		bills = "-- migrations/00001_init.sql --\n-- +goose Up\nCREATE TABLE bills (id bigint PRIMARY KEY, nick text, amount int);\n"
		code  = "-- store.go --\npackage store\n\nconst q = `SELECT id, nick FROM users`\n"
		plain = "-- store.go --\npackage store\n\nconst q = `SELECT id FROM users`\n"
		page  = "-- form.tsx --\nexport const Form = () => <input name=\"nick\" />;\n"
		drop  = "-- svc/b/migrations/00002_drop.sql --\n-- +goose Up\nALTER TABLE users DROP COLUMN nick;\n"
	)
	file := regexp.MustCompile(`(?m)^-- (\S+ --)$`)
	inDir := func(dir, files string) string {
		return "-- svc/" + dir + "/go.mod --\nmodule " + dir + "\n" + file.ReplaceAllString(files, "-- svc/"+dir+"/$1")
	}
	module := regexp.MustCompile(`(?m)^-- \S*go\.mod --\nmodule \w+\n`)
	bare := func(files string) string { return module.ReplaceAllString(files, "") }
	for name, tc := range map[string]struct {
		base, head string
		want       string
	}{
		"the service's own code":      {inDir("a", users+plain) + inDir("b", users+code), drop, "error"},
		"code of another one's table": {inDir("a", users+code) + inDir("b", users+plain), drop, "info"},
		"code that names another table": {
			inDir("a", users+code) + inDir("b", bills),
			"-- svc/b/migrations/00002_drop.sql --\n-- +goose Up\nALTER TABLE bills DROP COLUMN nick;\n", "warning",
		},
		"code that names the table":                  {inDir("a", bills+code) + inDir("b", users+plain), drop, "error"},
		"code of a service that is no module":        {bare(inDir("a", users+code) + inDir("b", users+plain)), drop, "info"},
		"its own code, of one that is no module":     {bare(inDir("a", users+plain) + inDir("b", users+code)), drop, "error"},
		"code beside the services of one repository": {bare(inDir("a", users+plain)+inDir("b", users+plain)) + code, drop, "error"},
		"a page": {inDir("b", users+plain+page), drop, "info"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			for _, f := range changelog0(t, Config{Dir: repository(t, tc.base, tc.head), Base: "main"}).Findings {
				if f.Rule == "column-drop" {
					got = f.Severity.String()
				}
			}
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
