package adapter

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func TestSchemaThatTheRunnerFillsIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`ALTER TABLE {{ index .Options "Namespace" }}.users ADD COLUMN a int;`: `ALTER TABLE namespace                       .users ADD COLUMN a int;`,
		`DROP TABLE {{.Schema}}.t, ${app:schema}.s`:                            `DROP TABLE schema     .t, schema       .s`,
		`SELECT '{"a": 1}', {{ .Value }}`:                                      `SELECT '{"a": 1}', {{ .Value }}`,
		`ALTER TABLE "{{ index .Options "Namespace" }}"."users" RENAME a TO b`: `ALTER TABLE namespace                         ."users" RENAME a TO b`,
		`CREATE INDEX ON "${schema}".t (a)`:                                    `CREATE INDEX ON schema     .t (a)`,
		`DROP TABLE ${flyway:defaultSchema}.t`:                                 `DROP TABLE                         t`,
		`DROP TABLE "${flyway:defaultschema}".t`:                               `DROP TABLE                           t`,
		`SELECT "a{{ .X }}".b`:                                                 `SELECT "a{{ .X }}".b`,
		`DROP TABLE :schema.t, :"schema".s`:                                    `DROP TABLE schema .t, schema   .s`,
		`DROP TABLE __APP_SCHEMA__.t, @extschema@.s`:                           `DROP TABLE __app_schema__.t, extschema  .s`,
		`DROP TABLE %(schema)s.t, #{schema}.s`:                                 `DROP TABLE schema    .t, schema   .s`,
		`SELECT a::text.b, c[1:d.e], 'x'::s.t, new.a, f(a)s.b, u@h.c`:          `SELECT a::text.b, c[1:d.e], 'x'::s.t, new.a, f(a)s.b, u@h.c`,
		`SELECT '{}'.x, {{ 1 }}.y`:                                             `SELECT '{}'.x, {{ 1 }}.y`,
	} {
		if got := fillSchemas(text); got != want || len(got) != len(text) {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestNameThatTheRunnerFillsIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"GRANT SELECT ON t TO ${appRole};":                           `GRANT SELECT ON t TO  "approle";`,
		"REVOKE INSERT ON t\n  FROM a, {{.app_role}}":                "REVOKE INSERT ON t\n  FROM a,    \"app_role\"",
		"ALTER TABLE t OWNER TO ${user};":                            `ALTER TABLE t OWNER TO  "user";`,
		"ALTER TABLE t OWNER TO :owner, ADD COLUMN a int":            `ALTER TABLE t OWNER TO  owner, ADD COLUMN a int`,
		`GRANT USAGE ON SCHEMA s TO :"app";`:                         `GRANT USAGE ON SCHEMA s TO  "app";`,
		"CREATE SCHEMA IF NOT EXISTS ${schema};":                     `CREATE SCHEMA IF NOT EXISTS  "schema";`,
		"SET search_path = ${flyway:defaultSchema};":                 `SET search_path =         "defaultschema";`,
		"CREATE POLICY p ON t TO ${role} USING (true);":              `CREATE POLICY p ON t TO  "role" USING (true);`,
		"ALTER TABLE t RENAME TO ${new};":                            "ALTER TABLE t RENAME TO ${new};",
		"SELECT * FROM ${table} WHERE a = ${value}":                  "SELECT * FROM ${table} WHERE a = ${value}",
		"GRANT SELECT ON t TO a; SELECT 1 FROM ${table};":            "GRANT SELECT ON t TO a; SELECT 1 FROM ${table};",
		"GRANT SELECT ON t TO ${prefix}_app;":                        "GRANT SELECT ON t TO ${prefix}_app;",
		"\\set r 'a; DROP TABLE b'\nGRANT SELECT ON t TO :role, :r;": "\\set r 'a; DROP TABLE b'\nGRANT SELECT ON t TO  role, :r;",
		"CREATE POLICY p ON t USING (a = ${role});":                  "CREATE POLICY p ON t USING (a = ${role});",
		"CREATE POLICY p ON t USING (cast(a as text) = to ${role})":  "CREATE POLICY p ON t USING (cast(a as text) = to ${role})",
	} {
		if got := fillRoles(text); got != want || len(got) != len(text) {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// The fast search finds the same tokens as a pattern that would cost more than reading
// the file.
func TestFilledTokens(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(`(?:\{\{[^{}\n]{1,60}\}\}|\$\{[^{}\n]{1,60}\})\.`)
	rnd := rand.New(rand.NewPCG(1, 2))
	parts := []string{"{", "{{", "}", "}}", "}.", "}}.", "${", "$", "a", " b", "\n", ".", "x1", strings.Repeat("n", 58)}
	for range 20_000 {
		var b strings.Builder
		for range 1 + rnd.IntN(9) {
			b.WriteString(parts[rnd.IntN(len(parts))])
		}
		text := b.String()
		want := pattern.ReplaceAllStringFunc(text, func(token string) string {
			words := schemaWord.FindAllString(token, -1)
			if len(words) == 0 {
				return token
			}
			name := strings.ToLower(words[len(words)-1])
			return name + strings.Repeat(" ", len(token)-len(name)-1) + "."
		})
		if got := fillSchemas(text); got != want {
			t.Fatalf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
}

// Where the runner fills in one schema, it is the one in which other names are looked up.
func TestOneSchemaThatTheRunnerFillsIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ texts, want []string }{
		{[]string{"CREATE TABLE t (a int);", "DROP TABLE ${schema}.t;"}, []string{"CREATE TABLE t (a int);", "DROP TABLE           t;"}},
		{
			[]string{"DROP TABLE {{ .Schema }}.t, audit.t;", `DROP TABLE "{{ .Schema }}".s;`},
			[]string{"DROP TABLE               t, audit.t;", `DROP TABLE                 s;`},
		},
		{
			[]string{"SELECT '{{ .Schema }}', '{{ .Schema }}.t', '{{ .Other }}'; DROP TABLE {{ .Schema }}.t;"},
			[]string{"SELECT CURRENT_SCHEMA , '              t', '{{ .Other }}'; DROP TABLE               t;"},
		},
		{[]string{"SELECT '${s}'; DROP TABLE ${s}.t;"}, []string{"SELECT '${s}'; DROP TABLE      t;"}},
		{[]string{"SELECT ':the_schema'; DROP TABLE :the_schema.t;"}, []string{"SELECT ':the_schema'; DROP TABLE             t;"}},
		{[]string{"DROP TABLE ${app}.t;", "DROP TABLE ${audit}.t;"}, []string{"DROP TABLE app   .t;", "DROP TABLE audit   .t;"}},
		{[]string{"SET search_path = ${app};", "DROP TABLE ${app}.t;"}, []string{"SET search_path = ${app};", "DROP TABLE app   .t;"}},
	} {
		var files []*File
		for _, text := range c.texts {
			files = append(files, newFile("a.sql", []byte(text), nil))
		}
		useDefaultSchema(files)
		for i, f := range files {
			if f.Text != c.want[i] || len(f.Text) != len(c.texts[i]) {
				t.Errorf("%q: got %q, want %q", c.texts[i], f.Text, c.want[i])
			}
		}
	}
}

func TestConditionsOfATemplateHold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"CREATE INDEX {{ if .Live }}CONCURRENTLY{{ end }} i ON t (a);": "CREATE INDEX               CONCURRENTLY          i ON t (a);",
		"{{if a}}x{{else if b}}y{{else}}z{{end}};":                     "        x                              ;",
		"{{if a}}x\n{{if b}}y{{else}}z{{end}}{{end}};":                 "        x\n        y                       ;",
		"DROP TABLE {{if .S}}{{.S}}.{{end}}t;":                         "DROP TABLE          s     .       t;",
		"{{if a}}x":                                                    "{{if a}}x",
		"{{range a}}x{{end}}":                                          "{{range a}}x{{end}}",
		"{{end}}":                                                      "{{end}}",
		"SELECT '{{ x }}', {{ end_of_it }}, '{{}}'":                    "SELECT '{{ x }}', {{ end_of_it }}, '{{}}'",
	} {
		f := newFile("a.sql", []byte(text), nil)
		if f.Text != want || len(want) != len(text) || strings.Count(text, "{{if")+strings.Count(text, "{{ if") < len(f.Opaque) {
			t.Errorf("%q: got %q, want %q, %v", text, f.Text, want, f.Opaque)
		}
		if f.Text != text && len(f.Opaque) == 0 && !strings.Contains(text, ".S}}.") {
			t.Errorf("%q: nothing says that the other way was not judged", text)
		}
	}
}
