package adapter

import "testing"

func TestSchemaThatTheRunnerFillsIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`ALTER TABLE {{ index .Options "Namespace" }}.users ADD COLUMN a int;`: `ALTER TABLE namespace                       .users ADD COLUMN a int;`,
		`DROP TABLE {{.Schema}}.t, ${app:schema}.s`:                            `DROP TABLE schema     .t, schema       .s`,
		`SELECT '{"a": 1}', {{ .Value }}`:                                      `SELECT '{"a": 1}', {{ .Value }}`,
		`SELECT '{}'.x, {{ 1 }}.y`:                                             `SELECT '{}'.x, {{ 1 }}.y`,
	} {
		if got := filled(text); got != want || len(got) != len(text) {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}
